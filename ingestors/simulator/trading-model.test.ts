import { describe, expect, it } from 'vitest';
import { parseInstant } from '../../domain/instant.ts';
import { localNameOf, type NodeName } from '../../domain/market.ts';
import { flatPosition, foldTrades, type Position } from '../../domain/position.ts';
import { currentTrades, type Trade } from '../../domain/trade.ts';
import { decodeTrades } from '../feeds/json-topics/decode-trades.ts';
import { createMarketModel, nodesFor } from './market-model.ts';
import {
  accountsFor,
  createTradingModel,
  type SimulatedTrade,
  type TradingModel,
  type TradingModelOptions,
} from './trading-model.ts';

const NODES = nodesFor(4);
const SESSIONS = 200;

function modelOf(changes: Partial<TradingModelOptions> = {}): TradingModel {
  return createTradingModel({ seed: 3, accounts: 5, nodes: NODES, origin: 0, stepMs: 500, ...changes });
}

/** Whole sessions from 2026-11-21 on. */
function tradesOf(model: TradingModel, sessions = SESSIONS): SimulatedTrade[] {
  const first = model.sessionFrom(Date.UTC(2026, 10, 21));
  return Array.from({ length: sessions }, (_, place) => model.trades(first + place)).flat();
}

function decoded(trades: readonly SimulatedTrade[]): Trade[] {
  return trades.flatMap(({ version }) => {
    const { facts, rejects } = decodeTrades({ bytes: Buffer.from(JSON.stringify(version)), name: 'trades' });
    expect(rejects).toEqual([]);
    return facts;
  });
}

function byBook(trades: readonly Trade[]): Trade[][] {
  const books = new Map<string, Trade[]>();
  for (const trade of trades) {
    const book = `${trade.account} ${trade.node}`;
    books.set(book, [...(books.get(book) ?? []), trade]);
  }
  return [...books.values()];
}

