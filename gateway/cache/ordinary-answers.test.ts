import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startGateway, type TestGateway } from '../../tests/support/gateway.ts';
import { tick } from '../../tests/support/live.ts';
import { LOOPBACK_FRONT } from '../front/front.ts';

const PAGE = 'https://desk.example';
/** Reads what no hot plan has. */
const query = (nodes: number) =>
  `{ latestLmp(nodes: ${JSON.stringify(Array.from({ length: nodes }, (_, place) => `PJM:N${place}`))}, run: SPOT) { lmp ledgerEntry { id } } }`;

let gateway: TestGateway;
let price = 42.5;
beforeAll(async () => {
  const latestLmp = async (nodes: readonly string[]) => nodes.map((node) => tick(node, price));
  gateway = await startGateway({
    reads: { latestLmp },
    edge: { front: { ...LOOPBACK_FRONT, origins: [PAGE] } },
  });
});
afterAll(() => gateway.close());

const ask = (nodes: number, headers: Record<string, string> = {}) =>
  fetch(gateway.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'accept-encoding': 'identity', ...headers },
    body: JSON.stringify({ query: query(nodes) }),
  });

const get = (headers: Record<string, string> = {}) =>
  fetch(`${gateway.url}?query=${encodeURIComponent(query(100))}`, {
    headers: { 'accept-encoding': 'identity', ...headers },
  });

describe('an answer of the ordinary way', () => {
  test('to a GET has a strong validator, by which it is not sent twice, and is sent once it is another', async () => {
    const first = await get();
    const etag = first.headers.get('etag') ?? '';
    expect(etag).toMatch(/^"[\w-]{43}\.json\.identity"$/);
    expect(first.headers.get('cache-control')).toBe('private, no-cache');
    await first.text();
    const again = await get({ 'if-none-match': etag });
    expect([again.status, again.headers.get('etag'), again.headers.get('content-type'), await again.text()]).toEqual([
      304,
      etag,
      null,
      '',
    ]);
    const inBrotli = await get({ 'if-none-match': etag, 'accept-encoding': 'br' });
    expect([inBrotli.status, inBrotli.headers.get('etag')]).toEqual([200, etag.replace('identity', 'br')]);
    price = 43;
    const moved = await get({ 'if-none-match': etag });
    expect([moved.status, moved.headers.get('etag') === etag, (await moved.text()).includes('43')]).toEqual([
      200,
      false,
      true,
    ]);
    price = 42.5;
  });

  test('to a POST has none: nobody may ask by it', async () => {
    const { headers } = await ask(100);
    expect([headers.get('etag'), headers.get('cache-control')]).toEqual([null, null]);
  });

  test('that is refused has none, and is compressed as others are', async () => {
    const unknown = Array.from({ length: 40 }, (_, place) => `nothing${place}`).join(' ');
    const response = await fetch(`${gateway.url}?query=${encodeURIComponent(`{ ${unknown} }`)}`, {
      headers: { accept: 'application/graphql-response+json', 'accept-encoding': 'br' },
    });
    expect([response.status, response.headers.get('etag')]).toEqual([400, null]);
    expect([response.headers.get('content-encoding'), response.headers.get('content-type')]).toEqual([
      'br',
      'application/graphql-response+json; charset=utf-8',
    ]);
    expect((await response.json()).errors[0].message).toContain('nothing0');
  });

  test('is compressed as one accepts it, and is the same', async () => {
    const plain = await ask(100);
    const text = await plain.text();
    expect([plain.headers.get('content-encoding'), plain.headers.get('content-length')]).toEqual([
      null,
      String(text.length),
    ]);
    for (const coding of ['br', 'gzip']) {
      const response = await ask(100, { 'accept-encoding': coding });
      expect(response.headers.get('content-encoding')).toBe(coding);
      expect(response.headers.get('content-type')).toBe(plain.headers.get('content-type'));
      expect(Number(response.headers.get('content-length'))).toBeLessThan(text.length / 4);
      expect(await response.text()).toBe(text);
    }
  });

  test('is sent as it is where it is short', async () => {
    const response = await ask(1, { 'accept-encoding': 'br' });
    expect(response.headers.get('content-encoding')).toBeNull();
    expect((await response.json()).data.latestLmp).toHaveLength(1);
  });

  test('says what it varies by, beside the origin of the page that asks', async () => {
    for (const nodes of [1, 100]) {
      const { headers } = await ask(nodes, { 'accept-encoding': 'br', origin: PAGE });
      expect(headers.get('vary')).toBe('origin, Accept, Accept-Encoding');
    }
  });

  test('that is a stream of events is never compressed', async () => {
    const response = await ask(100, { 'accept-encoding': 'br', accept: 'text/event-stream' });
    expect(response.headers.get('content-type')).toMatch('text/event-stream');
    expect(response.headers.get('content-encoding')).not.toMatch(/br|gzip/);
    expect(await response.text()).toContain('42.5');
  });
});
