import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Block } from '../../domain/blocks.ts';
import { HOUR_MS } from '../../domain/instant.ts';
import { MARKETS } from '../../domain/market.ts';
import { isWrittenOnPeak, writtenWallTime } from '../../domain/market-clock.cases.ts';
import type { LmpSeriesRow, Range, Resolution } from '../../schema/context.ts';
import { countingDb } from '../../tests/support/counting-db.ts';
import { type LmpSpec, storeLmps } from '../../tests/support/lmp-rows.ts';
import { freshDatabase, type TestDatabase } from '../../tests/support/postgres.ts';
import { holidayDays, inBlock, JOIN_PEAK } from './block-hours.ts';
import { readLmpSeries } from './lmp-series.ts';
import type { Rollups } from './rollups.ts';

const at = (iso: string) => Date.parse(iso);
const NOW = at('2026-01-01T00:00Z');
/** All that is stored but for the single cases; a month of any market lies in it. */
const MARCH = { from: at('2024-03-01T00:00Z'), to: at('2024-04-01T00:00Z') };
const NOVEMBER = { from: at('2024-11-01T00:00Z'), to: at('2024-12-01T00:00Z') };
const IDS = MARKETS.map(({ id }) => id);

/**
 * Hours of March and of November 2024, on-peak, off-peak and all, by a calendar on the wall. Weekdays of March: 21, with Saturdays
 * 26; of November without Thanksgiving: 20, with Saturdays 25; 16 on-peak hours each. March has 31 days less an hour, November 30
 * and an hour more, but for MISO.
 */
const HOURS = [
  ['CAISO', 416, 327, 743, 400, 321, 721],
  ['ERCOT', 336, 407, 743, 320, 401, 721],
  ['ISONE', 336, 407, 743, 320, 401, 721],
  ['MISO', 336, 408, 744, 320, 400, 720],
  ['NYISO', 336, 407, 743, 320, 401, 721],
  ['PJM', 336, 407, 743, 320, 401, 721],
  ['SPP', 336, 407, 743, 320, 401, 721],
] as const;

let db: TestDatabase;
beforeAll(async () => {
  db = await freshDatabase();
  for (const id of IDS) await storeLmps(db.pool, [...hoursOf(MARCH), ...hoursOf(NOVEMBER)].map(specOf(id)));
});
afterAll(() => db.drop());

interface Asked {
  readonly node: string;
  readonly range: Range;
  readonly resolution: Resolution;
  readonly block: Block;
  readonly run?: LmpSpec['run'];
  readonly rollups?: Rollups;
  readonly asOf?: number | undefined;
  readonly now?: number;
}

async function series(asked: Asked): Promise<LmpSeriesRow> {
  const { node, run = 'DAY_AHEAD_HOURLY', rollups = 'computed', range, resolution, block, asOf, now = NOW } = asked;
  const question = { nodes: [node], run, range, resolution, asOf, block };
  const [found] = await readLmpSeries(db.pool, rollups, question, now);
  if (!found) throw new Error('a series for each node');
  return found;
}

/** The hours of the month, and of the days around it at prices that would show. */
function hoursOf({ from, to }: Range): number[] {
  const first = from - 24 * HOUR_MS;
  return Array.from({ length: (to - from) / HOUR_MS + 72 }, (_, place) => first + place * HOUR_MS);
}

/** A price for each hour that no other hour nearby has. */
const priceAt = (hour: number) => ((hour / HOUR_MS) % 977) - 300 + 1 / (((hour / HOUR_MS) % 31) + 1);

const specOf =
  (market: string) =>
  (start: number): LmpSpec => ({
    node: `${market}:HUB`,
    run: 'DAY_AHEAD_HOURLY',
    start,
    minutes: 60,
    lmp: priceAt(start),
  });

/** Hours of the month or day that holds the instant, by the written rules. */
function writtenHours(market: string, block: Block, isIn: (wall: Date) => boolean, around: Range): number[] {
  return hoursOf(around).filter((hour) => {
    const inHours = block === 'ATC' || isWrittenOnPeak(market, hour) === (block === 'ON_PEAK');
    return inHours && isIn(writtenWallTime(market, hour));
  });
}

function writtenCount(market: string, month: number, block: Block): number {
  const [, ...counts] = HOURS.find(([id]) => id === market) ?? [];
  return counts[(month === 2 ? 0 : 3) + ['ON_PEAK', 'OFF_PEAK', 'ATC'].indexOf(block)] ?? Number.NaN;
}

const mean = (values: readonly number[]) => values.reduce((sum, each) => sum + each, 0) / values.length;

