import type pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createPrisma, type PrismaClient } from '../../prisma/client.ts';
import { createPool } from '../../prisma/pool.ts';
import type { LedgerState } from '../../schema/context.ts';
import { freshDatabase, type TestDatabase } from '../../tests/support/postgres.ts';
import { readLedger } from './ledger.ts';

/** Ten feeds in turn, a thousand entries each, and before all of them fifty of one that has been silent since. */
const ENTRIES = `
  INSERT INTO ledger_entry (id, feed_id, partition, kind, state)
  SELECT id, CASE WHEN id <= 50 THEN 'silent' ELSE 'feed-' || id % 10 END, '0', 'BATCH',
         (CASE WHEN id % 1000 = 7 THEN 'FAILED' WHEN id > 10000 THEN 'PENDING' ELSE 'COMPLETED' END)::ledger_state
  FROM generate_series(1, 10050) AS id`;

let db: TestDatabase;
let pool: pg.Pool;
let prisma: PrismaClient;
beforeAll(async () => {
  db = await freshDatabase();
  await db.pool.query(ENTRIES);
  await db.pool.query('ANALYZE ledger_entry');
  // What a server that has run for a while plans: without a look at the values.
  await db.pool.query(
    `DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET plan_cache_mode = force_generic_plan', current_database()); END $$`,
  );
  pool = createPool({ url: db.url, max: 1 });
  prisma = createPrisma(db.pool);
});
afterAll(async () => {
  await prisma.$disconnect();
  await pool.end();
  await db.drop();
});

async function ids(feed: string, state: LedgerState | undefined, first: number, after?: number) {
  const filter = { feed, ...(state && { state }) };
  const { rows, hasNextPage } = await readLedger(pool, prisma, filter, { first, after });
  return { ids: rows.map(({ id }) => id), hasNextPage };
}

it('gives a feed’s entries newest first, of one state or of all, and goes on behind an id', async () => {
  expect(await ids('feed-7', undefined, 3)).toEqual({ ids: [10_047, 10_037, 10_027], hasNextPage: true });
  expect(await ids('feed-7', 'PENDING', 9)).toEqual({ ids: [10_047, 10_037, 10_027, 10_017], hasNextPage: false });
  expect(await ids('feed-7', 'COMPLETED', 2)).toEqual({ ids: [9_997, 9_987], hasNextPage: true });
  expect(await ids('feed-7', 'COMPLETED', 2, 9_987)).toEqual({ ids: [9_977, 9_967], hasNextPage: true });
  expect(await ids('feed-7', 'FAILED', 2)).toEqual({ ids: [10_007, 9_007], hasNextPage: true });
  expect(await ids('feed-7', 'FAILED', 2, 2_007)).toEqual({ ids: [1_007], hasNextPage: false });
  expect(await ids('feed-7', 'RUNNING', 2)).toEqual({ ids: [], hasNextPage: false });
});

it.each([
  ['those that failed', 'feed-7', 'FAILED', 'ledger_entry_feed_id_state_id_idx'],
  ['those that wait', 'feed-7', 'PENDING', 'ledger_entry_feed_id_state_id_idx'],
  ['those of a feed that has long been silent', 'silent', 'COMPLETED', 'ledger_entry_feed_id_id_idx'],
  ['all of a feed that has long been silent', 'silent', undefined, 'ledger_entry_feed_id_id_idx'],
] as const)('finds %s without a look at the others', async (_, feed, state, index) => {
  const before = await readSoFar(index);
  await ids(feed, state, 2);
  expect((await readSoFar(index)) - before).toBe(3);
});

/** Entries of an index that were read over the one connection there is. */
async function readSoFar(index: string): Promise<number> {
  await pool.query('SELECT pg_stat_force_next_flush()');
  const { rows } = await db.pool.query<{ read: number }>(
    'SELECT idx_tup_read::int AS read FROM pg_stat_user_indexes WHERE indexrelname = $1',
    [index],
  );
  return rows[0]?.read ?? 0;
}