describe('the trading model', () => {
  it('is a pure function of its settings and time, in whatever order it is asked', () => {
    const sessions = [70, 3, 70, 12];
    const told = sessions.map((session) => modelOf().trades(session));
    const model = modelOf();
    expect(sessions.toReversed().map((session) => model.trades(session))).toEqual(told.toReversed());
    expect(told[0]).toEqual(told[2]);
  });

  it('has no id in common with other settings, so that a change of them is no quarrel over a trade', () => {
    const idsOf = (changes: Partial<TradingModelOptions>) =>
      tradesOf(modelOf(changes), 50).map(({ version }) => version.trade_id);
    const ids = new Set(idsOf({}));
    for (const changes of [{ seed: 4 }, { accounts: 6 }, { nodes: nodesFor(5) }, { stepMs: 250 }, { origin: 500 }]) {
      expect(idsOf(changes).filter((id) => ids.has(id))).toEqual([]);
    }
  });

  it('gives each trade an id of its own, and an amendment that of its trade, once and later', () => {
    const seen = new Map<string, SimulatedTrade>();
    for (const trade of tradesOf(modelOf())) {
      const { trade_id: id, version = 1 } = trade.version;
      const earlier = seen.get(id);
      expect(version).toBe(earlier ? 2 : 1);
      if (earlier) expect(trade.version.ts).toBe(earlier.version.ts);
      if (earlier) expect(trade.atMs).toBeGreaterThan(earlier.atMs);
      seen.set(id, trade);
    }
  });

  it('amends and cancels some, but not many', () => {
    const trades = tradesOf(modelOf());
    const changes = trades.filter(({ version }) => version.version === 2);
    const cancelled = changes.filter(({ version }) => version.status === 'CANCELLED');
    expect(changes.length / trades.length).toBeGreaterThan(0.02);
    expect(changes.length / trades.length).toBeLessThan(0.08);
    expect(cancelled.length).toBeGreaterThan(changes.length / 5);
    expect(cancelled.length).toBeLessThan(changes.length / 2);
  });

  it('trades 1 to 50 MW in whole steps near the real-time price, in whole cents', () => {
    const prices = createMarketModel({ seed: 3, nodes: NODES });
    for (const { version } of tradesOf(modelOf())) {
      const node = NODES.find((each) => localNameOf(each) === version.hub) as NodeName;
      const price = prices.realTime(node, parseInstant(version.ts) ?? Number.NaN).lmp;
      expect(Number.isInteger(version.mw) && version.mw >= 1 && version.mw <= 50).toBe(true);
      expect(Math.abs(version.price_mwh - price)).toBeLessThanOrEqual(version.version === 2 ? 0.76 : 0.26);
      expect(Math.round(version.price_mwh * 100) / 100).toBe(version.price_mwh);
    }
  });

  it('leaves every book flat after whole sessions, and on the way long, short, and turned from one to the other', () => {
    const seen = { long: 0, short: 0, flat: 0, turned: 0 };
    for (const trades of byBook(currentTrades(decoded(tradesOf(modelOf()))))) {
      let position: Position = flatPosition('AVERAGE_COST');
      for (const trade of trades) {
        const { sign } = position.quantity;
        position = foldTrades('AVERAGE_COST', trades.slice(0, trades.indexOf(trade) + 1));
        const now = position.quantity.sign;
        seen[now > 0 ? 'long' : now < 0 ? 'short' : 'flat'] += 1;
        if (sign * now < 0) seen.turned += 1;
        expect(Math.abs(position.quantity.toNumber())).toBeLessThanOrEqual(25 * 60);
      }
      expect(position.quantity.sign).toBe(0);
    }
    expect(Math.min(...Object.values(seen))).toBeGreaterThan(200);
  });

  it('publishes in order, within the session, and about one trade a step', () => {
    const model = modelOf();
    const first = model.sessionFrom(Date.UTC(2026, 10, 21));
    for (let session = first; session < first + 50; session += 1) {
      const instants = model.trades(session).map(({ atMs }) => atMs);
      expect(instants).toEqual(instants.toSorted((one, other) => one - other));
      expect(Math.min(...instants)).toBeGreaterThanOrEqual(model.startOf(session));
      expect(Math.max(...instants)).toBeLessThan(model.startOf(session + 1));
    }
    const steps = (SESSIONS * model.sessionMs) / 500;
    expect(tradesOf(model).length / steps).toBeGreaterThan(0.85);
    expect(tradesOf(model).length / steps).toBeLessThan(1.05);
  });

  it('lets every account trade three hubs, some of them those of others, a few books a session', () => {
    const model = modelOf({ accounts: 200, nodes: nodesFor(30) });
    const trades = tradesOf(model).map(({ version }) => version);
    const hubs = accountsFor(200).map(
      (account) => new Set(trades.filter((trade) => trade.account === account).map(({ hub }) => hub)).size,
    );
    expect(hubs).toEqual(Array(200).fill(3));
    expect(new Set(trades.map(({ hub }) => hub)).size).toBe(30);
    expect(model.sessionMs).toBe(60 * 500);
  });

  it('does with one account and one node', () => {
    const trades = tradesOf(modelOf({ accounts: 1, nodes: nodesFor(1), stepMs: 0.3 }), 5_000);
    expect(new Set(trades.map(({ version }) => version.hub))).toEqual(new Set(['PJM-WEST']));
    const [book] = byBook(currentTrades(decoded(trades)));
    expect(foldTrades('FIFO', book ?? []).quantity.sign).toBe(0);
  });

  it('knows which session begins next', () => {
    const model = modelOf();
    const start = model.startOf(1_000);
    expect([model.sessionFrom(start), model.sessionFrom(start + 1), model.sessionFrom(start - 1)]).toEqual([
      1_000, 1_001, 1_000,
    ]);
  });

  it('refuses to trade without accounts, nodes or time', () => {
    for (const changes of [{ accounts: 0 }, { nodes: [] }, { stepMs: 0 }, { stepMs: -1 }, { stepMs: Number.NaN }]) {
      expect(() => modelOf(changes)).toThrow(RangeError);
    }
  });
});

describe('accountsFor', () => {
  it('names as many as asked, each once, and fewer are the beginning of more', () => {
    const accounts = accountsFor(1_000);
    expect(new Set(accounts).size).toBe(1_000);
    expect(accounts.slice(0, 6)).toEqual([
      'DESK-EAST',
      'DESK-GULF',
      'DESK-WEST',
      'BOOK-BASIS',
      'BOOK-PROP',
      'DESK-SIM-0006',
    ]);
    expect(accountsFor(3)).toEqual(accounts.slice(0, 3));
  });
});
