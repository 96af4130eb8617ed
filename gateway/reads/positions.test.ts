import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DAY_MS, MINUTE_MS } from '../../domain/instant.ts';
import { MARK_RUNS } from '../../domain/mark-price.ts';
import type { MarketRun } from '../../domain/market-run.ts';
import { decimalFrom } from '../../domain/money.ts';
import { countingDb } from '../../tests/support/counting-db.ts';
import { storeLmps } from '../../tests/support/lmp-rows.ts';
import { freshDatabase, type TestDatabase } from '../../tests/support/postgres.ts';
import { storeTrades } from '../../tests/support/trading-rows.ts';
import { BoardLife } from '../positions/board-life.ts';
import type { BoardUpdate } from '../positions/marked-position.ts';
import { PRICES_AHEAD_MAX } from '../positions/prices-ahead.ts';
import { readAccounts } from './accounts.ts';
import { readExposure } from './exposure.ts';
import { createPositionsSource, readMarkedPositions, readPositions } from './positions.ts';

const NOW = Date.parse('2024-07-04T18:00:00Z');
const MARKING = { runs: MARK_RUNS, now: NOW };
const ts = '2024-07-04T10:00:00Z';

let db: TestDatabase;
beforeAll(async () => {
  db = await freshDatabase();
  await storeTrades(db.pool, [
    { id: '1', ts, account: 'a', node: 'PJM:WEST', side: 'BUY', mw: 10, price: '30.1' },
    { id: '2', ts, account: 'a', node: 'PJM:WEST', side: 'SELL', mw: 4, price: 35 },
    { id: '3', ts, account: 'a', node: 'CAISO:NP15', side: 'SELL', mw: 60, price: 20, minutes: 5 },
    { id: '4', ts, account: 'b', node: 'PJM:WEST', side: 'SELL', mw: 2, price: 30 },
    { id: '5', ts, account: 'b', node: 'PJM:EAST', side: 'BUY', mw: 3, price: 30 },
    { id: '6', ts, account: 'c', node: 'PJM:EAST', side: 'BUY', mw: 3, price: 30 },
    { id: '7', ts, account: 'c', node: 'PJM:EAST', side: 'SELL', mw: 3, price: 31 },
  ]);
  const spot = { run: 'SPOT', minutes: 0 } as const;
  await storeLmps(db.pool, [
    { node: 'PJM:WEST', ...spot, start: '2024-07-04T17:00Z', lmp: 30 },
    { node: 'PJM:WEST', ...spot, start: '2024-07-04T17:30Z', lmp: 32.2, publishedAt: '2024-07-04T17:31:00Z' },
    // What does not count: a later price of a run less preferred, one that begins more than an hour later, one of another run.
    { node: 'PJM:WEST', run: 'REAL_TIME_5_MIN', start: '2024-07-04T17:50Z', minutes: 5, lmp: 99 },
    { node: 'PJM:WEST', ...spot, start: '2024-07-04T19:01Z', lmp: 98 },
    { node: 'PJM:WEST', run: 'DAY_AHEAD_HOURLY', start: '2024-07-04T17:00Z', minutes: 60, lmp: 97 },
    // SPOT is too old here.
    { node: 'CAISO:NP15', ...spot, start: NOW - 31 * DAY_MS, lmp: 96 },
    { node: 'CAISO:NP15', run: 'REAL_TIME_15_MIN', start: '2024-07-04T17:00Z', minutes: 15, lmp: -20 },
  ]);
});
afterAll(() => db.drop());

