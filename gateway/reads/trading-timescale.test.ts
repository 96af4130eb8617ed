import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HOUR_MS, isoFromInstant, MINUTE_MS } from '../../domain/instant.ts';
import type { Range, Resolution } from '../../schema/question.ts';
import { requireOrSkip } from '../../tests/support/services.ts';
import { startTimescale, type TimescaleDatabase } from '../../tests/support/timescale.ts';
import { type SnapshotSpec, storeSnapshots, storeTrades } from '../../tests/support/trading-rows.ts';
import { readPnlSeries } from './pnl-series.ts';
import type { Rollups } from './rollups.ts';
import type { Statement } from './statement.ts';
import { readTrades } from './trades.ts';

const NODE = 'PJM:WEST';
const FROM = Date.parse('2024-11-02T04:00Z');
/** From the first of the month in New York, so that the month is in it. */
const DAYS = { from: FROM - 24 * HOUR_MS, to: FROM + 73 * HOUR_MS };
const NOW = Date.parse('2026-01-01T00:00Z');

describe.skipIf(!requireOrSkip('timescale'))('trading reads on TimescaleDB', () => {
  let db: TimescaleDatabase;
  const offset = async (table: string, proc: string, key: string) => {
    const { rows } = await db.pool.query<{ offset: string | null }>(
      'SELECT config->>$3 AS "offset" FROM timescaledb_information.jobs WHERE hypertable_name = $1 AND proc_name = $2',
      [table, proc, key],
    );
    expect(rows).toHaveLength(1);
    return rows[0]?.offset ?? null;
  };
  const before = async (now: number, interval: string | null) => {
    const { rows } = await db.pool.query('SELECT $1::timestamptz - $2::interval AS "at"', [new Date(now), interval]);
    return rows[0].at;
  };
  const refresh = async (now: number, startOffset: string | null, endOffset: string | null) => {
    const window = [await before(now, startOffset), await before(now, endOffset)];
    await db.pool.query(`CALL refresh_continuous_aggregate('pnl_hour', $1::timestamptz, $2::timestamptz)`, window);
  };
  /** What the policy does at that instant. */
  const refreshAt = async (now: number) => {
    const offsetOf = (key: string) => offset('pnl_hour', 'policy_refresh_continuous_aggregate', key);
    await refresh(now, await offsetOf('start_offset'), await offsetOf('end_offset'));
  };
  const retainAt = async (now: number) => {
    const older = await before(now, await offset('positions_pnl', 'policy_retention', 'drop_after'));
    await db.pool.query(`SELECT drop_chunks('positions_pnl', $1::timestamptz)`, [older]);
  };
  const hourly = (from: number, hours: number) =>
    Array.from({ length: hours }, (_, hour) => ({ ...snapshot(hour), at: isoFromInstant(from + hour * HOUR_MS) }));
  const hoursOf = async (rollups: Rollups, range: Range) => {
    const [series] = await readPnlSeries(
      db.pool,
      rollups,
      { account: 'desk', node: NODE, range, resolution: 'HOUR' },
      NOW,
    );
    return series?.positionMw.filter((mw) => mw !== null);
  };
  beforeAll(async () => {
    db = await startTimescale();
    const snapshots = Array.from({ length: 73 * 4 }, (_, place) => snapshot(place)).filter(
      (_, place) => place % 11 > 6,
    );
    // The socket server of PGlite takes a message for whole as soon as a piece of it arrives: they are kept small.
    for (let place = 0; place < snapshots.length; place += 50) {
      await storeSnapshots(db.pool, snapshots.slice(place, place + 50));
    }
    // Half of it is materialised, the other half comes from the snapshots themselves.
    const half = new Date(FROM + 30 * HOUR_MS);
    await db.pool.query('CALL refresh_continuous_aggregate($1, NULL, $2::timestamptz)', ['pnl_hour', half]);
    const traded = { account: 'desk', node: NODE, side: 'BUY', mw: 1, price: 30 } as const;
    await storeTrades(db.pool, [
      { ...traded, id: 'a', ts: '2024-01-10T00:00:00Z' },
      { ...traded, id: 'a', version: 2, ts: '2024-05-10T00:00:00Z' },
      { ...traded, id: 'b', ts: '2024-08-10T00:00:00Z' },
      { ...traded, id: 'c', ts: '2024-11-10T00:00:00Z' },
    ]);
  });
  afterAll(() => db.stop());

  it.each<Resolution>(['HOUR', 'DAY', 'MONTH'])(
    'say the same by rollup as by snapshot, each %s',
    async (resolution) => {
      const series = (rollups: Rollups) =>
        readPnlSeries(db.pool, rollups, { account: 'desk', node: NODE, range: DAYS, resolution }, NOW);
      const [kept] = await series('kept');
      expect(kept?.total.some((total) => total !== null)).toBe(true);
      expect([kept]).toEqual(await series('computed'));
    },
  );

  it('have a page of trades in their highest versions, without a look at the chunks of other times', async () => {
    const page = { first: 10, after: undefined };
    const range = { from: Date.parse('2024-05-01T00:00Z'), to: Date.parse('2024-09-01T00:00Z') };
    const { rows } = await readTrades(db.pool, { account: 'desk', ...range }, page);
    expect(rows.map(({ tradeId, version }) => [tradeId, version])).toEqual([
      ['b', 1],
      ['a', 2],
    ]);
    let plan = '';
    const explaining = {
      query: async ({ text, values }: Statement) => {
        const explained = await db.pool.query<{ 'QUERY PLAN': string }>(`EXPLAIN ${text}`, values);
        plan = explained.rows.map((row) => row['QUERY PLAN']).join('\n');
        return { rows: [] };
      },
    };
    await readTrades(explaining, { account: 'desk', ...range }, page);
    expect(new Set(plan.match(/_hyper_\d+_\d+_chunk /g))).toHaveProperty('size', 2);
  });

  it('have the last hours before a stop of days, to which the policy had not come', async () => {
    const stopped = Date.parse('2025-06-01T10:00Z');
    const back = stopped + 4 * 24 * HOUR_MS;
    await storeSnapshots(db.pool, hourly(stopped - 10 * HOUR_MS, 9));
    await refreshAt(stopped - HOUR_MS);
    await storeSnapshots(db.pool, hourly(stopped - HOUR_MS, 1));
    await storeSnapshots(db.pool, hourly(back, 5));
    await refreshAt(back + 5 * HOUR_MS);
    const range = { from: stopped - 24 * HOUR_MS, to: back + 24 * HOUR_MS };
    expect(await hoursOf('computed', range)).toHaveLength(15);
    expect(await hoursOf('kept', range)).toEqual(await hoursOf('computed', range));
  });

  it('have hours that an earlier policy of three days had gone past', async () => {
    const stopped = Date.parse('2025-07-01T10:00Z');
    const back = stopped + 4 * 24 * HOUR_MS;
    await storeSnapshots(db.pool, hourly(stopped - 3 * HOUR_MS, 3));
    await storeSnapshots(db.pool, hourly(back - 3 * HOUR_MS, 3));
    await refresh(back, '3 days', '2 hours');
    const range = { from: stopped - 24 * HOUR_MS, to: stopped + 24 * HOUR_MS };
    expect(await hoursOf('kept', range)).toHaveLength(0);
    await refreshAt(back);
    expect(await hoursOf('kept', range)).toHaveLength(3);
  });

  it('have hours also when their snapshots are no longer kept', async () => {
    const now = Date.parse('2027-08-01T00:00Z');
    const range = { from: Date.parse('2025-06-01T00:00Z'), to: Date.parse('2025-07-01T00:00Z') };
    await refreshAt(range.to);
    const hours = await hoursOf('kept', range);
    expect(hours?.length).toBeGreaterThan(0);
    await retainAt(now);
    await refreshAt(now);
    expect(await hoursOf('computed', range)).toEqual([]);
    expect(await hoursOf('kept', range)).toEqual(hours);
  });
});

function snapshot(place: number): SnapshotSpec {
  const total = String(((place * 37) % 101) - 50);
  return {
    account: 'desk',
    node: NODE,
    at: isoFromInstant(FROM + place * 15 * MINUTE_MS + 1),
    seq: place,
    positionMw: String(place),
    lastPrice: place % 7 === 3 ? null : '31.5',
    realized: '0.5',
    unrealized: place % 7 === 3 ? null : total,
    total: place % 7 === 3 ? null : total,
  };
}
