import { get, type IncomingMessage } from 'node:http';
import { json } from 'node:stream/consumers';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { ALL_RIGHTS } from '../../domain/rights.ts';
import { storeNodes } from '../../tests/support/lmp-rows.ts';
import { freshDatabase, type TestDatabase } from '../../tests/support/postgres.ts';
import { EXPORT_POOL, type StoreGateway, startStoreGateway } from '../../tests/support/store-gateway.ts';
import type { Authenticator } from '../auth/authenticator.ts';
import { FORMATS } from './formats.ts';

/** At some 300 bytes each as objects, gathered they would be more than the bound many times over. */
const ROWS = 400_000;
const FROM = Date.UTC(2024, 0, 1);
const EXPORTS_MAX = 2;
const MB = 2 ** 20;

let db: TestDatabase;
let gateway: StoreGateway;
let lmps: string;
beforeAll(async () => {
  db = await freshDatabase();
  await storeNodes(db.pool, ['PJM:MANY']);
  await db.pool.query(
    `INSERT INTO lmp (node_id, run, interval_start, interval_end, operating_day, lmp, energy, congestion, loss, quality,
                      published_at, published_seq, recorded_at, ledger_id)
     SELECT (SELECT id FROM pricing_node WHERE name = 'MANY'), 'SPOT', at, at, at::date, n / 7.0, n / 11.0, NULL, n / 13.0, 0, at, 0, at, 1
     FROM (SELECT n, to_timestamp($1 / 1000.0) + n * INTERVAL '1 second' AS at FROM generate_series(1, $2::int) AS n) AS tick`,
    [FROM, ROWS],
  );
  gateway = await startStoreGateway({ db, exportsMax: EXPORTS_MAX, exportMsMax: 120_000 });
  const query = new URLSearchParams({ nodes: 'PJM:MANY', run: 'SPOT', from: iso(FROM), to: iso(FROM + 4_000_000_000) });
  lmps = `${gateway.url.replace('/graphql', '')}/export/lmp?${query}`;
}, 120_000);
afterAll(async () => {
  await gateway.close();
  await db.drop();
});

/** Everybody is who they say they are. */
const BY_NAME: Authenticator = {
  identify: async (authorization = '') => ({
    subject: authorization,
    name: authorization,
    rights: ALL_RIGHTS,
    expiresAt: undefined,
  }),
  watch: () => () => undefined,
};

const iso = (instant: number) => new Date(instant).toISOString();

/** Answers whose body nobody reads yet. */
function answerTo(url: string, headers: Record<string, string> = {}): Promise<IncomingMessage> {
  return new Promise((answered, failed) => get(url, { agent: false, headers }, answered).on('error', failed));
}

/** What connections of exports do in the store; those that wait for the next export do nothing. */
async function activities(): Promise<string[]> {
  const { rows } = await db.pool.query<{ state: string }>(
    `SELECT state FROM pg_stat_activity WHERE application_name = $1 AND state <> 'idle'`,
    [EXPORT_POOL],
  );
  return rows.map(({ state }) => state);
}

const metric = async (name: string) => {
  const found = await gateway.metrics.registry.getSingleMetric(name)?.get();
  return found?.values.reduce((sum, { value }) => sum + value, 0) ?? 0;
};

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

/** How much more is held at most while a stream is read to its end: after collecting garbage, a dozen times on the way. */
async function heldWhile(response: IncomingMessage, take: (chunk: Buffer) => void, everyMb = 8): Promise<number> {
  const held = () => {
    collectGarbage();
    const { heapUsed, external } = process.memoryUsage();
    return heapUsed + external;
  };
  const before = held();
  let most = before;
  let unseen = 0;
  for await (const chunk of response) {
    take(chunk);
    unseen += chunk.length;
    if (unseen < everyMb * MB) continue;
    unseen = 0;
    most = Math.max(most, held());
  }
  return Math.max(most, held()) - before;
}

async function bytesOf(response: IncomingMessage): Promise<number> {
  let bytes = 0;
  for await (const chunk of response) bytes += chunk.length;
  return bytes;
}

describe('any number of rows', () => {
  it.each(FORMATS)(
    'go through bounded memory as %s',
    async (format) => {
      let bytes = 0;
      const count = (chunk: Buffer) => {
        bytes += chunk.length;
      };
      const held = await heldWhile(await answerTo(`${lmps}&format=${format}`), count, format === 'parquet' ? 1 : 4);
      expect(bytes).toBeGreaterThan(3 * MB);
      expect(held).toBeLessThan(45 * MB);
    },
    120_000,
  );

  it('would not, were they gathered first: the measure tells', async () => {
    const chunks: Buffer[] = [];
    const held = await heldWhile(await answerTo(`${lmps}&format=ndjson`), (chunk) => chunks.push(chunk));
    expect(held).toBeGreaterThan(75 * MB);
  }, 120_000);

  it('wait in the store for a client that reads none', async () => {
    const before = await metric('busbar_exported_rows_total');
    const response = await answerTo(lmps);
    await expect.poll(activities).toEqual(['idle in transaction']);
    const handed = (await metric('busbar_exported_rows_total')) - before;
    expect(handed).toBeGreaterThan(0);
    expect(handed).toBeLessThan(ROWS / 2);
    response.destroy();
    await expect.poll(activities).toEqual([]);
  });
});

