import { Temporal } from 'temporal-polyfill';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { DAY_MS, HOUR_MS, isoFromInstant, MINUTE_MS } from '../../domain/instant.ts';
import type { MarketRun } from '../../domain/market-run.ts';
import { type LmpSpec, storeLmps, storeNodes } from '../../tests/support/lmp-rows.ts';
import { freshDatabase, type TestDatabase } from '../../tests/support/postgres.ts';
import { requireOrSkip } from '../../tests/support/services.ts';
import { startTimescale, type TimescaleDatabase } from '../../tests/support/timescale.ts';
import { type Gap, readCompleteness, readGaps } from './completeness.ts';

const at = (iso: string) => Date.parse(iso);
const FEED = 'caiso-lmp';
const STREAM = 'iso.rt.lmp.caiso';
const DAY_AHEAD = { partition: 'PRC_LMP', run: 'DAY_AHEAD_HOURLY', minutes: 60 } as const;
const REAL_TIME = { partition: 'PRC_INTVL_LMP', run: 'REAL_TIME_5_MIN', minutes: 5 } as const;
const NP15 = 'CAISO:TH_NP15_GEN-APND';
const SP15 = 'CAISO:TH_SP15_GEN-APND';
/** A day of 24 hours in Pacific time, and a time when all of it is long due. */
const DAY = { from: at('2024-07-04T07:00Z'), to: at('2024-07-05T07:00Z') };
const LATER = at('2025-01-01T00:00Z');

let db: TestDatabase;
beforeAll(async () => {
  db = await freshDatabase();
  await storeFeed(db.pool);
});
afterAll(() => db.drop());
beforeEach(() => db.pool.query('TRUNCATE lmp, lmp_revision, feed_expectation'));

type Pool = TestDatabase['pool'];
type Report = typeof DAY_AHEAD | typeof REAL_TIME;

async function storeFeed(pool: Pool): Promise<void> {
  await pool.query(`INSERT INTO feed (id, title, kind, streams) VALUES ($1, 'CAISO', 'poll', $2)`, [
    FEED,
    JSON.stringify({ [STREAM]: [REAL_TIME.partition] }),
  ]);
}

async function expectPrices(
  report: Report,
  nodes: readonly string[],
  { dueMs = HOUR_MS, pool = db.pool }: { dueMs?: number; pool?: Pool } = {},
): Promise<void> {
  await pool.query(
    `INSERT INTO feed_expectation (feed_id, partition, run, market_id, nodes, interval_ms, due_ms)
     VALUES ($1, $2, $3, 'CAISO', $4, $5, $6)`,
    [FEED, report.partition, report.run, nodes, report.minutes * MINUTE_MS, dueMs],
  );
}

/** A price of each interval that starts in `[from, to)`, known a minute after its start, but for those left out. */
function prices(
  report: { run: MarketRun; minutes: number },
  node: string,
  { from, to }: { from: number; to: number },
  leftOut: readonly string[] = [],
): LmpSpec[] {
  const stepMs = report.minutes * MINUTE_MS;
  const missing = new Set(leftOut.map(at));
  return Array.from({ length: (to - from) / stepMs }, (_, place) => from + place * stepMs)
    .filter((start) => !missing.has(start))
    .map((start) => ({ node, ...report, start, lmp: 1, recordedAt: isoFromInstant(start + MINUTE_MS) }));
}

const brief = ({ node, from, to, intervals }: Gap) =>
  `${node} ${isoFromInstant(from).slice(5, 16)} ${isoFromInstant(to).slice(5, 16)} ${intervals}`;
const gapsOf = async (...asked: Parameters<typeof readGaps> extends [unknown, ...infer Rest] ? Rest : never) =>
  (await readGaps(db.pool, ...asked))?.map(brief);
const completenessOf = async (
  ...asked: Parameters<typeof readCompleteness> extends [unknown, ...infer Rest] ? Rest : never
) => (await readCompleteness(db.pool, ...asked))?.[0];

