import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { storeLmps } from '../../tests/support/lmp-rows.ts';
import { freshDatabase, type TestDatabase } from '../../tests/support/postgres.ts';
import { readDartSpread } from './dart-spread.ts';
import type { Rollups } from './rollups.ts';

const at = (iso: string) => Date.parse(iso);
const NOW = at('2026-01-01T00:00:00Z');

let db: TestDatabase;
beforeAll(async () => {
  db = await freshDatabase();
});
afterAll(() => db.drop());

describe.each<Rollups>(['kept', 'computed'])('the DART spread from %s rollups', (rollups) => {
  const dart = async (node: string, from: string, to: string, now = NOW) => {
    const [first] = await readDartSpread(db.pool, rollups, [node], { from: at(from), to: at(to) }, now);
    if (!first) throw new Error('a series for each node');
    return first;
  };

  it('is day-ahead minus real-time, with the published hourly price before any average', async () => {
    const node = 'NYISO:DART';
    const da = { node, run: 'DAY_AHEAD_HOURLY', minutes: 60 } as const;
    await storeLmps(db.pool, [
      { ...da, start: '2024-07-04T10:00Z', lmp: 40 },
      { ...da, start: '2024-07-04T11:00Z', lmp: 40 },
      { ...da, start: '2024-07-04T12:00Z', lmp: 40 },
      { ...da, start: '2024-07-04T13:00Z', lmp: 40 },
      { node, run: 'REAL_TIME_HOURLY', start: '2024-07-04T10:00Z', minutes: 60, lmp: 55 },
      { node, run: 'REAL_TIME_5_MIN', start: '2024-07-04T10:00Z', minutes: 5, lmp: 1 },
      // An hour of unequal intervals: (10 × 45 + 50 × 15) / 60 = 20, and a 15-minute price that does not count.
      { node, run: 'REAL_TIME_5_MIN', start: '2024-07-04T11:00Z', minutes: 45, lmp: 10 },
      { node, run: 'REAL_TIME_5_MIN', start: '2024-07-04T11:45Z', minutes: 15, lmp: 50 },
      { node, run: 'REAL_TIME_15_MIN', start: '2024-07-04T11:00Z', minutes: 15, lmp: 7 },
      { node, run: 'REAL_TIME_15_MIN', start: '2024-07-04T12:00Z', minutes: 15, lmp: -20 },
      // Runs that are no real-time leg.
      { node, run: 'HOUR_AHEAD_15_MIN', start: '2024-07-04T13:00Z', minutes: 15, lmp: 3 },
      { node, run: 'SPOT', start: '2024-07-04T13:00Z', minutes: 0, lmp: 3 },
      { node, run: 'REAL_TIME_HOURLY', start: '2024-07-04T14:00Z', minutes: 60, lmp: 12 },
    ]);
    expect(await dart(node, '2024-07-04T09:30Z', '2024-07-04T16:00Z')).toEqual({
      node,
      start: [10, 11, 12, 13, 14, 15].map((hour) => at(`2024-07-04T${hour}:00Z`)),
      dayAhead: [40, 40, 40, 40, null, null],
      realTime: [55, 20, -20, null, 12, null],
      spread: [-15, 20, 60, null, null, null],
    });
  });

  it('shows day-ahead prices of hours to come without a spread', async () => {
    const node = 'PJM:AHEAD';
    await storeLmps(db.pool, [{ node, run: 'DAY_AHEAD_HOURLY', start: '2024-07-04T20:00Z', minutes: 60, lmp: 1 }]);
    const found = await dart(node, '2024-07-04T19:00Z', '2024-07-05T00:00Z', at('2024-07-04T12:00Z'));
    expect([found.dayAhead, found.spread]).toEqual([
      [null, 1],
      [null, null],
    ]);
  });

  it('of a node nobody knows is all gaps', async () => {
    const found = await dart('PJM:NOBODY', '2024-07-04T00:00Z', '2024-07-04T02:00Z');
    expect([found.dayAhead, found.realTime, found.spread]).toEqual([
      [null, null],
      [null, null],
      [null, null],
    ]);
  });
});
