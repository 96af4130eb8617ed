import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BLOCKS, type Block } from '../../domain/blocks.ts';
import { HOUR_MS, MINUTE_MS } from '../../domain/instant.ts';
import type { Resolution } from '../../schema/context.ts';
import { storeLmps } from '../../tests/support/lmp-rows.ts';
import { requireOrSkip } from '../../tests/support/services.ts';
import { startTimescale, type TimescaleDatabase } from '../../tests/support/timescale.ts';
import { readDartSpread } from './dart-spread.ts';
import { readLatestLmp } from './latest-lmp.ts';
import { readLmpRevisions } from './lmp-revisions.ts';
import { readLmpSeries } from './lmp-series.ts';
import { readLmps } from './lmps.ts';
import { type Rollups, rollupsOf } from './rollups.ts';
import type { Statement } from './statement.ts';

const NODE = 'PJM:PJM-WEST';
const FROM = Date.parse('2024-11-02T04:00Z');
const DAYS = { from: FROM, to: FROM + 73 * HOUR_MS };
const MONTH = { from: Date.parse('2024-11-01T04:00Z'), to: DAYS.to };
const NOW = Date.parse('2026-01-01T00:00Z');

describe.skipIf(!requireOrSkip('timescale'))('the reads on TimescaleDB', () => {
  let db: TimescaleDatabase;
  beforeAll(async () => {
    db = await startTimescale();
    const every5 = (_: unknown, place: number) => FROM + place * 5 * MINUTE_MS;
    const starts = Array.from({ length: (73 * 60) / 5 }, every5).filter((_, place) => place % 11 !== 3);
    const prices = starts.map((start, place) => ({
      node: NODE,
      run: 'REAL_TIME_5_MIN' as const,
      start,
      minutes: 5,
      lmp: Math.sin(place) * 50,
      ...(place % 2 === 0 && { energy: place, congestion: -place, loss: 0.25 }),
    }));
    // The socket server of PGlite takes a message for whole as soon as a piece of it arrives: they are kept small.
    for (let place = 0; place < prices.length; place += 100) await storeLmps(db.pool, prices.slice(place, place + 100));
    await storeLmps(db.pool, [{ node: NODE, run: 'DAY_AHEAD_HOURLY', start: FROM, minutes: 60, lmp: 40 }]);
    // Half of it is materialised, the other half comes from the prices themselves.
    const half = new Date(FROM + 30 * HOUR_MS);
    await db.pool.query('CALL refresh_continuous_aggregate($1, NULL, $2::timestamptz)', ['lmp_hour', half]);
    await db.pool.query('CALL refresh_continuous_aggregate($1, NULL, $2::timestamptz)', ['lmp_day', half]);
  });
  afterAll(() => db.stop());

  const series = async (rollups: Rollups, resolution: Resolution, block: Block = 'ATC') => {
    const question = {
      nodes: [NODE],
      run: 'REAL_TIME_5_MIN' as const,
      range: resolution === 'MONTH' ? MONTH : DAYS,
      resolution,
      asOf: undefined,
      block,
    };
    const [found] = await readLmpSeries(db.pool, rollups, question, NOW);
    if (!found) throw new Error('a series for each node');
    return found;
  };

  it('know that it keeps rollups', async () => {
    expect(await rollupsOf(db.pool)()).toBe('kept');
  });

  const asked = (['HOUR', 'DAY', 'MONTH'] as const).flatMap((each) => BLOCKS.map((block) => [each, block] as const));
  it.each(asked)('say the same by rollup as by price, each %s of %s', async (resolution, block) => {
    const kept = await series('kept', resolution, block);
    const computed = await series('computed', resolution, block);
    expect(kept.start.length).toBeGreaterThan(0);
    expect(kept.start).toEqual(computed.start);
    for (const column of ['lmp', 'energy', 'congestion', 'loss', 'min', 'max', 'open', 'close'] as const) {
      const values = computed[column]?.map((value) => value && expect.closeTo(value, 9));
      expect(kept[column], column).toEqual(values);
    }
  });

  it('count the day that gains an hour as 25 hours', async () => {
    const { start } = await series('kept', 'DAY');
    expect(start.map((each) => new Date(each).toISOString())).toEqual([
      '2024-11-02T04:00:00.000Z',
      '2024-11-03T04:00:00.000Z',
      '2024-11-04T05:00:00.000Z',
    ]);
  });

  it('page, find the latest and subtract as on plain Postgres', async () => {
    const first = { from: FROM, to: FROM + HOUR_MS };
    const { rows, hasNextPage } = await readLmps(db.pool, [NODE], 'REAL_TIME_5_MIN', first, {
      first: 11,
      after: undefined,
    });
    expect([rows.length, hasNextPage]).toEqual([11, false]);
    expect((await readLatestLmp(db.pool, [NODE], 'DAY_AHEAD_HOURLY')).map(({ lmp }) => lmp)).toEqual([40]);
    const [dart] = await readDartSpread(db.pool, 'kept', [NODE], first, NOW);
    const average = rows.reduce((sum, { lmp }) => sum + lmp, 0) / rows.length;
    expect(dart?.spread).toEqual([expect.closeTo(40 - average, 9)]);
  });

  it('find the versions of prices without a look at the chunks of other times', async () => {
    const price = { node: 'PJM:CORRECTED', run: 'SPOT' as const, minutes: 5 };
    const [early, late] = ['2024-03-01T00:00:00Z', '2024-08-01T00:00:00Z'];
    for (const lmp of [1, 2]) await storeLmps(db.pool, [{ ...price, start: early, lmp }]);
    for (const lmp of [3, 4]) await storeLmps(db.pool, [{ ...price, start: late, lmp }]);
    const keys = [{ node: price.node, run: price.run, startAt: Date.parse(early) }];
    const [versions] = await readLmpRevisions(db.pool, keys);
    expect(versions?.map(({ lmp, revision }) => [lmp, revision])).toEqual([
      [2, 2],
      [1, 1],
    ]);
    let plan = '';
    const explaining = {
      query: async ({ text, values }: Statement) => {
        const { rows } = await db.pool.query<{ 'QUERY PLAN': string }>(`EXPLAIN ${text}`, values);
        plan = rows.map((row) => row['QUERY PLAN']).join('\n');
        return { rows: [] };
      },
    };
    await readLmpRevisions(explaining, keys);
    // One of prices, one of versions.
    expect(new Set(plan.match(/_hyper_\d+_\d+_chunk /g))).toHaveProperty('size', 2);
  });
});