describe('gaps', () => {
  it('are none where every interval came', async () => {
    await expectPrices(DAY_AHEAD, [NP15]);
    await storeLmps(db.pool, prices(DAY_AHEAD, NP15, DAY));
    expect(await readGaps(db.pool, { feed: FEED, ...DAY }, LATER)).toEqual([]);
  });

  it('are islands of missing intervals, at either end of the range and in it, by partition, node and time', async () => {
    await expectPrices(DAY_AHEAD, [SP15, NP15]);
    await expectPrices(REAL_TIME, [NP15]);
    const dayAhead = ['2024-07-04T07:00Z', '2024-07-04T08:00Z', '2024-07-04T12:00Z', '2024-07-05T06:00Z'];
    await storeLmps(db.pool, [
      ...prices(DAY_AHEAD, NP15, DAY, dayAhead),
      ...prices(DAY_AHEAD, SP15, DAY, ['2024-07-04T20:00Z']),
      ...prices(REAL_TIME, NP15, DAY, ['2024-07-04T23:55Z', '2024-07-05T00:00Z', '2024-07-05T00:10Z']),
    ]);
    const gaps = await readGaps(db.pool, { feed: FEED, ...DAY }, LATER);
    expect(gaps?.map(brief)).toEqual([
      `${NP15} 07-04T23:55 07-05T00:05 2`,
      `${NP15} 07-05T00:10 07-05T00:15 1`,
      `${NP15} 07-04T07:00 07-04T09:00 2`,
      `${NP15} 07-04T12:00 07-04T13:00 1`,
      `${NP15} 07-05T06:00 07-05T07:00 1`,
      `${SP15} 07-04T20:00 07-04T21:00 1`,
    ]);
    expect(gaps?.[0]).toEqual({
      partition: 'PRC_INTVL_LMP',
      run: 'REAL_TIME_5_MIN',
      node: NP15,
      from: at('2024-07-04T23:55Z'),
      to: at('2024-07-05T00:05Z'),
      intervals: 2,
    });
  });

  it('are the whole range of a node that never was seen', async () => {
    await expectPrices(DAY_AHEAD, ['CAISO:NEVER_SEEN']);
    expect(await gapsOf({ feed: FEED, ...DAY }, LATER)).toEqual(['CAISO:NEVER_SEEN 07-04T07:00 07-05T07:00 24']);
  });

  it('are not filled by another run, another node, or a price between two points of the grid', async () => {
    await expectPrices(DAY_AHEAD, [NP15]);
    const start = '2024-07-04T10:00Z';
    await storeLmps(db.pool, [
      ...prices(DAY_AHEAD, NP15, DAY, [start]),
      { node: NP15, run: 'REAL_TIME_HOURLY', start, minutes: 60, lmp: 1 },
      { node: SP15, run: DAY_AHEAD.run, start, minutes: 60, lmp: 1 },
      { node: NP15, run: DAY_AHEAD.run, start: '2024-07-04T10:30Z', minutes: 60, lmp: 1 },
    ]);
    expect(await gapsOf({ feed: FEED, ...DAY }, LATER)).toEqual([`${NP15} 07-04T10:00 07-04T11:00 1`]);
    expect(await completenessOf({ feed: FEED, ...DAY }, LATER)).toMatchObject({
      expected: 24,
      present: 23,
      missing: 1,
    });
  });

  it('hold only intervals that start in the range', async () => {
    await expectPrices(DAY_AHEAD, [NP15]);
    const asked = { feed: FEED, from: at('2024-07-04T07:00:00.001Z'), to: at('2024-07-04T10:00:00.001Z') };
    expect(await gapsOf(asked, LATER)).toEqual([`${NP15} 07-04T08:00 07-04T11:00 3`]);
  });

  it('begin where an interval is due and has not come', async () => {
    await expectPrices(DAY_AHEAD, [NP15], { dueMs: 90 * MINUTE_MS });
    const asked = { feed: FEED, ...DAY };
    expect(await gapsOf(asked, at('2024-07-04T08:29:59.999Z'))).toEqual([]);
    expect(await gapsOf(asked, at('2024-07-04T08:30:00.000Z'))).toEqual([`${NP15} 07-04T07:00 07-04T08:00 1`]);
    expect(await gapsOf(asked, at('2024-07-04T09:29:59.999Z'))).toEqual([`${NP15} 07-04T07:00 07-04T08:00 1`]);
    expect(await gapsOf(asked, at('2024-07-04T09:30:00.000Z'))).toEqual([`${NP15} 07-04T07:00 07-04T09:00 2`]);
  });

  it('begin before the interval does where it is due before, as with a day-ahead market', async () => {
    await expectPrices(DAY_AHEAD, [NP15], { dueMs: -10 * HOUR_MS });
    const gaps = await gapsOf({ feed: FEED, ...DAY }, at('2024-07-03T22:00Z'));
    expect(gaps).toEqual([`${NP15} 07-04T07:00 07-04T09:00 2`]);
  });

  it('come to be and go as prices come', async () => {
    await expectPrices(REAL_TIME, [NP15]);
    const hour = { from: DAY.from, to: DAY.from + HOUR_MS };
    await storeLmps(db.pool, prices(REAL_TIME, NP15, hour, ['2024-07-04T07:20Z']));
    expect(await gapsOf({ feed: FEED, ...hour }, LATER)).toEqual([`${NP15} 07-04T07:20 07-04T07:25 1`]);
    await storeLmps(db.pool, [{ node: NP15, ...REAL_TIME, start: '2024-07-04T07:20Z', lmp: 1 }]);
    expect(await gapsOf({ feed: FEED, ...hour }, LATER)).toEqual([]);
  });
});

