import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { countingDb } from '../../tests/support/counting-db.ts';
import { storeLmps } from '../../tests/support/lmp-rows.ts';
import { freshDatabase, type TestDatabase } from '../../tests/support/postgres.ts';
import { readLatestLmp } from './latest-lmp.ts';

let db: TestDatabase;
beforeAll(async () => {
  db = await freshDatabase();
});
afterAll(() => db.drop());

describe('the latest prices', () => {
  it('are those of the newest interval of each node in the run, in the order asked, without unknown nodes', async () => {
    const hourly = { run: 'DAY_AHEAD_HOURLY', minutes: 60 } as const;
    await storeLmps(db.pool, [
      { ...hourly, node: 'PJM:A', start: '2024-07-04T18:00Z', lmp: 3 },
      { ...hourly, node: 'PJM:A', start: '2024-07-04T17:00Z', lmp: 2 },
      { ...hourly, node: 'PJM:B', start: '2030-07-04T17:00Z', lmp: 9 },
      { node: 'PJM:A', run: 'REAL_TIME_5_MIN', start: '2024-07-04T19:00Z', minutes: 5, lmp: 7 },
      { node: 'PJM:C', run: 'REAL_TIME_5_MIN', start: '2024-07-04T19:00Z', minutes: 5, lmp: 8 },
    ]);
    const rows = await readLatestLmp(db.pool, ['PJM:B', 'PJM:NOBODY', 'PJM:C', 'PJM:A'], 'DAY_AHEAD_HOURLY');
    expect(rows.map(({ node, lmp }) => [node, lmp])).toEqual([
      ['PJM:B', 9],
      ['PJM:A', 3],
    ]);
  });

  it('come in one statement, and are none for no nodes', async () => {
    const nodes = Array.from({ length: 200 }, (_, place) => `PJM:MANY-${place}`);
    await storeLmps(
      db.pool,
      nodes.map((node, lmp) => ({ node, run: 'SPOT', start: '2024-07-04T17:00Z', minutes: 0, lmp })),
    );
    const counting = countingDb(db.pool);
    expect((await readLatestLmp(counting, nodes, 'SPOT')).map(({ lmp }) => lmp)).toEqual(nodes.map((_, lmp) => lmp));
    expect(counting.statements).toBe(1);
    expect(await readLatestLmp(db.pool, [], 'SPOT')).toEqual([]);
  });
});
