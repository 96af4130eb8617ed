import { graphql, parse, subscribe } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ALL_RIGHTS } from '../domain/rights.ts';
import { createPrisma, type PrismaClient } from '../prisma/client.ts';
import type { Context, Live, Operations, Reads } from '../schema/context.ts';
import { schema } from '../schema/schema.ts';
import type { TradeRow } from '../schema/trading-rows.ts';
import { storeLmps } from '../tests/support/lmp-rows.ts';
import { freshDatabase, type TestDatabase } from '../tests/support/postgres.ts';
import { statementsDuring } from '../tests/support/store-gateway.ts';
import { storeSnapshots, storeTrades } from '../tests/support/trading-rows.ts';
import { createLoaders } from './loaders.ts';
import { createReads } from './reads/index.ts';

const NOW = Date.parse('2024-07-05T00:00:00Z');
const DAY = { from: '2024-07-04T00:00:00Z', to: '2024-07-05T00:00:00Z' };
const NODES = Array.from({ length: 20 }, (_, place) => `PJM:N${String(place).padStart(2, '0')}`);

let db: TestDatabase;
let prisma: PrismaClient;
let reads: Reads;

beforeAll(async () => {
  db = await freshDatabase();
  prisma = createPrisma(db.pool);
  reads = createReads({ pool: db.pool, prisma, clock: () => NOW });
  const traded = { account: 'desk', side: 'BUY', mw: '0.1', price: '30.12', minutes: 5 } as const;
  await storeTrades(db.pool, [
    ...NODES.flatMap((node, place) => [
      { ...traded, node, id: `${place}-1`, ts: '2024-07-04T10:00:00Z', ledgerId: place + 1 },
      { ...traded, node, id: `${place}-1`, version: 2, ts: '2024-07-04T10:00:00Z', mw: 6, ledgerId: 50 },
      { ...traded, node, id: `${place}-2`, ts: '2024-07-04T11:00:00Z', mw: 12 },
    ]),
    { ...traded, account: 'lone', node: 'CAISO:NP15', id: 'x', ts: '2024-07-04T10:00:00Z', status: 'CANCELLED' },
  ]);
  const price = { start: '2024-07-04T12:00Z', lmp: 31.1, minutes: 0, run: 'SPOT' } as const;
  await storeLmps(
    db.pool,
    NODES.slice(1).map((node) => ({ ...price, node })),
  );
});
afterAll(async () => {
  await prisma.$disconnect();
  await db.drop();
});

const nothing = () => {
  throw new TypeError('nothing is live here, and nothing changes');
};
const NO_LIVE: Live = {
  lmp: nothing,
  jobProgress: nothing,
  feedHealth: nothing,
  apiHealth: nothing,
  trades: nothing,
  pnl: nothing,
  forecasts: nothing,
};
const NO_OPERATIONS = new Proxy({}, { get: () => nothing }) as Operations;

function context(live: Partial<Live> = {}): Context {
  return {
    rights: ALL_RIGHTS,
    reads,
    operations: NO_OPERATIONS,
    live: { ...NO_LIVE, ...live },
    loaders: createLoaders(reads, ALL_RIGHTS),
  };
}

const ask = (source: string, variableValues: Record<string, unknown> = {}) =>
  graphql({ schema, source, variableValues, contextValue: context() });

async function answer(source: string, variables?: Record<string, unknown>) {
  const { data, errors } = await ask(source, variables);
  if (errors) throw new AggregateError(errors, errors.map(({ message }) => message).join('\n'));
  return JSON.parse(JSON.stringify(data));
}

