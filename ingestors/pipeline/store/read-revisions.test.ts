import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { NodeName } from '../../../domain/market.ts';
import { inTransaction } from '../../../prisma/transaction.ts';
import { freshDatabase, type TestDatabase } from '../../../tests/support/postgres.ts';
import { moveReadRevisions } from './read-revisions.ts';

const claim = { feed: 'feed', partition: '0' };
const fact = (start: string, node = 'PJM:A') =>
  ({ node: node as NodeName, run: 'REAL_TIME_5_MIN', startAt: Date.parse(start) }) as const;

describe('the numbers that tell of commits', () => {
  let db: TestDatabase;
  beforeAll(async () => {
    db = await freshDatabase();
  });
  beforeEach(() => db.pool.query('TRUNCATE read_revision'));
  afterAll(() => db.drop());

  const numbers = async (): Promise<Record<string, number>> => {
    const { rows } = await db.pool.query<{ key: string; n: number }>(
      `SELECT concat_ws(' ', market_id, day, partition) AS key, n FROM read_revision`,
    );
    return Object.fromEntries(rows.map(({ key, n }) => [key, n]));
  };

  test('are moved for each market and day of UTC, and for all days together', async () => {
    const facts = [
      fact('2026-01-10T23:55:00Z'),
      fact('2026-01-11T00:00:00Z'),
      fact('2026-01-11T00:05:00Z'),
      fact('2026-01-11T00:00:00Z', 'MISO:B'),
    ];
    await moveReadRevisions(db.pool, claim, facts);
    expect(Object.keys(await numbers()).sort()).toEqual([
      'MISO -infinity 0',
      'MISO 2026-01-11 0',
      'PJM -infinity 0',
      'PJM 2026-01-10 0',
      'PJM 2026-01-11 0',
    ]);
  });

  test('grow with each commit, although the clock stands before them', async () => {
    await moveReadRevisions(db.pool, claim, [fact('2026-01-10T00:00:00Z')]);
    await db.pool.query('UPDATE read_revision SET n = n + 86400000000');
    const before = await numbers();
    await moveReadRevisions(db.pool, claim, [fact('2026-01-10T00:00:00Z')]);
    const after = await numbers();
    for (const [key, n] of Object.entries(before)) expect(after[key]).toBe(n + 1);
  });

  test('stay where the transaction is taken back', async () => {
    const broken = inTransaction(db.pool, async (client) => {
      await moveReadRevisions(client, claim, [fact('2026-01-10T00:00:00Z')]);
      throw new RangeError('no');
    });
    await expect(broken).rejects.toThrow('no');
    expect(await numbers()).toEqual({});
  });

  test('keep no writer of another partition waiting', async () => {
    const facts = [fact('2026-01-10T00:00:00Z')];
    await inTransaction(db.pool, async (first) => {
      await moveReadRevisions(first, claim, facts);
      await inTransaction(db.pool, (second) => moveReadRevisions(second, { ...claim, partition: '1' }, facts));
    });
    expect(Object.keys(await numbers())).toHaveLength(4);
  });
});
