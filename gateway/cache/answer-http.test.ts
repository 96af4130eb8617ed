import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { HOUR_MS } from '../../domain/instant.ts';
import { storeLmps } from '../../tests/support/lmp-rows.ts';
import { freshDatabase, type TestDatabase } from '../../tests/support/postgres.ts';
import { type StoreGateway, startStoreGateway } from '../../tests/support/store-gateway.ts';
import { LOOPBACK_FRONT } from '../front/front.ts';

const PAGE = 'https://desk.example';
const FROM = Date.UTC(2026, 0, 10);
const QUERY = `{ lmpSeries(nodes: ["PJM:A"], run: DAY_AHEAD_HOURLY, from: "2026-01-10T00:00:00Z", to: "2026-01-20T00:00:00Z") { start lmp } }`;

let db: TestDatabase;
let gateway: StoreGateway;
beforeAll(async () => {
  db = await freshDatabase();
  const hours = Array.from({ length: 240 }, (_, hour) => FROM + hour * HOUR_MS);
  const price = { node: 'PJM:A', run: 'DAY_AHEAD_HOURLY', minutes: 60 } as const;
  await storeLmps(
    db.pool,
    hours.map((start, lmp) => ({ ...price, start, lmp })),
  );
  const front = { ...LOOPBACK_FRONT, origins: [PAGE] };
  gateway = await startStoreGateway({ db, cacheBytes: 8 * 1024 * 1024, front });
});
afterAll(async () => {
  await gateway.close();
  await db.drop();
});

const get = (headers: Record<string, string> = {}) =>
  fetch(`${gateway.url}?query=${encodeURIComponent(QUERY)}`, {
    headers: { 'accept-encoding': 'identity', ...headers },
  });

describe('an answer that is kept', () => {
  test('has to be asked for again each time, by a strong validator', async () => {
    const { headers } = await get();
    expect(headers.get('cache-control')).toBe('private, no-cache');
    expect(headers.get('vary')).toBe('origin, Accept, Accept-Encoding');
    expect(headers.get('etag')).toMatch(/^"[\w-]{43}\.json\.identity"$/);
  });

  test('is not sent to whoever has it', async () => {
    const etag = (await get()).headers.get('etag') ?? '';
    for (const given of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
      const response = await get({ 'if-none-match': given });
      expect([response.status, response.headers.get('etag'), await response.text()]).toEqual([304, etag, '']);
    }
    expect((await get({ 'if-none-match': '"other"' })).status).toBe(200);
  });

  test('is sent again once something in it changed, and not after a commit that changed nothing in it', async () => {
    const etag = (await get()).headers.get('etag') ?? '';
    const commit = () =>
      db.pool.query(
        `INSERT INTO read_revision VALUES ('lmp', 'PJM', 'DAY_AHEAD_HOURLY', '2026-01-12', 'feed', '0', 5)
         ON CONFLICT (family, market_id, run, day, feed_id, partition) DO UPDATE SET n = read_revision.n + 1`,
      );
    await commit();
    expect((await get({ 'if-none-match': etag })).status).toBe(304);
    await storeLmps(db.pool, [{ node: 'PJM:A', run: 'DAY_AHEAD_HOURLY', minutes: 60, start: FROM, lmp: -7 }]);
    await commit();
    const response = await get({ 'if-none-match': etag });
    expect([response.status, response.headers.get('etag') === etag]).toEqual([200, false]);
    expect((await response.json()).data.lmpSeries[0].lmp[0]).toBe(-7);
  });

  test('and an export say what they vary by, beside the origin of the page that asks', async () => {
    const headers = { 'accept-encoding': 'br', origin: PAGE };
    const range = 'nodes=PJM:A&run=DAY_AHEAD_HOURLY&from=2026-01-10T00:00:00Z&to=2026-01-11T00:00:00Z';
    const kept = await get(headers);
    const exported = await fetch(new URL(`/export/lmp?${range}`, gateway.url), { headers });
    expect(kept.headers.get('vary')).toBe('origin, Accept, Accept-Encoding');
    expect([exported.status, exported.headers.get('vary')]).toEqual([200, 'origin, accept, accept-encoding']);
  });

  test('is sent to a POST, which has no validator to ask by', async () => {
    const etag = (await get()).headers.get('etag') ?? '';
    const headers = { 'content-type': 'application/json', 'accept-encoding': 'identity', 'if-none-match': etag };
    const response = await fetch(gateway.url, { method: 'POST', headers, body: JSON.stringify({ query: QUERY }) });
    expect([response.status, response.headers.get('etag')]).toEqual([200, null]);
  });

  test('is the same in every encoding, each with a validator of its own', async () => {
    const plain = await get();
    const text = await plain.text();
    const validators = new Set([plain.headers.get('etag')]);
    for (const encoding of ['gzip', 'br']) {
      const response = await get({ 'accept-encoding': encoding });
      expect(response.headers.get('content-encoding')).toBe(encoding);
      expect(Number(response.headers.get('content-length'))).toBeLessThan(text.length / 4);
      expect(await response.text()).toBe(text);
      validators.add(response.headers.get('etag'));
    }
    const asGraphql = await get({ accept: 'application/graphql-response+json' });
    validators.add(asGraphql.headers.get('etag'));
    expect(validators.size).toBe(4);
  });
});
