import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HOUR_MS, MINUTE_MS } from '../../domain/instant.ts';
import type { MarketRun } from '../../domain/market-run.ts';
import type { LmpSeriesRow, Resolution } from '../../schema/context.ts';
import { countingDb } from '../../tests/support/counting-db.ts';
import { type LmpSpec, storeLmps } from '../../tests/support/lmp-rows.ts';
import { freshDatabase, type TestDatabase } from '../../tests/support/postgres.ts';
import { readLmpSeries } from './lmp-series.ts';
import type { Rollups } from './rollups.ts';

const at = (iso: string) => Date.parse(iso);
const iso = (instants: readonly number[]) => instants.map((instant) => new Date(instant).toISOString());
const NOW = at('2026-01-01T00:00:00Z');

let db: TestDatabase;
beforeAll(async () => {
  db = await freshDatabase();
});
afterAll(() => db.drop());

interface Question {
  readonly nodes: readonly string[];
  readonly run: MarketRun;
  readonly from: string;
  readonly to: string;
  readonly resolution?: Resolution;
  readonly asOf?: string;
  readonly now?: number;
  readonly rollups?: Rollups;
}

function series({ nodes, run, from, to, resolution = 'RAW', asOf, now = NOW, rollups = 'computed' }: Question) {
  const range = { from: at(from), to: at(to) };
  const question = {
    nodes,
    run,
    range,
    resolution,
    asOf: asOf === undefined ? undefined : at(asOf),
    block: 'ATC' as const,
  };
  return readLmpSeries(db.pool, rollups, question, now);
}

async function only(question: Omit<Question, 'nodes'> & { node: string }): Promise<LmpSeriesRow> {
  const [first] = await series({ ...question, nodes: [question.node] });
  if (!first) throw new Error('a series for each node');
  return first;
}

/** Prices one after another, beginning at `start`. */
function run(node: string, run: MarketRun, start: string, minutes: number, prices: readonly number[]): LmpSpec[] {
  return prices.map((lmp, place) => ({ node, run, minutes, lmp, start: at(start) + place * minutes * MINUTE_MS }));
}