describe('an export under way', () => {
  const other = 'PJM:OTHER';

  it('frees its connection at once when its client goes away', async () => {
    const response = await answerTo(lmps);
    await new Promise((read) => response.once('readable', read));
    expect(await metric('busbar_exports')).toBe(1);
    response.destroy();
    await expect.poll(activities, { timeout: 2_000 }).toEqual([]);
    await expect.poll(() => metric('busbar_exports')).toBe(0);
  });

  it('frees its connection too where the store has not come to its first row', async () => {
    // All of the table is averaged before there is one.
    const asking = get(lmps.replace('SPOT', 'SPOT&resolution=MONTH'), { agent: false }).on('error', () => {});
    await expect.poll(activities, { interval: 5 }).toEqual(['active']);
    asking.destroy();
    await expect.poll(activities, { timeout: 2_000 }).toEqual([]);
    await expect.poll(() => metric('busbar_exports')).toBe(0);
  });

  it('is not begun where its client left while that was noted', async () => {
    const [audit, prices] = [await db.pool.connect(), await db.pool.connect()];
    await audit.query('BEGIN; LOCK audit_entry IN ACCESS EXCLUSIVE MODE');
    // Whoever reads prices would not get past this.
    await prices.query('BEGIN; LOCK lmp IN ACCESS EXCLUSIVE MODE');
    onTestFinished(async () => {
      for (const holder of [audit, prices]) holder.release(true);
    });
    const asking = get(lmps, { agent: false }).on('error', () => {});
    await expect.poll(() => metric('busbar_exports')).toBe(1);
    asking.destroy();
    // One that came after it is answered: the gateway has heard of the end of the other.
    await (await fetch(new URL('/health/live', lmps))).text();
    await audit.query('ROLLBACK');
    await expect.poll(() => metric('busbar_exports')).toBe(0);
    expect(await activities()).toEqual([]);
  });

  it.each(FORMATS)('that fails breaks off as %s, and never looks complete', async (format) => {
    const response = await answerTo(`${lmps}&format=${format}`);
    await db.pool.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1', [
      EXPORT_POOL,
    ]);
    expect(response.statusCode).toBe(200);
    await expect(bytesOf(response)).rejects.toThrow(/aborted|ECONNRESET/);
    expect(response.complete).toBe(false);
    await expect.poll(() => metric('busbar_exports')).toBe(0);
  });

  it('is one of so many: the next is told to come back, and queries go on', async () => {
    const answers = [await answerTo(lmps), await answerTo(lmps)];
    const refused = await fetch(lmps);
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '5']);
    expect((await refused.json()).error).toMatchObject({ code: 'UNAVAILABLE', message: /2 exports are under way/ });
    expect((await gateway.answer('{ latestLmp(nodes: ["PJM:MANY"], run: SPOT) { lmp } }')).latestLmp).toHaveLength(1);
    for (const answer of answers) answer.destroy();
    await expect.poll(() => metric('busbar_exports')).toBe(0);
    const admitted = await answerTo(lmps);
    expect(admitted.statusCode).toBe(200);
    admitted.destroy();
  });

  it('is one of so many of its identity, so that nobody has all there may be', async () => {
    const closed = await startStoreGateway({ db, exportsMax: 2, exportsPerIdentity: 1, authenticator: BY_NAME });
    onTestFinished(() => closed.close());
    const exported = lmps.replace(gateway.url.replace('/graphql', ''), closed.url.replace('/graphql', ''));
    const ask = (authorization: string) => answerTo(exported, { authorization });
    const first = await ask('alice');
    const [second, other] = [await ask('alice'), await ask('bob')];
    expect([first.statusCode, second.statusCode, other.statusCode]).toEqual([200, 429, 200]);
    expect(second.headers['retry-after']).toBe('5');
    expect(await json(second)).toMatchObject({ error: { code: 'RATE_LIMITED', limit: 'exports', max: 1 } });
    first.destroy();
    other.destroy();
    await expect.poll(async () => (await closed.metrics.exports.get()).values[0]?.value).toBe(0);
    const again = await ask('alice');
    expect(again.statusCode).toBe(200);
    again.destroy();
  });

  it('shows one state of the store, whatever is committed meanwhile', async () => {
    await storeNodes(db.pool, [other]);
    const insert = (at: number) =>
      db.pool.query(
        `INSERT INTO lmp (node_id, run, interval_start, interval_end, operating_day, lmp, quality, published_at, published_seq,
                          recorded_at, ledger_id)
         SELECT id, 'SPOT', $1, $1, '2024-01-01', 1, 0, $1, 0, $1, 1 FROM pricing_node WHERE name = 'OTHER'`,
        [iso(FROM + at)],
      );
    await insert(1);
    const response = await answerTo(lmps.replace('MANY', `MANY,${other}`));
    // The other node is read last.
    await insert(2);
    let text = '';
    for await (const chunk of response) text = text.slice(-10_000) + chunk;
    expect(
      text
        .trimEnd()
        .split('\n')
        .filter((line) => line.startsWith(other)),
    ).toHaveLength(1);
  }, 120_000);
});