describe('positions', () => {
  it('are marked at the newest price of the first run that has one', async () => {
    const rows = await readPositions(db.pool, { account: 'a' }, MARKING);
    expect(rows).toEqual([
      {
        account: 'a',
        node: 'CAISO:NP15',
        seq: 1,
        method: 'AVERAGE_COST',
        positionMw: '-5',
        avgPrice: '20',
        realizedPnl: '0',
        unrealizedPnl: '200',
        totalPnl: '200',
        pnl01: '-0.05',
        notional: '100',
        last: { run: 'REAL_TIME_15_MIN', startAt: Date.parse('2024-07-04T17:00Z'), price: '-20' },
        trades: 1,
        asOf: Date.parse(ts),
        ledgerId: 1,
      },
      expect.objectContaining({
        node: 'PJM:WEST',
        positionMw: '6',
        realizedPnl: '19.6',
        unrealizedPnl: '12.6',
        totalPnl: '32.2',
        last: { run: 'SPOT', startAt: Date.parse('2024-07-04T17:30Z'), price: '32.2' },
        asOf: Date.parse('2024-07-04T17:31:00Z'),
      }),
    ]);
  });

  it('prefer the runs they are told to, in that order', async () => {
    const runs: MarketRun[] = ['DAY_AHEAD_HOURLY', 'REAL_TIME_5_MIN'];
    const rows = await readPositions(db.pool, { node: 'PJM:WEST' }, { runs, now: NOW });
    expect(rows.map(({ last }) => last?.price)).toEqual(['97', '97']);
  });

  it('without a price have their realised part and no more, and stay when flat', async () => {
    const rows = await readPositions(db.pool, { node: 'PJM:EAST' }, MARKING);
    expect(
      rows.map(({ account, realizedPnl, unrealizedPnl, totalPnl }) => [account, realizedPnl, unrealizedPnl, totalPnl]),
    ).toEqual([
      ['b', '0', null, null],
      ['c', '3', '0', '3'],
    ]);
  });

  it('are in the order of account and node, in two statements however many there are', async () => {
    const counting = countingDb(db.pool);
    const rows = await readPositions(counting, {}, MARKING);
    expect(rows.map(({ account, node }) => `${account} ${node}`)).toEqual([
      'a CAISO:NP15',
      'a PJM:WEST',
      'b PJM:EAST',
      'b PJM:WEST',
      'c PJM:EAST',
    ]);
    expect(counting.statements).toBe(2);
    expect(await readPositions(db.pool, { account: 'nobody' }, MARKING)).toEqual([]);
  });

  it('refuse to be more than an answer may hold', async () => {
    await expect(readMarkedPositions(db.pool, {}, MARKING, 4)).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' });
    expect(await readMarkedPositions(db.pool, {}, MARKING, 5)).toHaveLength(5);
  });

  it('are where the live board begins, with the prices of every run that may mark them now and later', async () => {
    const source = createPositionsSource(db.pool, { markRuns: MARK_RUNS, clock: () => NOW });
    expect((await source.positions()).map(({ account, node, seq }) => [account, node, seq])).toHaveLength(5);
    const prices = await source.prices(['PJM:WEST', 'PJM:NOBODY']);
    expect(prices.map(({ run, lmp }) => [run, lmp]).sort()).toEqual([
      ['REAL_TIME_5_MIN', 99],
      ['SPOT', 32.2],
      ['SPOT', 98],
    ]);
  });

  it('belong to accounts, which are listed by id', async () => {
    expect((await readAccounts(db.pool)).map(({ id, method }) => [id, method])).toEqual([
      ['a', 'AVERAGE_COST'],
      ['b', 'AVERAGE_COST'],
      ['c', 'AVERAGE_COST'],
    ]);
    await expect(readAccounts(db.pool, undefined, 2)).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' });
  });
});