describe('a raw series', () => {
  it('has a point for every interval of the run in the range, and null where no price came', async () => {
    const node = 'PJM:GAP';
    await storeLmps(db.pool, [
      {
        node,
        run: 'REAL_TIME_5_MIN',
        start: '2024-07-04T17:00Z',
        minutes: 5,
        lmp: -12.34,
        energy: 20,
        congestion: -32.5,
        loss: 0.16,
      },
      { node, run: 'REAL_TIME_5_MIN', start: '2024-07-04T17:10Z', minutes: 5, lmp: 0 },
    ]);
    expect(await only({ node, run: 'REAL_TIME_5_MIN', from: '2024-07-04T16:57Z', to: '2024-07-04T17:16Z' })).toEqual({
      node,
      run: 'REAL_TIME_5_MIN',
      resolution: 'RAW',
      start: ['17:00', '17:05', '17:10', '17:15'].map((time) => at(`2024-07-04T${time}Z`)),
      lmp: [-12.34, null, 0, null],
      energy: [20, null, null, null],
      congestion: [-32.5, null, null, null],
      loss: [0.16, null, null, null],
      min: null,
      max: null,
      open: null,
      close: null,
    });
  });

  it('takes the start of the range and leaves its end', async () => {
    const node = 'PJM:HALF-OPEN';
    await storeLmps(db.pool, run(node, 'DAY_AHEAD_HOURLY', '2024-07-04T10:00Z', 60, [1, 2, 3]));
    const { lmp } = await only({ node, run: 'DAY_AHEAD_HOURLY', from: '2024-07-04T10:00Z', to: '2024-07-04T12:00Z' });
    expect(lmp).toEqual([1, 2]);
  });

  it('of prices off the grid has the prices themselves, without nulls between', async () => {
    const node = 'ERCOT:SCED';
    const starts = ['17:00:00', '17:05:13', '17:09:58'].map((time) => `2024-07-04T${time}Z`);
    await storeLmps(
      db.pool,
      starts.map((start, lmp) => ({ node, run: 'REAL_TIME_5_MIN', start, minutes: 5, lmp })),
    );
    const found = await only({ node, run: 'REAL_TIME_5_MIN', from: '2024-07-04T16:00Z', to: '2024-07-04T19:00Z' });
    expect(found.start).toEqual(starts.map(at));
    expect(found.lmp).toEqual([0, 1, 2]);
  });

  it('finds a price off the grid before the first grid point of the range', async () => {
    const node = 'ERCOT:EARLY';
    await storeLmps(db.pool, [{ node, run: 'REAL_TIME_5_MIN', start: '2024-07-04T17:01:30Z', minutes: 5, lmp: 7 }]);
    const { lmp } = await only({ node, run: 'REAL_TIME_5_MIN', from: '2024-07-04T17:01Z', to: '2024-07-04T17:04Z' });
    expect(lmp).toEqual([7]);
  });

  it('of ticks has the ticks themselves', async () => {
    const node = 'PJM:TICKS';
    const starts = ['2024-07-04T17:00:00.001Z', '2024-07-04T17:00:00.002Z'];
    await storeLmps(
      db.pool,
      starts.map((start) => ({ node, run: 'SPOT', start, minutes: 0, lmp: 30 })),
    );
    const { start, lmp } = await only({ node, run: 'SPOT', from: '2024-07-04T00:00Z', to: '2024-07-05T00:00Z' });
    expect([start, lmp]).toEqual([starts.map(at), [30, 30]]);
  });

  it('does not show the future as a gap, nor the interval that is still running', async () => {
    const node = 'PJM:LIVE';
    await storeLmps(db.pool, run(node, 'REAL_TIME_5_MIN', '2024-07-04T17:00Z', 5, [1]));
    const found = await only({
      node,
      run: 'REAL_TIME_5_MIN',
      from: '2024-07-04T17:00Z',
      to: '2024-07-05T00:00Z',
      now: at('2024-07-04T17:12Z'),
    });
    expect(iso(found.start)).toEqual(['2024-07-04T17:00:00.000Z', '2024-07-04T17:05:00.000Z']);
    expect(found.lmp).toEqual([1, null]);
  });

  it('of the day-ahead run reaches as far into the future as prices were published', async () => {
    const node = 'PJM:TOMORROW';
    await storeLmps(db.pool, run(node, 'DAY_AHEAD_HOURLY', '2024-07-05T04:00Z', 60, [1, 2]));
    const { start, lmp } = await only({
      node,
      run: 'DAY_AHEAD_HOURLY',
      from: '2024-07-05T03:00Z',
      to: '2024-07-06T00:00Z',
      now: at('2024-07-04T17:00Z'),
    });
    expect(iso(start)).toEqual(['2024-07-05T03:00:00.000Z', '2024-07-05T04:00:00.000Z', '2024-07-05T05:00:00.000Z']);
    expect(lmp).toEqual([null, 1, 2]);
  });

  it('of a node nobody knows is all gaps', async () => {
    const found = await only({
      node: 'PJM:NOBODY',
      run: 'DAY_AHEAD_HOURLY',
      from: '2024-07-04T00:00Z',
      to: '2024-07-04T02:00Z',
    });
    expect([found.start.length, found.lmp]).toEqual([2, [null, null]]);
  });

  it('comes for each node in the order asked, in one statement however many nodes and prices there are', async () => {
    const nodes = Array.from({ length: 50 }, (_, place) => `MISO:N${place}`);
    await storeLmps(
      db.pool,
      nodes.flatMap((node, place) => run(node, 'DAY_AHEAD_HOURLY', '2024-07-04T05:00Z', 60, [place, place])),
    );
    const counting = countingDb(db.pool);
    const range = { from: at('2024-07-04T05:00Z'), to: at('2024-07-04T07:00Z') };
    const asked = [...nodes].reverse();
    const found = await readLmpSeries(
      counting,
      'computed',
      { nodes: asked, run: 'DAY_AHEAD_HOURLY', range, resolution: 'RAW', asOf: undefined, block: 'ATC' },
      NOW,
    );
    expect(found.map(({ node }) => node)).toEqual(asked);
    expect(found[0]?.lmp).toEqual([49, 49]);
    expect(counting.statements).toBe(1);
    await readLmpSeries(
      counting,
      'computed',
      { nodes: ['MISO:N1'], run: 'DAY_AHEAD_HOURLY', range, resolution: 'RAW', asOf: undefined, block: 'ATC' },
      NOW,
    );
    expect(counting.statements).toBe(2);
  });

  it('takes a node name that looks like SQL as the name it is', async () => {
    const node = `PJM:'); DROP TABLE lmp; --`;
    await storeLmps(db.pool, run(node, 'DAY_AHEAD_HOURLY', '2024-07-04T10:00Z', 60, [5]));
    const { lmp } = await only({ node, run: 'DAY_AHEAD_HOURLY', from: '2024-07-04T10:00Z', to: '2024-07-04T11:00Z' });
    expect(lmp).toEqual([5]);
  });

  it('stops at the limit where ticks are more than a client may ask for', async () => {
    const nodes = Array.from({ length: 1_000 }, (_, place) => `PJM:FLOOD-${place}`);
    const ticks = Array.from({ length: 1_001 }, (_, place) => ({
      node: 'PJM:FLOOD-7',
      run: 'SPOT' as const,
      start: at('2024-07-04T00:00Z') + place,
      minutes: 0,
      lmp: 1,
    }));
    await storeLmps(db.pool, ticks);
    const asking = series({ nodes, run: 'SPOT', from: '2024-07-04T00:00Z', to: '2024-07-05T00:00Z' });
    await expect(asking).rejects.toMatchObject({
      code: 'LIMIT_EXCEEDED',
      details: { limit: 'points', max: 1_000_000 },
    });
  });
});

