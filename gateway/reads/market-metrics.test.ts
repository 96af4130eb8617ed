import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { MarketMetricsQuestion } from '../../schema/trading-rows.ts';
import { countingDb } from '../../tests/support/counting-db.ts';
import { type LmpSpec, storeLmps } from '../../tests/support/lmp-rows.ts';
import { freshDatabase, type TestDatabase } from '../../tests/support/postgres.ts';
import { readDartSpread } from './dart-spread.ts';
import { readMarketMetrics } from './market-metrics.ts';
import { readPriceTrends } from './price-trends.ts';

const at = (iso: string) => Date.parse(iso);
const RANGE = { from: at('2024-07-04T04:00Z'), to: at('2024-07-06T04:00Z') };
const ASKED: MarketMetricsQuestion = { market: 'PJM', ...RANGE, window: 'RANGE', by: 'NODE' };

let db: TestDatabase;
beforeAll(async () => {
  db = await freshDatabase();
});
afterAll(() => db.drop());

const price = (node: string, run: LmpSpec['run'], start: string, minutes: number, lmp: number): LmpSpec => ({
  node,
  run,
  start,
  minutes,
  lmp,
});

/** As the definition says it. */
function deviation(values: readonly number[]): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1));
}

describe('market metrics', () => {
  beforeAll(() =>
    storeLmps(db.pool, [
      price('PJM:A', 'REAL_TIME_5_MIN', '2024-07-04T10:00Z', 5, 20),
      price('PJM:A', 'REAL_TIME_5_MIN', '2024-07-04T10:05Z', 10, -10),
      price('PJM:A', 'REAL_TIME_5_MIN', '2024-07-04T10:15Z', 5, 0),
      price('PJM:A', 'REAL_TIME_5_MIN', '2024-07-05T10:20Z', 5, 30),
      price('PJM:A', 'REAL_TIME_5_MIN', '2024-07-05T10:25Z', 5, 33),
      price('PJM:A', 'DAY_AHEAD_HOURLY', '2024-07-04T10:00Z', 60, 40),
      price('PJM:A', 'DAY_AHEAD_HOURLY', '2024-07-04T11:00Z', 60, 41),
      price('PJM:A', 'DAY_AHEAD_HOURLY', '2024-07-05T10:00Z', 60, 25),
      price('PJM:B', 'SPOT', '2024-07-04T10:00:07Z', 0, 5),
      // Of another market, and out of the range.
      price('SPP:A', 'SPOT', '2024-07-04T10:00:07Z', 0, 1_000),
      price('PJM:A', 'SPOT', '2024-07-06T04:00Z', 0, 1_000),
    ]),
  );

  it('weigh the average by time and take volatility from returns that have a base', async () => {
    const rows = await readMarketMetrics(db.pool, ASKED);
    const brief = rows.map(({ node, run, count }) => [node, run, count]);
    expect(brief).toEqual([
      ['PJM:A', 'DAY_AHEAD_HOURLY', 3],
      ['PJM:A', 'REAL_TIME_5_MIN', 5],
      ['PJM:B', 'SPOT', 1],
    ]);
    expect(rows[1]).toEqual({
      market: 'PJM',
      node: 'PJM:A',
      run: 'REAL_TIME_5_MIN',
      startAt: RANGE.from,
      endAt: RANGE.to,
      count: 5,
      average: expect.closeTo((20 * 5 - 10 * 10 + 0 * 5 + 30 * 5 + 33 * 5) / 30, 9),
      min: -10,
      max: 33,
      deviation: expect.closeTo(deviation([20, -10, 0, 30, 33]), 9),
      // From 0 to 30 there is no return.
      volatility: expect.closeTo(deviation([-30 / 20, 10 / 10, 3 / 30]), 9),
      dart: null,
    });
    expect(rows[2]).toMatchObject({ average: 5, deviation: null, volatility: null });
  });

  it('have the spread of the hours with both prices, with the day-ahead run', async () => {
    const [dayAhead] = await readMarketMetrics(db.pool, { ...ASKED, run: 'DAY_AHEAD_HOURLY' });
    const spreads = [40 - 0 / 20, 25 - 31.5];
    expect(dayAhead?.dart).toEqual({
      hours: 2,
      average: expect.closeTo((40 - 6.5) / 2, 9),
      min: expect.closeTo(-6.5, 9),
      max: 40,
      deviation: expect.closeTo(deviation(spreads), 9),
      positiveShare: 0.5,
    });
  });

  it.each([
    ['10:00', '11:30'],
    ['10:30', '12:00'],
    ['10:30', '11:05'],
    ['10:10', '10:20'],
    ['10:00', '12:00'],
  ])(
    'have the spread of whole hours that start in the range, as `dartSpread` has it, from %s to %s',
    async (from, to) => {
      const node = 'NYISO:HOURS';
      const hours = [10, 11, 12].map((hour) =>
        price(node, 'DAY_AHEAD_HOURLY', `2024-07-04T${hour}:00Z`, 60, 40 + hour),
      );
      const parts = Array.from({ length: 36 }, (_, part) => {
        const start = new Date(at('2024-07-04T10:00Z') + part * 300_000).toISOString();
        // The second half of an hour is dearer, so that a part of an hour says the contrary of the whole.
        return price(node, 'REAL_TIME_5_MIN', start, 5, part % 12 < 6 ? 20 : 100);
      });
      await storeLmps(db.pool, [...hours, ...parts]);
      const range = { from: at(`2024-07-04T${from}Z`), to: at(`2024-07-04T${to}Z`) };
      const [series] = await readDartSpread(db.pool, 'computed', [node], range, at('2025-01-01T00:00Z'));
      const spreads = series?.spread.map(Number) ?? [];
      for (const window of ['RANGE', 'HOUR', 'DAY', 'MONTH'] as const) {
        const rows = await readMarketMetrics(db.pool, { ...ASKED, ...range, market: 'NYISO', node, window });
        const darts = rows.flatMap(({ dart }) => dart ?? []);
        const total = darts.reduce((sum, { hours, average }) => sum + hours * average, 0);
        expect(darts.reduce((sum, { hours }) => sum + hours, 0)).toBe(spreads.length);
        expect(total).toBeCloseTo(
          spreads.reduce((sum, spread) => sum + spread, 0),
          9,
        );
        expect(darts.map(({ positiveShare }) => positiveShare)).toEqual(darts.map(() => 0));
        // Prices themselves are those of the range, and no more.
        const counted = rows.filter(({ run }) => run === 'REAL_TIME_5_MIN').map(({ count }) => count);
        expect(counted.reduce((sum, count) => sum + count, 0)).toBe((range.to - range.from) / 300_000);
      }
    },
  );

  it('are of each operating day, whose first return is from the day before', async () => {
    const rows = await readMarketMetrics(db.pool, { ...ASKED, run: 'REAL_TIME_5_MIN', window: 'DAY' });
    expect(rows.map(({ startAt, endAt, count }) => [startAt, endAt, count])).toEqual([
      [at('2024-07-04T04:00Z'), at('2024-07-05T04:00Z'), 3],
      [at('2024-07-05T04:00Z'), at('2024-07-06T04:00Z'), 2],
    ]);
    expect(rows.map(({ volatility }) => volatility)).toEqual([expect.closeTo(deviation([-1.5, 1]), 9), null]);
  });

  it.each([
    ['HOUR', '2024-07-04T10:00Z', '2024-07-04T10:20Z'],
    ['MONTH', '2024-07-04T09:30Z', '2024-07-04T10:20Z'],
  ] as const)('are of windows of a %s as far as the range reaches', async (window, from, to) => {
    const range = { from: at('2024-07-04T09:30Z'), to: at('2024-07-04T10:20Z') };
    const rows = await readMarketMetrics(db.pool, { ...ASKED, ...range, run: 'REAL_TIME_5_MIN', window });
    expect(rows.map(({ startAt, endAt, count }) => [startAt, endAt, count])).toEqual([[at(from), at(to), 3]]);
  });

  it('are of one node, or of all nodes of the market together', async () => {
    const [one] = await readMarketMetrics(db.pool, { ...ASKED, node: 'PJM:B' });
    expect(one).toMatchObject({ node: 'PJM:B', count: 1 });
    await storeLmps(db.pool, [
      price('PJM:C', 'REAL_TIME_5_MIN', '2024-07-04T10:00Z', 5, 100),
      price('PJM:C', 'REAL_TIME_5_MIN', '2024-07-04T10:05Z', 5, 150),
    ]);
    const rows = await readMarketMetrics(db.pool, { ...ASKED, by: 'MARKET', run: 'REAL_TIME_5_MIN' });
    expect(rows).toHaveLength(1);
    expect(rows[0]).toMatchObject({
      node: null,
      count: 7,
      max: 150,
      // Each node's own returns, not from one node to another.
      volatility: expect.closeTo(deviation([-1.5, 1, 0.1, 0.5]), 9),
    });
  });

  it('are read in one statement, and of no more prices than an answer may be made of', async () => {
    const counting = countingDb(db.pool);
    await readMarketMetrics(counting, { ...ASKED, market: 'SPP' }, 1);
    expect(counting.statements).toBe(1);
    await expect(readMarketMetrics(db.pool, ASKED, 8)).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' });
    // Also where none of those read is of the run that is asked for.
    const elsewhere = { ...ASKED, market: 'MISO', run: 'DAY_AHEAD_HOURLY' } as const;
    expect(await readMarketMetrics(db.pool, elsewhere)).toEqual([]);
    await storeLmps(db.pool, [price('MISO:A', 'REAL_TIME_5_MIN', '2024-07-04T10:00Z', 5, 1)]);
    await expect(readMarketMetrics(db.pool, elsewhere, 0)).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' });
  });
});