describe("a day when clocks change in the market's time zone", () => {
  const pacificDay = (date: string) => {
    const day = Temporal.PlainDate.from(date);
    const midnight = (each: Temporal.PlainDate) => each.toZonedDateTime('America/Los_Angeles').epochMilliseconds;
    return { from: midnight(day), to: midnight(day.add({ days: 1 })) };
  };

  it.each([
    ['2024-03-10', 23],
    ['2024-11-03', 25],
    ['2024-07-04', 24],
  ])('owes the hours that %s has: %d', async (date, hours) => {
    const day = pacificDay(date);
    await expectPrices(DAY_AHEAD, [NP15]);
    await expectPrices(REAL_TIME, [NP15]);
    await storeLmps(db.pool, [...prices(DAY_AHEAD, NP15, day), ...prices(REAL_TIME, NP15, day)]);
    const counts = await readCompleteness(db.pool, { feed: FEED, ...day }, LATER);
    expect(counts).toMatchObject([
      { partition: REAL_TIME.partition, expected: hours * 12, present: hours * 12, missing: 0, watermark: day.to },
      { partition: DAY_AHEAD.partition, expected: hours, present: hours, missing: 0, watermark: day.to },
    ]);
    expect(await readGaps(db.pool, { feed: FEED, ...day }, LATER)).toEqual([]);
  });

  it('misses the second of the two hours from one to two in autumn where only the first came', async () => {
    const day = pacificDay('2024-11-03');
    await expectPrices(DAY_AHEAD, [NP15]);
    await storeLmps(db.pool, prices(DAY_AHEAD, NP15, day, ['2024-11-03T09:00Z']));
    expect(await gapsOf({ feed: FEED, ...day }, LATER)).toEqual([`${NP15} 11-03T09:00 11-03T10:00 1`]);
  });
});

describe('the nodes that are owed', () => {
  it('are, where the expectation names none, those of the market with prices of the run in the range', async () => {
    await expectPrices(DAY_AHEAD, []);
    await storeNodes(db.pool, ['CAISO:SILENT']);
    await storeLmps(db.pool, [
      { node: NP15, ...DAY_AHEAD, start: '2024-07-04T07:00Z', lmp: 1 },
      { node: SP15, ...DAY_AHEAD, start: DAY.from - HOUR_MS, lmp: 1 },
      { node: SP15, ...DAY_AHEAD, start: DAY.to, lmp: 1 },
      { node: SP15, ...REAL_TIME, start: '2024-07-04T07:00Z', lmp: 1 },
      { node: 'PJM:PJM-WEST', ...DAY_AHEAD, start: '2024-07-04T07:00Z', lmp: 1 },
    ]);
    expect(await gapsOf({ feed: FEED, ...DAY }, LATER)).toEqual([`${NP15} 07-04T08:00 07-05T07:00 23`]);
    expect(await completenessOf({ feed: FEED, ...DAY }, LATER)).toMatchObject({ expected: 24, present: 1 });
  });

  it('are at most those asked for', async () => {
    await expectPrices(DAY_AHEAD, [NP15, SP15]);
    await expectPrices(REAL_TIME, []);
    await storeLmps(db.pool, [
      { node: NP15, ...REAL_TIME, start: DAY.from, lmp: 1 },
      { node: SP15, ...REAL_TIME, start: DAY.from, lmp: 1 },
    ]);
    const asked = { feed: FEED, nodes: [SP15, 'CAISO:ELSE'], ...DAY };
    expect(await gapsOf(asked, LATER)).toEqual([
      `${SP15} 07-04T07:05 07-05T07:00 287`,
      `${SP15} 07-04T07:00 07-05T07:00 24`,
    ]);
  });

  it('are each owed once, however often the expectation names them', async () => {
    await expectPrices(DAY_AHEAD, [NP15, NP15]);
    expect(await completenessOf({ feed: FEED, ...DAY }, LATER)).toMatchObject({ expected: 24, missing: 24 });
  });
});