describe('positions', () => {
  it('have the names and types of the contract, exact money and nulls where there is no price', async () => {
    const { positions } = await answer(
      `{ positions(account: "desk") { account node { id } positionMw avgPrice lastPrice realizedPnl unrealizedPnl totalPnl
         asOf pnl01 notional lastPriceRun lastPriceAt costMethod tradeCount positionMwExact } }`,
    );
    expect(positions).toHaveLength(20);
    expect(positions[0]).toMatchObject({ lastPrice: null, unrealizedPnl: null, totalPnl: null, lastPriceRun: null });
    expect(positions[1]).toEqual({
      account: 'desk',
      node: { id: 'PJM:N01' },
      positionMw: 1.5,
      avgPrice: 30.12,
      lastPrice: 31.1,
      realizedPnl: '0',
      unrealizedPnl: '1.47',
      totalPnl: '1.47',
      asOf: '2024-07-04T11:00:00.000Z',
      pnl01: '0.015',
      notional: '46.65',
      lastPriceRun: 'SPOT',
      lastPriceAt: '2024-07-04T12:00:00.000Z',
      costMethod: 'AVERAGE_COST',
      tradeCount: 2,
      positionMwExact: '1.5',
    });
  });

  it('carry the trades behind them, with versions and lineage, in as many statements for twenty as for one', async () => {
    const query = `query ($node: ID) { positions(account: "desk", node: $node) { node { kind } ledgerEntry { id }
      trades(first: 1) { edges { node { id version ledgerEntry { id } versions { version mw } } } pageInfo { hasNextPage } } } }`;
    let found: { trades: object }[] = [];
    const all = await statementsDuring(db, async () => {
      found = (await answer(query)).positions;
    });
    const one = await statementsDuring(db, () => answer(query, { node: 'PJM:N07' }));
    expect(found).toHaveLength(20);
    expect(found[7]?.trades).toEqual({
      edges: [{ node: { id: '7-2', version: 1, ledgerEntry: null, versions: [{ version: 1, mw: 12 }] } }],
      pageInfo: { hasNextPage: true },
    });
    expect(all).toBe(one);
    expect(all).toBeLessThanOrEqual(7);
  });

  it('go on behind the cursor of their trades', async () => {
    const query = `query ($after: String) { positions(account: "desk", node: "PJM:N03") {
      trades(first: 1, after: $after) { edges { cursor node { id version mwExact energyMwh } } pageInfo { hasNextPage } } } }`;
    const [first] = (await answer(query)).positions;
    const [second] = (await answer(query, { after: first.trades.edges[0].cursor })).positions;
    expect(second.trades.edges[0].node).toEqual({ id: '3-1', version: 2, mwExact: '6', energyMwh: '0.5' });
    expect(second.trades.pageInfo.hasNextPage).toBe(false);
  });

  it('refuse to show more trades than one answer may, before any is read', async () => {
    const { errors } = await ask('{ positions(account: "desk") { trades(first: 6000) { edges { node { id } } } } }');
    expect(errors?.[0]?.originalError).toMatchObject({ code: 'LIMIT_EXCEEDED', details: { limit: 'positionTrades' } });
  });
});

describe('trades', () => {
  it('are those that stand, unless asked otherwise', async () => {
    const query = `query ($status: TradeStatus = ACTIVE) { trades(account: "lone", status: $status) { edges { node { id status } } } }`;
    expect((await answer(query)).trades.edges).toEqual([]);
    expect((await answer(query, { status: null })).trades.edges).toEqual([{ node: { id: 'x', status: 'CANCELLED' } }]);
  });

  it('show all they have in as many statements for many as for one', async () => {
    const query = `query ($first: Int) { trades(first: $first) { edges { node { id node { title } ledgerEntry { feed } versions { version } } } } }`;
    const one = await statementsDuring(db, () => answer(query, { first: 1 }));
    const many = await statementsDuring(db, () => answer(query, { first: 40 }));
    expect(many).toBe(one);
  });

  it.each([
    ['{ trades(node: "nowhere") { edges { cursor } } }', 'not a pricing node'],
    ['{ trades(from: "2024-07-05T00:00Z", to: "2024-07-04T00:00Z") { edges { cursor } } }', 'must lie before'],
    ['{ trades(after: "WyJ0cmFkZXMiLHsidHMiOjFlMzAwLCJ0cmFkZUlkIjoiIn1d") { edges { cursor } } }', 'not a cursor'],
    ['{ exposure(shock: {}) { pnl01 } }', 'exactly one'],
    ['{ exposure(shock: { absolute: 1, percent: 1 }) { pnl01 } }', 'exactly one'],
    [
      '{ marketMetrics(market: "PJM", node: "SPP:A", from: "2024-07-04T00:00Z", to: "2024-07-05T00:00Z") { count } }',
      'one of PJM',
    ],
    ['{ exposure(market: "NOWHERE") { pnl01 } }', 'no such market'],
  ])('refuse %s', async (query, reason) => {
    const { errors } = await ask(query);
    expect(errors?.[0]?.message).toContain(reason);
    expect(errors?.[0]?.originalError).toHaveProperty('code', 'BAD_USER_INPUT');
  });
});

