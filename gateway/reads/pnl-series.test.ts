import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Resolution } from '../../schema/question.ts';
import { countingDb } from '../../tests/support/counting-db.ts';
import { freshDatabase, type TestDatabase } from '../../tests/support/postgres.ts';
import { type SnapshotSpec, storeSnapshots } from '../../tests/support/trading-rows.ts';
import { readPnlSeries } from './pnl-series.ts';
import type { Rollups } from './rollups.ts';

const at = (iso: string) => Date.parse(iso);
const NOW = at('2024-12-01T00:00:00Z');
const NODE = 'PJM:WEST';

let db: TestDatabase;
beforeAll(async () => {
  db = await freshDatabase();
});
afterAll(() => db.drop());

const snapshot = (account: string, instant: string, total: string, rest: Partial<SnapshotSpec> = {}): SnapshotSpec => ({
  account,
  node: NODE,
  at: instant,
  positionMw: '10',
  lastPrice: '30.50',
  realized: '1.10',
  unrealized: total,
  total,
  ...rest,
});

describe.each<Rollups>(['kept', 'computed'])('a PnL series from %s rollups', (rollups) => {
  const account = `desk-${rollups}`;
  const series = async (resolution: Resolution, from: string, to: string, now = NOW, of = account) => {
    const question = { account: of, node: NODE, range: { from: at(from), to: at(to) }, resolution };
    const [found] = await readPnlSeries(db.pool, rollups, question, now);
    if (!found) throw new Error('a series for the node');
    return found;
  };

  beforeAll(() =>
    storeSnapshots(db.pool, [
      snapshot(account, '2024-11-01T10:01:00Z', '5.0000000001'),
      snapshot(account, '2024-11-01T10:14:59.9999Z', '-7'),
      // Two in one microsecond stand in the order of their sequence, and one has no price.
      snapshot(account, '2024-11-01T10:20:00.000001Z', '100', { seq: 2 }),
      snapshot(account, '2024-11-01T10:20:00.000002Z', '0', { seq: 3, lastPrice: null, unrealized: null, total: null }),
      snapshot(account, '2024-11-01T12:30:00Z', '12345678901234567.89'),
      // The evening of the third in New York, which is the fourth in UTC; and a day of 25 hours.
      snapshot(account, '2024-11-04T03:00:00Z', '40'),
      snapshot(account, '2024-11-04T05:00:00Z', '50'),
    ]),
  );

  it('is every snapshot at RAW, in its millisecond, to the last digit', async () => {
    expect(await series('RAW', '2024-11-01T10:00Z', '2024-11-01T10:20:00.001Z')).toEqual({
      account,
      node: NODE,
      resolution: 'RAW',
      start: [
        at('2024-11-01T10:01:00Z'),
        at('2024-11-01T10:14:59.999Z'),
        at('2024-11-01T10:20:00Z'),
        at('2024-11-01T10:20:00Z'),
      ],
      positionMw: ['10', '10', '10', '10'],
      lastPrice: ['30.5', '30.5', '30.5', null],
      realized: ['1.1', '1.1', '1.1', '1.1'],
      unrealized: ['5.0000000001', '-7', '100', null],
      total: ['5.0000000001', '-7', '100', null],
      totalMin: null,
      totalMax: null,
    });
  });

  it('has how things stood last in each quarter of an hour, and null where nothing was noted', async () => {
    const found = await series('FIFTEEN_MINUTES', '2024-11-01T10:00Z', '2024-11-01T11:00Z');
    expect(found.start).toEqual([0, 15, 30, 45].map((minute) => at('2024-11-01T10:00Z') + minute * 60_000));
    expect(found.total).toEqual(['-7', null, null, null]);
    expect(found.positionMw).toEqual(['10', '10', null, null]);
    expect([found.totalMin, found.totalMax]).toEqual([
      ['-7', '100', null, null],
      ['5.0000000001', '100', null, null],
    ]);
  });

  it('has whole hours with their extremes, and does not fill what lies between', async () => {
    const found = await series('HOUR', '2024-11-01T10:00Z', '2024-11-01T12:30Z');
    expect(found.total).toEqual([null, null, '12345678901234567.89']);
    expect(found.realized).toEqual(['1.1', null, '1.1']);
    expect(found.totalMin).toEqual(['-7', null, '12345678901234567.89']);
    expect(found.totalMax).toEqual(['100', null, '12345678901234567.89']);
  });

  it('has days and months of the market, of 25 hours too', async () => {
    const days = await series('DAY', '2024-11-01T00:00Z', '2024-11-05T00:00Z');
    expect(days.start.map((start) => new Date(start).toISOString())).toEqual([
      '2024-11-01T04:00:00.000Z',
      '2024-11-02T04:00:00.000Z',
      '2024-11-03T04:00:00.000Z',
      '2024-11-04T05:00:00.000Z',
    ]);
    expect(days.total).toEqual(['12345678901234567.89', null, '40', '50']);
    const months = await series('MONTH', '2024-11-01T00:00Z', '2024-12-01T00:00Z');
    expect([months.total, months.totalMin]).toEqual([['50'], ['-7']]);
  });

  it('ends with the present, which is no gap', async () => {
    const found = await series('HOUR', '2024-11-01T10:00Z', '2024-11-02T00:00Z', at('2024-11-01T11:30Z'));
    expect(found.total).toHaveLength(3);
    expect((await series('HOUR', '2024-11-01T13:00Z', '2024-11-02T00:00Z', at('2024-11-01T11:30Z'))).start).toEqual([]);
  });

  it('is all gaps of a position nobody has', async () => {
    const found = await series('HOUR', '2024-11-01T10:00Z', '2024-11-01T12:00Z', NOW, 'nobody');
    expect([found.account, found.total]).toEqual(['nobody', [null, null]]);
  });
});

describe('the PnL series of an account', () => {
  it('are one a position, by node, in two statements however many there are', async () => {
    const nodes = Array.from({ length: 12 }, (_, place) => `ERCOT:N${String(place).padStart(2, '0')}`);
    await storeSnapshots(
      db.pool,
      [...nodes].reverse().map((node) => snapshot('wide', '2024-11-01T10:01:00Z', '1', { node })),
    );
    const counting = countingDb(db.pool);
    const range = { from: at('2024-11-01T10:00Z'), to: at('2024-11-01T12:00Z') };
    const found = await readPnlSeries(counting, 'computed', { account: 'wide', range, resolution: 'HOUR' }, NOW);
    expect(found.map(({ node }) => node)).toEqual(nodes);
    expect(found.every(({ total }) => total.join() === '1,')).toBe(true);
    expect(counting.statements).toBe(2);
  });

  it('may have a million points over all of them', async () => {
    const range = { from: at('2024-01-01T00:00Z'), to: at('2026-12-01T00:00Z') };
    const ask = () =>
      readPnlSeries(db.pool, 'computed', { account: 'wide', range, resolution: 'FIFTEEN_MINUTES' }, NOW);
    await expect(ask()).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' });
  });
});