describe('completeness', () => {
  it('counts what is due, what is there of it and what is not, by partition', async () => {
    await expectPrices(DAY_AHEAD, [NP15, SP15]);
    await expectPrices(REAL_TIME, [NP15]);
    await storeLmps(db.pool, [
      ...prices(DAY_AHEAD, NP15, DAY, ['2024-07-04T12:00Z']),
      // Not due yet, so neither expected nor present.
      ...prices(DAY_AHEAD, SP15, DAY),
    ]);
    const now = at('2024-07-04T13:00Z');
    expect(await readCompleteness(db.pool, { feed: FEED, ...DAY }, now)).toEqual([
      {
        partition: 'PRC_INTVL_LMP',
        run: 'REAL_TIME_5_MIN',
        expected: 61,
        present: 0,
        missing: 61,
        late: 0,
        watermark: null,
      },
      {
        partition: 'PRC_LMP',
        run: 'DAY_AHEAD_HOURLY',
        expected: 12,
        present: 11,
        missing: 1,
        late: 0,
        watermark: at('2024-07-04T13:00Z'),
      },
    ]);
  });

  it('calls late what was known only after it was due', async () => {
    await expectPrices(DAY_AHEAD, [NP15]);
    await storeLmps(db.pool, [
      { node: NP15, ...DAY_AHEAD, start: '2024-07-04T07:00Z', lmp: 1, recordedAt: '2024-07-04T08:00:00.000Z' },
      { node: NP15, ...DAY_AHEAD, start: '2024-07-04T08:00Z', lmp: 1, recordedAt: '2024-07-04T09:00:00.001Z' },
    ]);
    expect(await completenessOf({ feed: FEED, ...DAY }, LATER)).toMatchObject({ present: 2, late: 1 });
  });

  it('does not call a correction late: what counts is when its first version was known', async () => {
    await expectPrices(DAY_AHEAD, [NP15]);
    const start = '2024-07-04T07:00Z';
    const version = (lmp: number, recordedAt: string, hour = start) =>
      storeLmps(db.pool, [{ node: NP15, ...DAY_AHEAD, start: hour, lmp, recordedAt }]);
    await version(1, '2024-07-04T07:30Z');
    await version(2, '2024-07-09T00:00Z');
    await version(3, '2024-07-10T00:00Z');
    expect(await completenessOf({ feed: FEED, ...DAY }, LATER)).toMatchObject({ present: 1, late: 0 });
    await version(1, '2024-07-09T00:00Z', '2024-07-04T08:00Z');
    await version(2, '2024-07-10T00:00Z', '2024-07-04T08:00Z');
    expect(await completenessOf({ feed: FEED, ...DAY }, LATER)).toMatchObject({ present: 2, late: 1 });
  });

  it('expects nothing of a range that lies ahead', async () => {
    await expectPrices(DAY_AHEAD, [NP15]);
    await storeLmps(db.pool, prices(DAY_AHEAD, NP15, DAY));
    const nothing = { expected: 0, present: 0, missing: 0, late: 0, watermark: null };
    expect(await completenessOf({ feed: FEED, ...DAY }, DAY.from)).toMatchObject(nothing);
  });
});