describe.each<Rollups>(['kept', 'computed'])('a coarser series from %s rollups', (rollups) => {
  it('weighs unequal intervals by their length', async () => {
    const node = 'PJM:UNEQUAL';
    await storeLmps(db.pool, [
      { node, run: 'REAL_TIME_15_MIN', start: '2024-07-04T17:00Z', minutes: 45, lmp: 10, energy: 8 },
      { node, run: 'REAL_TIME_15_MIN', start: '2024-07-04T17:45Z', minutes: 15, lmp: 50 },
    ]);
    const found = await only({
      node,
      run: 'REAL_TIME_15_MIN',
      from: '2024-07-04T17:00Z',
      to: '2024-07-04T18:00Z',
      resolution: 'HOUR',
      rollups,
    });
    expect(found).toMatchObject({
      lmp: [20],
      energy: [8],
      congestion: [null],
      min: [10],
      max: [50],
      open: [10],
      close: [50],
    });
  });

  it('has a null for a bucket without prices', async () => {
    const node = 'PJM:HOLE';
    await storeLmps(db.pool, [
      ...run(node, 'REAL_TIME_5_MIN', '2024-07-04T10:00Z', 5, Array(12).fill(30.1)),
      ...run(node, 'REAL_TIME_5_MIN', '2024-07-04T12:00Z', 5, [1, 2, 3]),
    ]);
    const { start, lmp, min } = await only({
      node,
      run: 'REAL_TIME_5_MIN',
      from: '2024-07-04T10:00Z',
      to: '2024-07-04T13:00Z',
      resolution: 'HOUR',
      rollups,
    });
    expect(start.length).toBe(3);
    expect(lmp[0]).toBeCloseTo(30.1, 12);
    expect(lmp[1]).toBeNull();
    expect(lmp[2]).toBeCloseTo(2, 12);
    expect(min).toEqual([30.1, null, 1]);
  });

  it.each([
    ['PJM', '2024-03-10', '05:00', '04:00', 23],
    ['PJM', '2024-11-03', '04:00', '05:00', 25],
    ['CAISO', '2024-03-10', '08:00', '07:00', 23],
    ['CAISO', '2024-11-03', '07:00', '08:00', 25],
    ['MISO', '2024-03-10', '05:00', '05:00', 24],
    ['MISO', '2024-11-03', '05:00', '05:00', 24],
  ])('counts the operating day of %s on %s from %s to %s UTC, %i hours', async (market, day, opens, closes, hours) => {
    const node = `${market}:DST`;
    const start = `${day}T${opens}Z`;
    const next = new Date(at(start) + hours * HOUR_MS).toISOString();
    expect(next.slice(11, 16)).toBe(closes);
    // An hour more on either side at a price that would show.
    const prices = [1_000, ...Array.from({ length: hours }, (_, hour) => hour), 1_000];
    await storeLmps(db.pool, run(node, 'DAY_AHEAD_HOURLY', new Date(at(start) - HOUR_MS).toISOString(), 60, prices));
    const found = await only({ node, run: 'DAY_AHEAD_HOURLY', from: start, to: next, resolution: 'DAY', rollups });
    expect(iso(found.start)).toEqual([new Date(start).toISOString()]);
    expect(found.lmp[0]).toBeCloseTo((hours - 1) / 2, 12);
    expect(found).toMatchObject({ min: [0], max: [hours - 1], open: [0], close: [hours - 1] });
  });

  it('takes the days that start in the range, each of them whole', async () => {
    const node = 'PJM:WHOLE-DAYS';
    // 2024-07-04 and 05 in Eastern time, and an hour of the day after.
    await storeLmps(
      db.pool,
      run(node, 'DAY_AHEAD_HOURLY', '2024-07-04T04:00Z', 60, [
        ...Array(24).fill(10),
        ...Array(12).fill(20),
        ...Array(12).fill(40),
        99,
      ]),
    );
    const { start, lmp } = await only({
      node,
      run: 'DAY_AHEAD_HOURLY',
      from: '2024-07-04T05:00Z',
      to: '2024-07-05T12:00Z',
      resolution: 'DAY',
      rollups,
    });
    expect(iso(start)).toEqual(['2024-07-05T04:00:00.000Z']);
    expect(lmp).toEqual([30]);
  });

  it('has months from local midnight to local midnight, across a change of the clock', async () => {
    const node = 'PJM:MONTHS';
    const from = at('2024-03-01T05:00Z');
    const hours = (at('2024-05-01T04:00Z') - from) / HOUR_MS;
    const april = (at('2024-04-01T04:00Z') - from) / HOUR_MS;
    await storeLmps(
      db.pool,
      run(
        node,
        'DAY_AHEAD_HOURLY',
        new Date(from).toISOString(),
        60,
        Array.from({ length: hours }, (_, hour) => (hour < april ? 3 : 4)),
      ),
    );
    const { start, lmp, open, close } = await only({
      node,
      run: 'DAY_AHEAD_HOURLY',
      from: '2024-03-01T00:00Z',
      to: '2024-05-01T00:00Z',
      resolution: 'MONTH',
      rollups,
    });
    expect(iso(start)).toEqual(['2024-03-01T05:00:00.000Z', '2024-04-01T04:00:00.000Z']);
    expect([lmp, open, close]).toEqual([
      [3, 4],
      [3, 4],
      [3, 4],
    ]);
  });

  it('lays nodes of different zones out on their own days', async () => {
    const nodes = ['PJM:ZONES', 'CAISO:ZONES'];
    await storeLmps(
      db.pool,
      nodes.flatMap((node) =>
        run(
          node,
          'DAY_AHEAD_HOURLY',
          '2024-07-04T00:00Z',
          60,
          Array.from({ length: 48 }, (_, hour) => hour),
        ),
      ),
    );
    const found = await series({
      nodes,
      run: 'DAY_AHEAD_HOURLY',
      from: '2024-07-04T00:00Z',
      to: '2024-07-05T00:00Z',
      resolution: 'DAY',
      rollups,
    });
    expect(found.map(({ start, open }) => [iso(start), open])).toEqual([
      [['2024-07-04T04:00:00.000Z'], [4]],
      [['2024-07-04T07:00:00.000Z'], [7]],
    ]);
  });
});

