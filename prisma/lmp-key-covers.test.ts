import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DAY_MS, HOUR_MS } from '../domain/instant.ts';
import { storeLmps } from '../tests/support/lmp-rows.ts';
import { requireOrSkip } from '../tests/support/services.ts';
import { startTimescale, type TimescaleDatabase } from '../tests/support/timescale.ts';

const MIGRATION = new URL('./migrations/20261202000000_lmp_key_covers/migration.sql', import.meta.url);
const FROM = Date.parse('2024-01-01T00:00Z');

/** The key and the compression of prices as they were before that migration. */
const BEFORE = [
  `SELECT remove_compression_policy('lmp')`,
  'ALTER TABLE lmp SET (timescaledb.compress = false)',
  'ALTER TABLE lmp DROP CONSTRAINT lmp_pkey',
  'ALTER TABLE lmp ADD CONSTRAINT lmp_pkey PRIMARY KEY (node_id, run, interval_start)',
  `ALTER TABLE lmp SET (timescaledb.compress, timescaledb.compress_segmentby = 'node_id, run', timescaledb.compress_orderby = 'interval_start')`,
  `SELECT add_compression_policy('lmp', INTERVAL '90 days')`,
];

describe.skipIf(!requireOrSkip('timescale'))('the key that covers prices', () => {
  let db: TimescaleDatabase;
  beforeAll(async () => {
    db = await startTimescale();
    for (const statement of BEFORE) await db.pool.query(statement);
    const starts = Array.from(
      { length: 48 },
      (_, place) => FROM + (place % 24) * HOUR_MS + (place < 24 ? 0 : 30 * DAY_MS),
    );
    await storeLmps(
      db.pool,
      starts.map((start, lmp) => ({ node: 'PJM:A', run: 'DAY_AHEAD_HOURLY', start, minutes: 60, lmp, energy: lmp })),
    );
  });
  afterAll(() => db.stop());

  const one = async <Value>(sql: string): Promise<Value> =>
    (await db.pool.query<{ value: Value }>(sql)).rows[0]?.value as Value;
  const prices = () => one<string>(`SELECT md5(string_agg(lmp::text, ' ' ORDER BY interval_start)) AS value FROM lmp`);
  const compressChunks = () =>
    db.pool.query(`SELECT compress_chunk(chunk, if_not_compressed => true) FROM show_chunks('lmp') AS chunk`);
  const compressed = () =>
    one<number>(
      `SELECT count(*)::int AS value FROM timescaledb_information.chunks WHERE hypertable_name = 'lmp' AND is_compressed`,
    );
  const key = () =>
    one<string>(
      `SELECT pg_get_constraintdef(oid) AS value FROM pg_constraint WHERE conname = 'lmp_pkey' AND conrelid = 'lmp'::regclass`,
    );

  it('is made on a store whose prices are compressed, loses none, and lets them be compressed again', async () => {
    await compressChunks();
    expect(await compressed()).toBeGreaterThan(1);
    const [before, chunks] = [await prices(), await compressed()];
    expect(await key()).toBe('PRIMARY KEY (node_id, run, interval_start)');
    await db.pool.query(await readFile(MIGRATION, 'utf8'));
    expect(await key()).toBe(
      'PRIMARY KEY (node_id, run, interval_start) INCLUDE (interval_end, operating_day, lmp, energy, congestion, loss)',
    );
    expect([await prices(), await compressed()]).toEqual([before, 0]);
    await compressChunks();
    expect([await prices(), await compressed()]).toEqual([before, chunks]);
    const policies = await one<number>(
      `SELECT count(*)::int AS value FROM timescaledb_information.jobs WHERE hypertable_name = 'lmp' AND proc_name = 'policy_compression'`,
    );
    expect(policies).toBe(1);
  });

  it('takes a correction of a price that is compressed', async () => {
    await storeLmps(db.pool, [{ node: 'PJM:A', run: 'DAY_AHEAD_HOURLY', start: FROM, minutes: 60, lmp: -5 }]);
    expect(await one(`SELECT lmp AS value FROM lmp WHERE interval_start = '2024-01-01T00:00Z'`)).toBe(-5);
    expect(await one('SELECT count(*)::int AS value FROM lmp')).toBe(48);
  });
});