describe('a question about completeness', () => {
  const asked = { feed: FEED, ...DAY };

  it('has no answer for a feed that promised nothing: null, and not an empty list', async () => {
    expect(await readGaps(db.pool, asked, LATER)).toBeNull();
    expect(await readCompleteness(db.pool, asked, LATER)).toBeNull();
    await expectPrices(DAY_AHEAD, [NP15]);
    expect(await readGaps(db.pool, { ...asked, partitions: ['PRC_RTPD_LMP'] }, LATER)).toBeNull();
    expect(await readGaps(db.pool, { ...asked, nodes: ['CAISO:ELSE'] }, LATER)).toEqual([]);
  });

  it('is about the partitions it names, or those of the stream it names', async () => {
    await expectPrices(DAY_AHEAD, [NP15]);
    await expectPrices(REAL_TIME, [NP15]);
    const partitions = async (question: Parameters<typeof readCompleteness>[1]) =>
      (await readCompleteness(db.pool, question, LATER))?.map(({ partition }) => partition);
    expect(await partitions(asked)).toEqual(['PRC_INTVL_LMP', 'PRC_LMP']);
    expect(await partitions({ ...asked, partitions: ['PRC_LMP'] })).toEqual(['PRC_LMP']);
    expect(await partitions({ ...asked, feed: STREAM })).toEqual(['PRC_INTVL_LMP']);
    await expect(partitions({ ...asked, feed: STREAM, partitions: ['PRC_LMP'] })).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: expect.stringContaining('PRC_INTVL_LMP'),
    });
  });

  it('is refused where there is no such feed, with the names there are', async () => {
    await expect(readGaps(db.pool, { ...asked, feed: 'caiso' }, LATER)).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: expect.stringContaining(`${FEED}, ${STREAM}`),
    });
  });

  it.each([0, -1])('is refused where its range is empty (%d ms)', async (ms) => {
    await expectPrices(DAY_AHEAD, [NP15]);
    const empty = { ...asked, to: DAY.from + ms };
    for (const read of [readGaps, readCompleteness]) {
      await expect(read(db.pool, empty, LATER)).rejects.toMatchObject({ code: 'BAD_USER_INPUT' });
    }
  });

  it('is refused before it runs where it is about too many node-intervals, with both numbers', async () => {
    await expectPrices(REAL_TIME, [NP15, SP15]);
    const century = { ...asked, from: at('1950-01-01T00:00Z'), to: at('2050-01-01T00:00Z') };
    const intervals = (2 * (LATER - HOUR_MS - century.from)) / (5 * MINUTE_MS) + 2;
    for (const read of [readGaps, readCompleteness]) {
      await expect(read(db.pool, century, LATER)).rejects.toMatchObject({
        code: 'LIMIT_EXCEEDED',
        message: `node-intervals: ${intervals} asked for, at most 5000000; ask for a shorter range or fewer nodes`,
        details: { limit: 'nodeIntervals', max: 5_000_000, asked: intervals },
      });
    }
    const limits = { nodeIntervals: 576, gaps: 10 };
    expect(await readGaps(db.pool, asked, LATER, limits)).toHaveLength(2);
    await expect(readGaps(db.pool, asked, LATER, { ...limits, nodeIntervals: 575 })).rejects.toThrow('576');
  });

  it('is refused where the answer would be too many gaps', async () => {
    await expectPrices(REAL_TIME, [NP15]);
    await storeLmps(db.pool, prices({ ...REAL_TIME, minutes: 10 }, NP15, DAY));
    const limits = { nodeIntervals: 288, gaps: 144 };
    expect(await readGaps(db.pool, asked, LATER, limits)).toHaveLength(144);
    await expect(readGaps(db.pool, asked, LATER, { ...limits, gaps: 143 })).rejects.toMatchObject({
      code: 'LIMIT_EXCEEDED',
      details: { limit: 'gaps', max: 143 },
    });
  });
});

describe.skipIf(!requireOrSkip('timescale'))('completeness on TimescaleDB', () => {
  let timescale: TimescaleDatabase;
  beforeAll(async () => {
    timescale = await startTimescale();
  }, 120_000);
  afterAll(() => timescale.stop());

  it('is what it is on plain Postgres, over chunks that are compressed and chunks that are not', async () => {
    const days = { from: DAY.from, to: DAY.from + 15 * DAY_MS };
    const specs = [
      ...prices(DAY_AHEAD, NP15, days, ['2024-07-04T07:00Z', '2024-07-10T23:00Z', '2024-07-11T00:00Z']),
      { node: SP15, ...DAY_AHEAD, start: days.from, lmp: 1, recordedAt: '2024-07-04T07:30Z' },
    ];
    await storeFeed(timescale.pool);
    for (const { pool } of [timescale, db]) {
      await expectPrices(DAY_AHEAD, [], { pool });
      // In small batches: PGlite's socket takes each piece of a large message for a message of its own.
      for (let place = 0; place < specs.length; place += 50) await storeLmps(pool, specs.slice(place, place + 50));
      await storeLmps(pool, [{ node: SP15, ...DAY_AHEAD, start: days.from, lmp: 2, recordedAt: '2024-08-01T00:00Z' }]);
    }
    const { rowCount } = await timescale.pool.query(
      `SELECT compress_chunk(c) FROM show_chunks('lmp', older_than => TIMESTAMPTZ '2024-07-12 00:00:00+00') AS c`,
    );
    expect(rowCount).toBe(1);
    const asked = { feed: FEED, ...days };
    const gaps = await readGaps(timescale.pool, asked, LATER);
    expect(gaps).toHaveLength(3);
    expect(gaps).toEqual(await readGaps(db.pool, asked, LATER));
    const counts = await readCompleteness(timescale.pool, asked, LATER);
    expect(counts).toMatchObject([{ expected: 720, present: 358, late: 0 }]);
    expect(counts).toEqual(await readCompleteness(db.pool, asked, LATER));
  });
});