describe('exposure', () => {
  const query = `query ($shock: ShockInput) { exposure(account: "desk", by: ACCOUNT, shock: $shock) {
    account market { id } node { id } positions unpriced positionMw grossMw lastPrice pnl01 notional grossNotional shockPnl } }`;

  it('sums exactly, and counts what has no price', async () => {
    expect((await answer(query, { shock: { absolute: '0.01' } })).exposure).toEqual([
      {
        account: 'desk',
        market: null,
        node: null,
        positions: 20,
        unpriced: 1,
        positionMw: 30,
        grossMw: 30,
        lastPrice: null,
        pnl01: '0.3',
        notional: '886.35',
        grossNotional: '886.35',
        shockPnl: '0.285',
      },
    ]);
  });

  it.each([
    ['{ absolute: "0.30000000000000000001" }', '8.55'],
    ['{ absolute: 10000000000000000000001 }', '285000000000000000000028.5'],
    ['{ percent: -10 }', '-88.635'],
  ])('takes a shock of %s to the last digit', async (shock, expected) => {
    const { exposure } = await answer(`{ exposure(account: "desk", by: ACCOUNT, shock: ${shock}) { shockPnl } }`);
    expect(exposure).toEqual([{ shockPnl: expected }]);
  });

  it.each(['"1,5"', '"NaN"', 'true', '""'])('refuses %s as a decimal', async (text) => {
    const { errors } = await ask(`{ exposure(shock: { absolute: ${text} }) { pnl01 } }`);
    expect(errors?.[0]?.extensions.code).toBe('BAD_USER_INPUT');
  });
});

describe('series, forecasts and statistics', () => {
  it('give a series of exact money with nulls where nothing was noted', async () => {
    const noted = { positionMw: '1.5', lastPrice: '31', realized: '0.1', unrealized: '0.2', total: '0.3' };
    await storeSnapshots(db.pool, [{ account: 'desk', node: 'PJM:N00', at: '2024-07-04T10:00:00Z', ...noted }]);
    const query = `query ($from: DateTime!, $to: DateTime!) { pnlSeries(account: "desk", node: "PJM:N00", from: $from, to: $to,
      resolution: HOUR) { account node { id } resolution start positionMw lastPrice realized unrealized total totalMin totalMax } }`;
    const range = { from: '2024-07-04T10:00:00Z', to: '2024-07-04T12:00:00Z' };
    expect((await answer(query, range)).pnlSeries).toEqual([
      {
        account: 'desk',
        node: { id: 'PJM:N00' },
        resolution: 'HOUR',
        start: ['2024-07-04T10:00:00.000Z', '2024-07-04T11:00:00.000Z'],
        positionMw: [1.5, null],
        lastPrice: [31, null],
        realized: ['0.1', null],
        unrealized: ['0.2', null],
        total: ['0.3', null],
        totalMin: ['0.3', null],
        totalMax: ['0.3', null],
      },
    ]);
  });

  it('answer metrics, trends and accounts as an analyst asks for them', async () => {
    const found = await answer(
      `query ($from: DateTime!, $to: DateTime!) {
         marketMetrics(market: "PJM", from: $from, to: $to, by: MARKET) { market { id } node { id } run start end count average volatility dart { hours } }
         priceTrends(nodes: ["PJM:N01"], from: $from, to: $to) { node { id } run count first direction fit }
         accounts { id costMethod }
         forecasts(nodes: ["PJM:N01"]) { best { model } sma5 }
       }`,
      DAY,
    );
    expect(found).toEqual({
      marketMetrics: [
        {
          market: { id: 'PJM' },
          node: null,
          run: 'SPOT',
          start: '2024-07-04T00:00:00.000Z',
          end: '2024-07-05T00:00:00.000Z',
          count: 19,
          average: expect.closeTo(31.1, 9),
          volatility: null,
          dart: null,
        },
      ],
      priceTrends: [{ node: { id: 'PJM:N01' }, run: 'SPOT', count: 1, first: 31.1, direction: 'FLAT', fit: null }],
      accounts: [
        { id: 'desk', costMethod: 'AVERAGE_COST' },
        { id: 'lone', costMethod: 'AVERAGE_COST' },
      ],
      forecasts: [],
    });
  });

  it('say of an account that nobody knows that it is not there, beside empty lists', async () => {
    const found = await answer(
      `query ($from: DateTime!, $to: DateTime!) {
         known: account(id: "desk") { id costMethod firstSeen }
         account(id: "dseks") { id }
         positions(account: "dseks") { account }
         trades(account: "dseks") { edges { node { id } } }
         exposure(account: "dseks") { positions }
         pnlSeries(account: "dseks", from: $from, to: $to) { start }
       }`,
      DAY,
    );
    expect(found).toEqual({
      known: { id: 'desk', costMethod: 'AVERAGE_COST', firstSeen: expect.any(String) },
      account: null,
      positions: [],
      trades: { edges: [] },
      exposure: [],
      pnlSeries: [],
    });
  });

  it('name as best the model with the least error among those that forecast now', async () => {
    const models = [
      { model: 'SMA_5', value: 30, samples: 3, mae: 2, rmse: 2, bias: 1 },
      { model: 'SMA_20', value: null, samples: 1, mae: 1, rmse: 1, bias: 1 },
      { model: 'NEXT_VALUE', value: 31, samples: 0, mae: null, rmse: null, bias: null },
      { model: 'EWMA', value: 32, samples: 3, mae: 1.5, rmse: 3, bias: -1 },
    ] as const;
    const row = { node: 'PJM:N01', run: 'SPOT', lastAt: NOW, lastPrice: 31, models, ledgerId: 1 } as const;
    const frames = await subscribed(
      'subscription { forecasts { cursor forecasts { best { model value } sma5 sma20 } } }',
      {
        async *forecasts() {
          yield { cursor: '1', forecasts: [row, { ...row, models: models.slice(2, 3) }] };
        },
      },
    );
    expect(frames).toEqual([
      {
        forecasts: {
          cursor: '1',
          forecasts: [
            { best: { model: 'EWMA', value: 32 }, sma5: 30, sma20: null },
            { best: null, sma5: null, sma20: null },
          ],
        },
      },
    ]);
  });
});

