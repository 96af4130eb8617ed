import { afterAll, beforeAll, expect, it } from 'vitest';
import { createPrisma, type PrismaClient } from '../../prisma/client.ts';
import type { JobEntriesRequest, LedgerState } from '../../schema/context.ts';
import { freshDatabase, type TestDatabase } from '../../tests/support/postgres.ts';
import { readJobEntries } from './job-entries.ts';

/** Two jobs of six chunks, of which one is in each state and two have waited longest. */
const JOBS = `
  INSERT INTO job (id, kind, feed_id, input, requested_by)
  SELECT id, 'REPLAY', 'prices', '{}', 'a test' FROM generate_series(1, 2) AS id;
  INSERT INTO ledger_entry (id, feed_id, partition, kind, state, job_id)
  SELECT 10 * job + place, 'prices', 'replay/0', 'REPLAY', state::ledger_state, job
  FROM generate_series(1, 2) AS job,
       unnest(ARRAY['PENDING', 'PENDING', 'COMPLETED', 'FAILED', 'REPLAYING', 'RUNNING']) WITH ORDINALITY AS chunk (state, place)`;

let db: TestDatabase;
let prisma: PrismaClient;
beforeAll(async () => {
  db = await freshDatabase();
  await db.pool.query(JOBS);
  prisma = createPrisma(db.pool);
});
afterAll(async () => {
  await prisma.$disconnect();
  await db.drop();
});

const asked = (job: number, first: number, state?: LedgerState, after?: number): JobEntriesRequest => ({
  job,
  state,
  page: { first, after },
});

it('gives each job’s entries newest first, of any state or of one, and goes on behind an id', async () => {
  const pages = await readJobEntries(db.pool, prisma, [
    asked(1, 9),
    asked(2, 3),
    asked(2, 3, undefined, 24),
    asked(1, 1, 'PENDING'),
    asked(1, 1, 'PENDING', 12),
    asked(3, 9),
  ]);
  expect(pages.map(({ rows, hasNextPage }) => [rows.map(({ id }) => id), hasNextPage])).toEqual([
    [[16, 15, 14, 13, 12, 11], false],
    [[26, 25, 24], true],
    [[23, 22, 21], false],
    [[12], true],
    [[11], false],
    [[], false],
  ]);
});