describe('a series of quarters of an hour', () => {
  it('averages five-minute prices in each quarter', async () => {
    const node = 'PJM:QUARTERS';
    await storeLmps(db.pool, run(node, 'REAL_TIME_5_MIN', '2024-07-04T17:00Z', 5, [10, 20, 60, -5, -5, 1]));
    const { start, lmp, open, close } = await only({
      node,
      run: 'REAL_TIME_5_MIN',
      from: '2024-07-04T17:00Z',
      to: '2024-07-04T17:45Z',
      resolution: 'FIFTEEN_MINUTES',
    });
    expect(iso(start)).toEqual(['2024-07-04T17:00:00.000Z', '2024-07-04T17:15:00.000Z', '2024-07-04T17:30:00.000Z']);
    expect([lmp, open, close]).toEqual([
      [30, -3, null],
      [10, -5, null],
      [60, 1, null],
    ]);
  });
});

describe('a series as of an instant', () => {
  const node = 'PJM:CORRECTED';
  const hour = { node, run: 'DAY_AHEAD_HOURLY' as const, start: '2024-07-04T10:00Z', minutes: 60 };
  const asked = { node, run: 'DAY_AHEAD_HOURLY' as const, from: '2024-07-04T10:00Z', to: '2024-07-04T12:00Z' };
  beforeAll(async () => {
    await storeLmps(db.pool, [{ ...hour, lmp: 30, recordedAt: '2024-07-05T00:00Z' }]);
    await storeLmps(db.pool, [{ ...hour, lmp: 32, recordedAt: '2024-07-06T00:00Z' }]);
    await storeLmps(db.pool, [{ ...hour, lmp: 33, recordedAt: '2024-07-07T00:00Z' }]);
    await storeLmps(db.pool, [{ ...hour, start: '2024-07-04T11:00Z', lmp: 50, recordedAt: '2024-07-06T12:00Z' }]);
  });

  it.each([
    ['2024-07-04T23:59:59.999Z', [null, null]],
    ['2024-07-05T00:00:00Z', [30, null]],
    ['2024-07-05T23:59:59.999Z', [30, null]],
    ['2024-07-06T00:00:00Z', [32, null]],
    ['2024-07-06T12:00:00Z', [32, 50]],
    ['2024-07-07T00:00:00Z', [33, 50]],
    ['2025-01-01T00:00:00Z', [33, 50]],
  ])('%s shows the prices known then', async (asOf, lmp) => {
    expect((await only({ ...asked, asOf })).lmp).toEqual(lmp);
  });

  it('averages what was known then in coarser resolutions too', async () => {
    const day = { ...asked, from: '2024-07-04T04:00Z', to: '2024-07-05T04:00Z', resolution: 'DAY' as const };
    expect((await only({ ...day, asOf: '2024-07-06T12:00Z' })).lmp).toEqual([41]);
    expect((await only(day)).lmp).toEqual([41.5]);
    expect((await only({ ...day, rollups: 'kept' })).lmp).toEqual([41.5]);
    expect(
      (
        await only({
          ...day,
          resolution: 'HOUR',
          asOf: '2024-07-05T12:00Z',
          to: '2024-07-04T12:00Z',
          from: '2024-07-04T10:00Z',
        })
      ).lmp,
    ).toEqual([30, null]);
  });

  it('shows one price where the clocks of two ingestors made two versions claim the instant', async () => {
    const skewed = { ...hour, node: 'PJM:SKEWED' };
    await storeLmps(db.pool, [
      { ...skewed, lmp: 1, publishedAt: '2024-07-04T01:00Z', recordedAt: '2024-07-05T00:00Z' },
    ]);
    await storeLmps(db.pool, [
      { ...skewed, lmp: 2, publishedAt: '2024-07-04T02:00Z', recordedAt: '2024-07-05T00:10Z' },
    ]);
    await storeLmps(db.pool, [
      { ...skewed, lmp: 3, publishedAt: '2024-07-04T03:00Z', recordedAt: '2024-07-05T00:05Z' },
    ]);
    const { lmp } = await only({ ...asked, node: skewed.node, to: '2024-07-04T11:00Z', asOf: '2024-07-05T00:07Z' });
    expect(lmp).toEqual([3]);
  });

  it('shows the final one of two that claim the instant, though the preliminary one was published later', async () => {
    const skewed = { ...hour, node: 'PJM:FINAL' };
    const known = (minute: string) => `2024-07-05T00:${minute}Z`;
    const preliminary = { ...skewed, lmp: 1, flags: ['PRELIMINARY'] as const, publishedAt: '2024-07-04T03:00Z' };
    await storeLmps(db.pool, [{ ...preliminary, recordedAt: known('00') }]);
    await storeLmps(db.pool, [{ ...skewed, lmp: 2, publishedAt: '2024-07-04T01:00Z', recordedAt: known('10') }]);
    await storeLmps(db.pool, [{ ...skewed, lmp: 3, publishedAt: '2024-07-04T02:00Z', recordedAt: known('05') }]);
    const { lmp } = await only({ ...asked, node: skewed.node, to: '2024-07-04T11:00Z', asOf: known('07') });
    expect(lmp).toEqual([3]);
  });
});