describe('subscriptions', () => {
  it('pass on what they are asked for, pnl with the newest state by default', async () => {
    const asked: unknown[] = [];
    const trade: TradeRow = {
      tradeId: 't',
      version: 2,
      ts: NOW,
      account: 'a',
      node: 'PJM:N01',
      side: 'SELL',
      mw: '0.1',
      price: '-3.30',
      minutes: 60,
      status: 'CANCELLED',
      ledgerId: 1,
      recordedAt: NOW,
    };
    const live: Partial<Live> = {
      async *trades(...given) {
        asked.push(given);
        yield { cursor: '7', trades: [trade] };
      },
      async *pnl(...given) {
        asked.push(given);
        yield { cursor: '8', positions: [] };
      },
      async *forecasts(...given) {
        asked.push(given);
        yield { cursor: '9', forecasts: [] };
      },
    };
    const trades = 'subscription { trades(account: "a", after: "6") { cursor trades { id version side mw price } } }';
    expect(await subscribed(trades, live)).toEqual([
      { trades: { cursor: '7', trades: [{ id: 't', version: 2, side: 'SELL', mw: 0.1, price: -3.3 }] } },
    ]);
    await subscribed('subscription { pnl(node: "PJM:N01") { cursor } }', live);
    await subscribed('subscription { forecasts(nodes: ["PJM:N01"], run: SPOT) { cursor } }', live);
    expect(asked).toEqual([
      [{ account: 'a' }, '6'],
      [{ node: 'PJM:N01' }, 'LATEST', undefined],
      [{ nodes: ['PJM:N01'], run: 'SPOT' }, 'EVERY', undefined],
    ]);
  });
});

async function subscribed(query: string, live: Partial<Live>): Promise<unknown[]> {
  const found = await subscribe({ schema, document: parse(query), contextValue: context(live) });
  if (!(Symbol.asyncIterator in found)) throw new Error(JSON.stringify(found.errors));
  const frames: unknown[] = [];
  for await (const { data, errors } of found) {
    if (errors) throw new AggregateError(errors);
    frames.push(JSON.parse(JSON.stringify(data)));
  }
  return frames;
}