describe('price trends', () => {
  const trends = (nodes: string[]) => readPriceTrends(db.pool, nodes, 'SPOT', { from: 0, to: Date.UTC(2030, 0) });
  const spot = (node: string, prices: readonly number[]) =>
    storeLmps(
      db.pool,
      prices.map((lmp, place) => price(node, 'SPOT', `2024-07-10T${String(10 + place).padStart(2, '0')}:00Z`, 0, lmp)),
    );

  it('are the least-squares line through the prices', async () => {
    await spot('ERCOT:UP', [-10, -5, 3, 6]);
    const [trend] = await trends(['ERCOT:UP']);
    expect(trend).toEqual({
      node: 'ERCOT:UP',
      run: 'SPOT',
      count: 4,
      firstAt: at('2024-07-10T10:00Z'),
      lastAt: at('2024-07-10T13:00Z'),
      first: -10,
      last: 6,
      change: 16,
      changePercent: 160,
      slopePerHour: expect.closeTo(5.6, 9),
      fit: expect.closeTo(1 - 4.2 / 161, 6),
      direction: 'RISING',
    });
  });

  it('say that a line of one price or of equal prices is flat, and one that hardly moves', async () => {
    await spot('ERCOT:ONE', [7]);
    await spot('ERCOT:SAME', [0.1, 0.1, 0.1]);
    await spot('ERCOT:HARDLY', [100, 100.5, 100.9]);
    await spot('ERCOT:DOWN', [0, -1, -2]);
    const found = await trends(['ERCOT:DOWN', 'ERCOT:ONE', 'ERCOT:NOBODY', 'ERCOT:SAME', 'ERCOT:HARDLY']);
    expect(
      found.map(({ node, direction, slopePerHour, fit, changePercent }) => [
        node,
        direction,
        slopePerHour,
        fit,
        changePercent,
      ]),
    ).toEqual([
      ['ERCOT:DOWN', 'FALLING', -1, 1, null],
      ['ERCOT:ONE', 'FLAT', null, null, 0],
      ['ERCOT:SAME', 'FLAT', 0, null, 0],
      ['ERCOT:HARDLY', 'FLAT', expect.closeTo(0.45, 9), expect.closeTo(0.9959016, 6), expect.closeTo(0.9, 9)],
    ]);
  });

  it('are read in one statement, and of no more prices than an answer may be made of', async () => {
    const counting = countingDb(db.pool);
    await readPriceTrends(counting, ['ERCOT:UP', 'ERCOT:DOWN'], undefined, RANGE);
    expect(counting.statements).toBe(1);
    const all = { from: 0, to: Date.UTC(2030, 0) };
    await expect(readPriceTrends(db.pool, ['ERCOT:UP'], undefined, all, 3)).rejects.toMatchObject({
      code: 'LIMIT_EXCEEDED',
    });
  });
});