describe('exposure', () => {
  it('of a position has its pnl01 and notional', async () => {
    const [row] = await readExposure(db.pool, { account: 'a', node: 'PJM:WEST', by: 'POSITION' }, MARKING);
    expect(row).toEqual({
      account: 'a',
      market: 'PJM',
      node: 'PJM:WEST',
      positions: 1,
      unpriced: 0,
      netMw: '6',
      grossMw: '6',
      pnl01: '0.06',
      netNotional: '193.2',
      grossNotional: '193.2',
      last: { run: 'SPOT', startAt: Date.parse('2024-07-04T17:30Z'), price: '32.2' },
      shockPnl: null,
    });
  });

  it('nets and grosses by account, market and node, and says what has no price', async () => {
    const brief = async (by: 'ACCOUNT' | 'MARKET' | 'NODE') =>
      (await readExposure(db.pool, { by }, MARKING)).map((row) => [
        row.account ?? row.node ?? row.market,
        row.netMw,
        row.grossMw,
        row.netNotional,
        row.grossNotional,
        row.unpriced,
      ]);
    expect(await brief('ACCOUNT')).toEqual([
      ['a', '1', '11', '293.2', '293.2', 0],
      ['b', '1', '5', '-64.4', '64.4', 1],
      ['c', '0', '0', '0', '0', 0],
    ]);
    expect(await brief('MARKET')).toEqual([
      ['CAISO', '-5', '5', '100', '100', 0],
      ['PJM', '7', '11', '128.8', '257.6', 1],
    ]);
    expect(await brief('NODE')).toEqual([
      ['CAISO:NP15', '-5', '5', '100', '100', 0],
      ['PJM:EAST', '3', '3', null, null, 1],
      ['PJM:WEST', '4', '8', '128.8', '257.6', 0],
    ]);
  });

  it('tells what a shock would bring, also at a negative price, in two statements', async () => {
    const counting = countingDb(db.pool);
    const ask = async (shock: Parameters<typeof readExposure>[1]['shock']) =>
      (await readExposure(counting, { by: 'MARKET', ...(shock && { shock }) }, MARKING)).map(
        ({ shockPnl }) => shockPnl,
      );
    expect(await ask({ absolute: decimalFrom('-1.5') })).toEqual(['7.5', '-6']);
    expect(await ask({ percent: decimalFrom(10) })).toEqual(['10', '12.88']);
    expect(await ask(undefined)).toEqual([null, null]);
    expect(counting.statements).toBe(6);
  });

  it('is of one market where it is asked for', async () => {
    const rows = await readExposure(db.pool, { by: 'POSITION', market: 'CAISO' }, MARKING);
    expect(rows.map(({ node }) => node)).toEqual(['CAISO:NP15']);
  });
});

describe('the live board', () => {
  it('marks as the question does whenever it is looked at, also at prices that lay ahead when it began', async () => {
    const node = 'PJM:AHEAD';
    await storeTrades(db.pool, [{ id: '8', ts, account: 'ahead', node, side: 'BUY', mw: 1, price: 30 }]);
    // More than a board keeps: one each minute, for some four hours.
    const minutes = Array.from({ length: 5 * PRICES_AHEAD_MAX }, (_, place) => 59 + place);
    await storeLmps(
      db.pool,
      minutes.map((each) => ({ node, run: 'SPOT', start: NOW + each * MINUTE_MS, minutes: 0, lmp: each })),
    );
    let now = NOW;
    const source = createPositionsSource(db.pool, { markRuns: MARK_RUNS, clock: () => now });
    const onLost = (error: unknown) => expect.unreachable(String(error));
    const life = new BoardLife({ source, runs: MARK_RUNS, clock: () => now, cursor: '', onLost });
    await life.load();
    const live = () => {
      const seen: unknown[] = [];
      const watcher = {
        receive: ({ positions }: BoardUpdate) => void seen.push(...positions.map(({ row }) => row)),
        changed: () => undefined,
        passed: () => undefined,
      };
      life.watch({ account: 'ahead' }, watcher)();
      return seen;
    };
    const asked = () => readPositions(db.pool, { account: 'ahead' }, { runs: MARK_RUNS, now });
    for (const after of [0, 1, 2, 30, 49, 50, 51, 170, 400, 20 * 60]) {
      now = NOW + after * MINUTE_MS;
      // What it kept may be spent: then it asks for more, and has it in a moment.
      await expect.poll(live).toEqual(await asked());
    }
    life.end();
  });
});
