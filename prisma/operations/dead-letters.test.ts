import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { freshDatabase, type TestDatabase } from '../../tests/support/postgres.ts';
import { inTransaction } from '../transaction.ts';
import { type DeadLetterFilter, discardDeadLetters, listDeadLetters } from './dead-letters.ts';

const FEED = 'caiso-lmp';
const STREAM = 'iso.rt.lmp.caiso';
const OTHER = 'realtime_prices';
const REASON = 'the operator withdrew the report';

let db: TestDatabase;
beforeAll(async () => {
  db = await freshDatabase();
  await db.pool.query(
    `INSERT INTO feed (id, title, kind, streams) VALUES ($1, 'CAISO', 'poll', $2), ($3, 'Real-time prices', 'topic', '{}')`,
    [FEED, JSON.stringify({ [STREAM]: ['PRC_INTVL_LMP'] }), OTHER],
  );
  await db.pool.query(
    `INSERT INTO ledger_entry (id, feed_id, partition, kind, state) VALUES (1, $1, 'file', 'FILE', 'COMPLETED')`,
    [FEED],
  );
});
afterAll(() => db.drop());
beforeEach(async () => {
  await db.pool.query('TRUNCATE dead_letter');
  await db.pool.query(
    `INSERT INTO dead_letter (id, feed_id, partition, ledger_id, code, reason, raw, state, received_at)
     SELECT id, feed, partition, 1, 'BAD_VALUE', 'odd', '\\xcafe', state::dead_letter_state, now()
     FROM (VALUES (1, $1, 'PRC_INTVL_LMP', 'OPEN'), (2, $1, 'backfill/PRC_INTVL_LMP', 'OPEN'), (3, $1, 'PRC_LMP', 'OPEN'),
                  (4, $1, 'file', 'OPEN'), (5, $1, 'PRC_INTVL_LMP', 'RETRIED'), (6, $1, 'PRC_INTVL_LMP', 'DISCARDED'),
                  (7, $2, '0', 'OPEN')) AS t (id, feed, partition, state)`,
    [FEED, OTHER],
  );
});

const discard = (feed: string, ids?: readonly number[], reason = REASON) =>
  inTransaction(db.pool, (client) => discardDeadLetters(client, { feed, ids, reason }));

/** Ids of those that this reason was given up for. */
async function discarded(): Promise<number[]> {
  const { rows } = await db.pool.query<{ id: number }>(
    `SELECT id FROM dead_letter WHERE state = 'DISCARDED' AND resolution IS NOT NULL ORDER BY id`,
  );
  return rows.map(({ id }) => id);
}

describe('discarding dead letters', () => {
  it('notes the reason and when, and keeps the bytes', async () => {
    expect(await discard(FEED, [1])).toBe(1);
    const { rows } = await db.pool.query(
      `SELECT state, resolution, resolved_at IS NOT NULL AS resolved, encode(raw, 'hex') AS raw FROM dead_letter WHERE id = 1`,
    );
    expect(rows).toEqual([{ state: 'DISCARDED', resolution: REASON, resolved: true, raw: 'cafe' }]);
    expect(await discarded()).toEqual([1]);
  });

  it('takes each of the ids once', async () => {
    expect(await discard(FEED, [1, 3, 1])).toBe(2);
    expect(await discarded()).toEqual([1, 3]);
  });

  it('without ids gives up every open one of the feed, and of no other', async () => {
    expect(await discard(FEED)).toBe(4);
    expect(await discarded()).toEqual([1, 2, 3, 4]);
    expect(await discard(FEED)).toBe(0);
  });

  it('by the name of a stream gives up those of its partitions, however they were committed, and no others', async () => {
    expect(await discard(STREAM)).toBe(2);
    expect(await discarded()).toEqual([1, 2]);
  });

  it('discards nothing, and names them, where some are not open dead letters of the feed', async () => {
    await expect(discard(FEED, [1, 5, 6, 7, 99])).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: `${FEED} has no open dead letter 5, 6, 7, 99`,
    });
    await expect(discard(STREAM, [1, 3])).rejects.toThrow(`${FEED} has no open dead letter 3`);
    expect(await discarded()).toEqual([]);
  });

  it.each(['', ' \t'])('is refused without a reason ("%s")', async (reason) => {
    await expect(discard(FEED, [1], reason)).rejects.toMatchObject({ code: 'BAD_USER_INPUT' });
    expect(await discarded()).toEqual([]);
  });

  it('is refused where there is no such feed, with the names there are', async () => {
    await expect(discard('caiso')).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: expect.stringContaining(`${FEED}, ${STREAM}, ${OTHER}`),
    });
  });
});

describe('a list of dead letters', () => {
  const ids = async (filter: DeadLetterFilter, limit = 100, before?: number) =>
    (await listDeadLetters(db.pool, filter, { limit, before })).map(({ id }) => id);

  it('is newest first, by feed, partitions and state, in pages', async () => {
    expect(await ids({})).toEqual([7, 6, 5, 4, 3, 2, 1]);
    expect(await ids({ feed: FEED, state: 'OPEN' })).toEqual([4, 3, 2, 1]);
    expect(await ids({ feed: FEED, partitions: ['PRC_INTVL_LMP'] })).toEqual([6, 5, 2, 1]);
    expect(await ids({ feed: FEED }, 2)).toEqual([6, 5]);
    expect(await ids({ feed: FEED }, 2, 5)).toEqual([4, 3]);
  });

  it('tells everything but the bytes, with their number', async () => {
    const [letter] = await listDeadLetters(db.pool, { feed: OTHER }, { limit: 1 });
    expect(letter).toEqual({
      id: 7,
      feed: OTHER,
      partition: '0',
      position: null,
      ledgerId: 1,
      code: 'BAD_VALUE',
      reason: 'odd',
      size: 2,
      form: 'PAYLOAD',
      name: '',
      publishedAt: null,
      state: 'OPEN',
      receivedAt: expect.any(Number),
      retries: 0,
      retryId: null,
      resolvedAt: null,
      resolution: null,
    });
  });
});