describe.each<Rollups>(['kept', 'computed'])(
  'from %s rollups, the block of a month in which the clocks change',
  (rollups) => {
    it.each(IDS.flatMap((id) => [[id, 'March', MARCH, 2] as const, [id, 'November', NOVEMBER, 10] as const]))(
      'averages at %s in %s as by hand',
      async (id, _name, range, month) => {
        for (const block of ['ON_PEAK', 'OFF_PEAK', 'ATC'] as const) {
          const hours = writtenHours(id, block, (wall) => wall.getUTCMonth() === month, range);
          expect(hours).toHaveLength(writtenCount(id, month, block));
          const prices = hours.map(priceAt);
          const found = await series({ node: `${id}:HUB`, range, resolution: 'MONTH', block, rollups });
          expect(found.lmp, block).toEqual([expect.closeTo(mean(prices), 9)]);
          expect([found.min, found.max]).toEqual([[Math.min(...prices)], [Math.max(...prices)]]);
          expect([found.open, found.close]).toEqual([[prices[0]], [prices.at(-1)]]);
        }
      },
    );

    it.each(IDS)('has at %s the days that have hours in it, each averaged as by hand', async (id) => {
      for (const block of ['ON_PEAK', 'OFF_PEAK'] as const) {
        const { start, lmp } = await series({ node: `${id}:HUB`, range: NOVEMBER, resolution: 'DAY', block, rollups });
        const days = new Map<number, number[]>();
        for (const hour of writtenHours(id, block, (wall) => wall.getUTCMonth() === 10, NOVEMBER)) {
          const day = writtenWallTime(id, hour).getUTCDate();
          days.set(day, [...(days.get(day) ?? []), hour]);
        }
        expect(start.map((each) => writtenWallTime(id, each).getUTCDate())).toEqual([...days.keys()]);
        expect(lmp).toEqual([...days.values()].map((hours) => expect.closeTo(mean(hours.map(priceAt)), 9)));
      }
    });

    it.each(HOURS)('has at %s as many hours as a calendar on the wall says', async (id, ...counts) => {
      const found: number[] = [];
      for (const [name, year] of [
        ['03', '04'],
        ['11', '12'],
      ] as const) {
        const midnight = (month: string) => {
          const noon = at(`2024-${month}-01T18:00Z`);
          return noon - writtenWallTime(id, noon).getUTCHours() * HOUR_MS;
        };
        const range = { from: midnight(name), to: midnight(year) };
        for (const block of ['ON_PEAK', 'OFF_PEAK', 'ATC'] as const) {
          const { start, lmp } = await series({ node: `${id}:HUB`, range, resolution: 'HOUR', block, rollups });
          expect(lmp).toEqual(start.map((each) => expect.closeTo(priceAt(each), 9)));
          found.push(start.length);
        }
      }
      expect(found).toEqual(counts);
    });

    it('weighs unequal intervals by their length, and leaves out what starts beside it', async () => {
      const node = 'PJM:UNEQUAL';
      const price = (start: string, minutes: number, lmp: number) =>
        ({ node, run: 'REAL_TIME_15_MIN', start, minutes, lmp }) as const;
      await storeLmps(db.pool, [
        price('2024-07-03T10:45Z', 15, 1_000),
        { ...price('2024-07-03T11:00Z', 45, 10), energy: 8 },
        price('2024-07-03T11:45Z', 15, 50),
        price('2024-07-04T02:45Z', 15, 20),
        price('2024-07-04T03:00Z', 15, -1_000),
      ]);
      const range = { from: at('2024-07-03T04:00Z'), to: at('2024-07-04T04:00Z') };
      const asked = { node, run: 'REAL_TIME_15_MIN', range, rollups } as const;
      const onPeak = { block: 'ON_PEAK', resolution: 'DAY' } as const;
      // (45 × 10 + 15 × 50 + 15 × 20) / 75.
      expect(await series({ ...asked, ...onPeak })).toMatchObject({ lmp: [20], energy: [8], min: [10], max: [50] });
      expect((await series({ ...asked, ...onPeak, block: 'OFF_PEAK' })).lmp).toEqual([0]);
    });
  },
);

