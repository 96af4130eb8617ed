import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TradePlace } from '../../schema/trading-rows.ts';
import { countingDb } from '../../tests/support/counting-db.ts';
import { freshDatabase, type TestDatabase } from '../../tests/support/postgres.ts';
import { storeTrades, type TradeSpec } from '../../tests/support/trading-rows.ts';
import { readPositionTrades } from './position-trades.ts';
import { readTrades, readTradeVersions } from './trades.ts';

const at = (iso: string) => Date.parse(iso);
const ALL = { first: 100, after: undefined };

let db: TestDatabase;
beforeAll(async () => {
  db = await freshDatabase();
});
afterAll(() => db.drop());

const trade = (id: string, ts: string, rest: Partial<TradeSpec> = {}): TradeSpec => ({
  id,
  ts,
  account: 'desk',
  node: 'PJM:WEST',
  side: 'BUY',
  mw: 10,
  price: 30,
  ...rest,
});

const ids = async (filter: Parameters<typeof readTrades>[1], page: Parameters<typeof readTrades>[2] = ALL) =>
  (await readTrades(db.pool, filter, page)).rows.map(({ tradeId, version }) => `${tradeId}/${version}`);

describe('trades', () => {
  beforeAll(() =>
    storeTrades(db.pool, [
      trade('a', '2024-07-04T10:00:00Z', { mw: '12.500', price: '-3.10', minutes: 5, ledgerId: 9 }),
      trade('b', '2024-07-04T10:00:00Z', { account: 'other' }),
      trade('c', '2024-07-04T11:00:00Z', { node: 'CAISO:NP15' }),
      trade('d', '2024-07-04T12:00:00Z'),
      // An amendment that moves it in time, to another account and node.
      trade('d', '2024-07-04T09:00:00Z', { version: 2, account: 'other', node: 'CAISO:NP15', side: 'SELL' }),
      trade('e', '2024-07-04T13:00:00Z'),
      trade('e', '2024-07-04T13:00:00Z', { version: 3, status: 'CANCELLED' }),
    ]),
  );

  it('are those that stand, newest first, each in its highest version', async () => {
    expect(await ids({ status: 'ACTIVE' })).toEqual(['c/1', 'b/1', 'a/1', 'd/2']);
    expect(await ids({})).toEqual(['e/3', 'c/1', 'b/1', 'a/1', 'd/2']);
    expect(await ids({ status: 'CANCELLED' })).toEqual(['e/3']);
  });

  it('are found by account, node and time as their highest versions say', async () => {
    expect(await ids({ account: 'desk', status: 'ACTIVE' })).toEqual(['c/1', 'a/1']);
    expect(await ids({ node: 'CAISO:NP15' })).toEqual(['c/1', 'd/2']);
    expect(await ids({ account: 'other', node: 'CAISO:NP15' })).toEqual(['d/2']);
    expect(await ids({ node: 'CAISO:NOBODY' })).toEqual([]);
    expect(await ids({ from: at('2024-07-04T10:00Z'), to: at('2024-07-04T11:00Z') })).toEqual(['b/1', 'a/1']);
  });

  it('have exact decimals, without the zeros they came with', async () => {
    const { rows } = await readTrades(db.pool, { account: 'desk', node: 'PJM:WEST', status: 'ACTIVE' }, ALL);
    expect(rows).toEqual([
      {
        tradeId: 'a',
        version: 1,
        ts: at('2024-07-04T10:00:00Z'),
        account: 'desk',
        node: 'PJM:WEST',
        side: 'BUY',
        mw: '12.5',
        price: '-3.1',
        minutes: 5,
        status: 'ACTIVE',
        recordedAt: at('2024-07-04T10:00:00Z'),
        ledgerId: 9,
      },
    ]);
  });

  it('show every version, the highest first, in one statement however many are asked for', async () => {
    const counting = countingDb(db.pool);
    const versions = await readTradeVersions(counting, ['e', 'nobody', 'd', 'a']);
    expect(versions.map((each) => each.map(({ version, account }) => `${account} ${version}`))).toEqual([
      ['desk 3', 'desk 1'],
      [],
      ['other 2', 'desk 1'],
      ['desk 1'],
    ]);
    expect(counting.statements).toBe(1);
  });

  it('refuse to show more versions than an answer may', async () => {
    await expect(readTradeVersions(db.pool, ['d', 'e'], {}, 3)).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' });
  });

  it('have pages that tile them while trades come in, also within one instant, each in one statement', async () => {
    const many = Array.from({ length: 40 }, (_, place) =>
      trade(`t${String(place).padStart(2, '0')}`, `2024-08-01T10:00:0${Math.floor(place / 10)}Z`, { account: 'tile' }),
    );
    await storeTrades(db.pool, many);
    const counting = countingDb(db.pool);
    const seen: string[] = [];
    let after: TradePlace | undefined;
    let pages = 0;
    for (let more = true; more; pages++) {
      const slice = await readTrades(counting, { account: 'tile' }, { first: 7, after });
      seen.push(...slice.rows.map(({ tradeId }) => tradeId));
      after = slice.rows.at(-1);
      more = slice.hasNextPage;
      // One newer than the page, and one that is still to come.
      if (pages === 2) {
        await storeTrades(db.pool, [
          trade('t99', '2024-08-01T11:00:00Z', { account: 'tile' }),
          trade('t000', '2024-08-01T10:00:00Z', { account: 'tile' }),
        ]);
      }
    }
    const ordered = many.map(({ id }) => id).reverse();
    expect(seen).toEqual([...ordered.slice(0, -1), 't000', 't00']);
    expect(counting.statements).toBe(pages);
  });
});

describe('the trades behind positions', () => {
  it('are pages of what counts, for any number of positions in one statement', async () => {
    const counting = countingDb(db.pool);
    const key = { account: 'desk', node: 'PJM:WEST' };
    const place = { ts: at('2024-07-04T11:00:00Z'), tradeId: 'c' };
    const slices = await readPositionTrades(counting, [
      { ...key, page: ALL },
      { account: 'desk', node: 'CAISO:NP15', page: { first: 1, after: undefined } },
      { account: 'desk', node: 'CAISO:NP15', page: { first: 1, after: place } },
      { account: 'nobody', node: 'PJM:WEST', page: ALL },
      { account: 'tile', node: 'PJM:WEST', page: { first: 2, after: undefined } },
    ]);
    expect(slices.map(({ rows, hasNextPage }) => [rows.map(({ tradeId }) => tradeId), hasNextPage])).toEqual([
      [['a'], false],
      [['c'], false],
      [[], false],
      [[], false],
      [['t99', 't39'], true],
    ]);
    expect(counting.statements).toBe(1);
  });
});
