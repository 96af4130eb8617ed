import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Queryable } from '../../../prisma/queryable.ts';
import { inTransaction } from '../../../prisma/transaction.ts';
import { freshDatabase, type TestDatabase } from '../../../tests/support/postgres.ts';
import { type LedgerFacts, writeLedger } from './ledger.ts';
import { type Claim, lockPartition, unowned } from './positions.ts';

const FEED = 'prices';
const CHUNKS = unowned(FEED, 'backfill/P');

const FACTS: Omit<LedgerFacts, 'commitId'> = {
  planned: undefined,
  kind: 'FILE',
  state: 'COMPLETED',
  originIds: [],
  next: undefined,
  request: null,
  checksum: Buffer.alloc(32),
  bytes: 10,
  publishedAt: null,
  rowsIn: 0,
  rowsWritten: 0,
  rowsUnchanged: 0,
  rowsRevised: 0,
  rowsRejected: 0,
  eventFrom: null,
  eventTo: null,
  startedAt: 0,
  error: null,
  lag: null,
  announced: 0,
};

let db: TestDatabase;
beforeAll(async () => {
  db = await freshDatabase();
});
beforeEach(() => db.pool.query('TRUNCATE dead_letter, ledger_entry, feed_position'));
afterAll(() => db.drop());

const write = async (client: Queryable, claim: Claim, facts: Partial<LedgerFacts>) =>
  writeLedger(client, claim, { ...FACTS, commitId: await lockPartition(client, claim), ...facts });
const commit = (claim: Claim, facts: Partial<LedgerFacts>) =>
  inTransaction(db.pool, (client) => write(client, claim, facts));

describe('the counts of a partition', () => {
  const counts = async () => {
    const { rows } = await db.pool.query(
      `SELECT partition, entries, rows_written AS written, rows_revised AS revised, rows_rejected AS rejected
       FROM feed_position ORDER BY partition`,
    );
    return rows.map(({ partition, entries, written, revised, rejected }) => [
      partition,
      entries,
      written,
      revised,
      rejected,
    ]);
  };

  it('grow with each commit, also with one that failed, and each partition has its own', async () => {
    const file = unowned(FEED, 'file');
    await commit(file, { rowsIn: 9, rowsWritten: 5, rowsRevised: 2, rowsUnchanged: 1, rowsRejected: 1 });
    await commit(file, { rowsIn: 3, rowsRejected: 3, state: 'FAILED', error: 'nothing of it could be read' });
    await commit(CHUNKS, { rowsIn: 2_000_000_000, rowsWritten: 2_000_000_000 });
    await commit(CHUNKS, { rowsIn: 2_000_000_000, rowsWritten: 2_000_000_000 });
    expect(await counts()).toEqual([
      ['backfill/P', 2, 4_000_000_000, 0, 0],
      ['file', 2, 5, 2, 4],
    ]);
  });

  it('have a chunk once, by the attempt that may commit it, and nothing of one that may not', async () => {
    const id = await plan({ attempt: 2 });
    await inTransaction(db.pool, async (client) => {
      const late = write(client, CHUNKS, { planned: { id, attempt: 1 }, rowsWritten: 7 });
      await expect(late).rejects.toMatchObject({ code: 'FENCED' });
    });
    expect(await counts()).toEqual([['backfill/P', 0, 0, 0, 0]]);
    await commit(CHUNKS, { planned: { id, attempt: 2 }, rowsWritten: 7 });
    await expect(commit(CHUNKS, { planned: { id, attempt: 2 }, rowsWritten: 7 })).rejects.toMatchObject({
      code: 'FENCED',
    });
    expect(await counts()).toEqual([['backfill/P', 1, 7, 0, 0]]);
  });

  it('stay when the ledger drops what is old', async () => {
    await commit(CHUNKS, { rowsWritten: 7 });
    await db.pool.query('DELETE FROM ledger_entry');
    expect(await counts()).toEqual([['backfill/P', 1, 7, 0, 0]]);
  });
});

describe('the origins of an entry', () => {
  const origins = async () => {
    const { rows } = await db.pool.query<{ origins: number[] }>(
      'SELECT to_json(origin_ids) AS origins FROM ledger_entry ORDER BY commit_id',
    );
    return rows.map((row) => row.origins);
  };

  it('are written with it', async () => {
    await commit(CHUNKS, { originIds: [7] });
    await commit(CHUNKS, {});
    expect(await origins()).toEqual([[7], []]);
  });

  it('of a plan stay where the commit knows none, and give way to those it knows', async () => {
    await commit(CHUNKS, { planned: { id: await plan({ originIds: [3, 4] }), attempt: 1 } });
    await commit(CHUNKS, { planned: { id: await plan({ originIds: [3, 4] }), attempt: 1 }, originIds: [9] });
    expect(await origins()).toEqual([[3, 4], [9]]);
  });
});

/** @returns the id of a chunk's entry, as an attempt has it. */
async function plan({ attempt = 1, originIds = [] }: { attempt?: number; originIds?: readonly number[] }) {
  const { rows } = await db.pool.query<{ id: number }>(
    `INSERT INTO ledger_entry (feed_id, partition, kind, state, attempt, origin_ids)
     VALUES ($1, $2, 'BACKFILL', 'RUNNING', $3, $4) RETURNING id`,
    [FEED, CHUNKS.partition, attempt, originIds],
  );
  return rows[0]?.id ?? 0;
}