describe('the points of a block', () => {
  const node = 'PJM:POINTS';
  const range = { from: at('2024-07-03T10:30Z'), to: at('2024-07-03T11:30Z') };
  beforeAll(() =>
    storeLmps(
      db.pool,
      ['10:30', '10:45', '11:00'].map((time, lmp) => ({
        node,
        run: 'REAL_TIME_15_MIN',
        start: `2024-07-03T${time}Z`,
        minutes: 15,
        lmp,
      })),
    ),
  );
  const points = async (asked: Partial<Asked> & { block: Block }) => {
    const { start, lmp } = await series({ node, range, run: 'REAL_TIME_15_MIN', resolution: 'RAW', ...asked });
    return start.map((each, place) => [new Date(each).toISOString().slice(11, 16), lmp[place]]);
  };

  it('are those that start in it: a price that did not come is a gap, one beside the block is none', async () => {
    const onPeak = [
      ['11:00', 2],
      ['11:15', null],
    ];
    const offPeak = [
      ['10:30', 0],
      ['10:45', 1],
    ];
    for (const resolution of ['RAW', 'FIFTEEN_MINUTES'] as const) {
      expect(await points({ block: 'ON_PEAK', resolution })).toEqual(onPeak);
      expect(await points({ block: 'OFF_PEAK', resolution })).toEqual(offPeak);
      expect(await points({ block: 'ATC', resolution })).toEqual([...offPeak, ...onPeak]);
    }
  });

  it('end with the last interval that has ended, or the last price', async () => {
    const night = { from: at('2024-07-03T10:30Z'), to: at('2024-07-05T00:00Z') };
    const now = at('2024-07-03T11:20Z');
    expect(await points({ block: 'ON_PEAK', range: night, now })).toEqual([['11:00', 2]]);
    expect(await points({ block: 'OFF_PEAK', range: night, now })).toHaveLength(2);
  });

  it('are the prices themselves where these are off the grid', async () => {
    const ticks = ['2024-07-03T10:59:59.999Z', '2024-07-03T11:00:00.001Z'];
    await storeLmps(
      db.pool,
      ticks.map((start, lmp) => ({ node, run: 'SPOT', start, minutes: 0, lmp })),
    );
    const found = await series({ node, range, run: 'SPOT', resolution: 'RAW', block: 'ON_PEAK' });
    expect([found.start, found.lmp]).toEqual([[at('2024-07-03T11:00:00.001Z')], [1]]);
  });

  it('of a node nobody knows are gaps in the block', async () => {
    const asked = { node: 'PJM:NOBODY', range, resolution: 'RAW', run: 'REAL_TIME_15_MIN' } as const;
    expect((await series({ ...asked, block: 'ON_PEAK' })).lmp).toEqual([null, null]);
  });

  it('are averaged as they were known at an instant', async () => {
    const corrected = { node: 'PJM:CORRECTED', run: 'DAY_AHEAD_HOURLY', minutes: 60 } as const;
    const peak = { ...corrected, start: '2024-07-03T12:00Z' };
    await storeLmps(db.pool, [
      { ...corrected, start: '2024-07-03T05:00Z', lmp: 1_000, recordedAt: '2024-07-03T00:00Z' },
      { ...peak, lmp: 30, recordedAt: '2024-07-03T00:00Z' },
    ]);
    await storeLmps(db.pool, [{ ...peak, lmp: 40, recordedAt: '2024-07-06T00:00Z' }]);
    const day = { from: at('2024-07-03T04:00Z'), to: at('2024-07-04T04:00Z') };
    const asked = { node: corrected.node, range: day, resolution: 'DAY', block: 'ON_PEAK' } as const;
    expect((await series({ ...asked, asOf: at('2024-07-05T00:00Z') })).lmp).toEqual([30]);
    expect((await series(asked)).lmp).toEqual([40]);
  });

  it('come for nodes of all markets in one statement, each on its own clock', async () => {
    const counting = countingDb(db.pool);
    const question = {
      run: 'DAY_AHEAD_HOURLY',
      range: MARCH,
      resolution: 'MONTH',
      asOf: undefined,
      block: 'ON_PEAK',
    } as const;
    const found = await readLmpSeries(counting, 'computed', { ...question, nodes: IDS.map((id) => `${id}:HUB`) }, NOW);
    expect(counting.statements).toBe(1);
    for (const [place, id] of IDS.entries()) {
      expect(found[place]).toEqual(await series({ ...question, node: `${id}:HUB` }));
    }
  });
});

describe('the hours that the store takes', () => {
  it.each(MARKETS)(
    'are at $id those of the written rules, with every holiday and both rules of summer time',
    async ({ id, timeZone }) => {
      const range = { from: at('2006-01-01T00:00Z'), to: at('2008-01-01T00:00Z') };
      const { rows } = await db.pool.query<{ hour: number }>(
        `SELECT (date_part('epoch', hour) * 1000)::float8 AS hour
       FROM (SELECT $1::text AS market, $2::text AS zone) AS asked ${JOIN_PEAK}
       CROSS JOIN generate_series($3::timestamptz, $4::timestamptz, INTERVAL '1 hour') AS hour
       CROSS JOIN LATERAL (SELECT (hour AT TIME ZONE asked.zone)::date AS operating_day) AS day
       WHERE ${inBlock('ON_PEAK', 'hour', '$5')} ORDER BY 1`,
        [id, timeZone, new Date(range.from), new Date(range.to), holidayDays(range)],
      );
      const hours = Array.from(
        { length: (range.to - range.from) / HOUR_MS + 1 },
        (_, place) => range.from + place * HOUR_MS,
      );
      expect(rows.map(({ hour }) => hour)).toEqual(hours.filter((hour) => isWrittenOnPeak(id, hour)));
    },
  );
});
