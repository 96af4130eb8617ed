import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lotsAtHand, lotsIn } from '../tests/support/lots-at-hand.ts';
import type { NodeName } from './market.ts';
import { type Decimal, decimalFrom, ZERO } from './money.ts';
import { OpenLots } from './open-lots.ts';
import { POSITION_CASES, type Shown } from './position.cases.ts';
import {
  applyTrade,
  applyTrades,
  COST_METHODS,
  type CostMethod,
  flatPosition,
  foldTrades,
  markPosition,
  mostClosedBy,
  notional,
  type Position,
  pnl01,
  positionFromJson,
  shocked,
} from './position.ts';
import { compareTrades, currentTrades, type Trade } from './trade.ts';

const LINE = /^T(\d+)(?: at (\d+))?(?: v(\d+))? (BUY|SELL) (\S+) @ (\S+)(?: x (\d+))?( CANCELLED)?$/;

function tradeFrom(line: string): Trade {
  const match = LINE.exec(line);
  if (!match) throw new SyntaxError(line);
  const [, id, at = id, version = '1', side, mw = '', price = '', minutes = '60', cancelled] = match;
  return {
    tradeId: `T${id}`,
    version: Number(version),
    ts: Number(at) * 60_000,
    account: 'desk',
    node: 'PJM:HUB' as NodeName,
    side: side === 'BUY' ? 'BUY' : 'SELL',
    mw: decimalFrom(mw),
    price: decimalFrom(price),
    minutes: Number(minutes),
    status: cancelled ? 'CANCELLED' : 'ACTIVE',
  };
}

const tradesFrom = (...lines: string[]) => lines.map(tradeFrom);

function shownOf(position: Position, last: string | null): Shown {
  const mark = markPosition(position, last === null ? null : decimalFrom(last));
  const { positionMw, avgPrice, realized, unrealized, total } = mark;
  return [String(positionMw), String(avgPrice), String(realized), textOf(unrealized), textOf(total)];
}

const textOf = (decimal: Decimal | null) => (decimal === null ? null : String(decimal));

describe('RULES 9: the ledger written by hand', () => {
  for (const method of COST_METHODS) {
    it.each(POSITION_CASES)(`${method}: $why`, ({ trades, last, averageCost, fifo }) => {
      const position = foldTrades(method, currentTrades(trades.map(tradeFrom)));
      expect(shownOf(position, last)).toEqual(method === 'FIFO' ? (fifo ?? averageCost) : averageCost);
    });
  }
});

const MW = fc.integer({ min: 1, max: 500_000 }).map((thousandths) => decimalFrom(`${thousandths}e-3`));
const PRICE = fc.oneof(
  fc.integer({ min: -50_000, max: 200_000 }).map((cents) => decimalFrom(`${cents}e-2`)),
  fc.integer({ min: -9_999, max: 9_999 }).map((tiny) => decimalFrom(`${tiny}e-12`)),
  fc.constant(ZERO),
);
const TRADE: fc.Arbitrary<Trade> = fc.record({
  tradeId: fc.string({ unit: 'binary', minLength: 1, maxLength: 3 }),
  version: fc.constant(1),
  ts: fc.integer({ min: 0, max: 30 }),
  account: fc.constant('desk'),
  node: fc.constant('PJM:HUB' as NodeName),
  side: fc.constantFrom('BUY', 'SELL'),
  mw: fc.oneof(MW, fc.constant(decimalFrom(10))),
  price: PRICE,
  minutes: fc.constantFrom(5, 15, 30, 60, 60, 1_380, 1_440, 1_500),
  status: fc.constant('ACTIVE'),
});
const TRADES = fc
  .uniqueArray(TRADE, { selector: ({ tradeId }) => tradeId, maxLength: 40 })
  .map((trades) => trades.sort(compareTrades));
const METHOD = fc.constantFrom(...COST_METHODS);

/** Equal positions have equal texts, whatever number of decimals they are held with. */
const stateOf = (position: Position) => JSON.parse(JSON.stringify(position));

/** Just as many as have to be at hand. */
function enoughLots(position: Position, before: readonly Trade[], group: readonly Trade[]): OpenLots {
  const lots = new OpenLots();
  const most = mostClosedBy(group, position);
  for (const lot of lotsIn(position, before)) {
    if (lots.held.abs().minus(most).sign > 0) break;
    lots.add(lot);
  }
  return lots;
}

/** Price × MW·minutes received less paid, with nothing of the code under test but its plus and times. */
function cashOf(trades: readonly Trade[]): Decimal {
  return trades.reduce((cash, { side, mw, minutes, price }) => {
    const money = mw.times(decimalFrom(minutes)).times(price);
    return side === 'SELL' ? cash.plus(money) : cash.minus(money);
  }, ZERO);
}

/** A trade after all others that closes the position. */
function closing({ quantity }: Position, price: Decimal): Trade[] {
  if (quantity.sign === 0) return [];
  const line = quantity.sign > 0 ? `T1 SELL ${quantity} @ ${price} x 1` : `T1 BUY ${quantity.negated()} @ ${price} x 1`;
  return [{ ...tradeFrom(line), tradeId: 'closing', ts: 1_000 }];
}

describe('positions', () => {
  it('total is realised plus unrealised, to the last digit', () => {
    fc.assert(
      fc.property(METHOD, TRADES, PRICE, (method, trades, last) => {
        const { realized, unrealized, total } = markPosition(foldTrades(method, trades), last);
        expect(String(total)).toBe(String(realized.plus(unrealized ?? ZERO)));
      }),
    );
  });

  it('show the same total by average cost and by FIFO, at any price', () => {
    fc.assert(
      fc.property(TRADES, PRICE, (trades, last) => {
        const [average, fifo] = COST_METHODS.map((method) => markPosition(foldTrades(method, trades), last));
        expect(String(average?.total)).toBe(String(fifo?.total));
        expect(String(average?.positionMw)).toBe(String(fifo?.positionMw));
      }),
    );
  });

  it('have realised the same by average cost and by FIFO once they are flat, and cost nothing', () => {
    fc.assert(
      fc.property(TRADES, PRICE, (trades, price) => {
        const [average, fifo] = COST_METHODS.map((method) => {
          const open = foldTrades(method, trades);
          return stateOf(applyTrades(open, closing(open, price), lotsAtHand(lotsIn(open, trades))));
        });
        expect(average).toMatchObject({ quantity: '0', cost: '0' });
        expect(fifo).toMatchObject({ ...average, method: 'FIFO', oldest: null });
      }),
    );
  });

  it('realised less cost is the exact cash flow: rounding makes no money', () => {
    fc.assert(
      fc.property(METHOD, TRADES, (method, trades) => {
        const { realized, cost } = foldTrades(method, trades);
        expect(String(realized.minus(cost))).toBe(String(cashOf(trades)));
      }),
    );
  });

  it('come to the same state in any grouping, one at a time, and by way of JSON', () => {
    const cuts = fc.array(fc.integer({ min: 0, max: 40 }), { maxLength: 5 });
    fc.assert(
      fc.property(METHOD, TRADES, cuts, (method, trades, at) => {
        const whole = stateOf(foldTrades(method, trades));
        const bounds = [0, ...at.sort((one, other) => one - other), trades.length];
        let grouped = flatPosition(method);
        for (const [index, from] of bounds.entries()) {
          const group = trades.slice(from, bounds[index + 1]);
          grouped = positionFromJson(
            stateOf(applyTrades(grouped, group, enoughLots(grouped, trades.slice(0, from), group))),
          );
        }
        expect(stateOf(grouped)).toEqual(whole);
        const lots = new OpenLots();
        const one = trades.reduce((position, trade) => applyTrade(position, trade, lots), flatPosition(method));
        expect(stateOf(one)).toEqual(whole);
      }),
    );
  });

  it('after amendments and cancellations are those of the trades that are left', () => {
    const history = fc.record({ final: TRADE, earlier: fc.array(TRADE, { maxLength: 3 }), isCancelled: fc.boolean() });
    const histories = fc.uniqueArray(history, { selector: ({ final }) => final.tradeId, maxLength: 20 });
    fc.assert(
      fc.property(METHOD, histories, fc.infiniteStream(fc.nat()), (method, all, chance) => {
        const versions = all.flatMap(({ final, earlier, isCancelled }) => [
          ...earlier.map((trade, index) => ({ ...trade, tradeId: final.tradeId, version: index + 1 })),
          { ...final, version: 9, status: isCancelled ? ('CANCELLED' as const) : final.status },
        ]);
        const arrived = versions
          .map((trade) => ({ trade, order: chance.next().value }))
          .sort((one, other) => one.order - other.order)
          .map(({ trade }) => trade);
        const left = all.filter(({ isCancelled }) => !isCancelled).map(({ final }) => final);
        const expected = foldTrades(method, left.sort(compareTrades));
        expect(stateOf(foldTrades(method, currentTrades(arrived)))).toEqual(stateOf(expected));
      }),
    );
  });

  it('by FIFO have lots of one sign among their trades that sum to quantity and cost', () => {
    fc.assert(
      fc.property(TRADES, (trades) => {
        const position = foldTrades('FIFO', trades);
        const { quantity, cost } = position;
        const lots = lotsIn(position, trades);
        const sum = lots.reduce((total, lot) => total.plus(lot.quantity), ZERO);
        const paid = lots.reduce((total, lot) => total.plus(lot.quantity.times(lot.price)), ZERO);
        expect([String(sum), String(paid)]).toEqual([String(quantity), String(cost)]);
        for (const lot of lots) expect(lot.quantity.sign).toBe(quantity.sign);
      }),
    );
  });

  it('do not change when a trade is applied: a new one comes out', () => {
    for (const method of COST_METHODS) {
      const open = foldTrades(method, tradesFrom('T1 BUY 10 @ 40', 'T2 BUY 10 @ 50'));
      const before = stateOf(open);
      const lots = lotsAtHand(lotsIn(open, tradesFrom('T1 BUY 10 @ 40', 'T2 BUY 10 @ 50')));
      applyTrade(open, tradeFrom('T3 SELL 15 @ 60'), lots);
      expect(stateOf(open)).toEqual(before);
    }
  });

  it('round the share of cost once, to ten decimals, half away from zero, and leave the rest in the cost', () => {
    const stateAfter = (...lines: string[]) => stateOf(foldTrades('AVERAGE_COST', tradesFrom(...lines)));
    // 4,440 × 60 / 420 = 634.28571428571…, which is taken out, and 720 was received.
    const sevenths = stateAfter('T1 BUY 3 @ 10', 'T2 BUY 4 @ 11', 'T3 SELL 1 @ 12');
    expect(sevenths).toMatchObject({ cost: '3805.7142857143', realized: '85.7142857143' });
    const long = stateAfter('T1 BUY 1 @ 0.0000000001 x 1', 'T2 BUY 1 @ 0 x 1', 'T3 SELL 1 @ 0 x 1');
    expect(long).toMatchObject({ quantity: '1', cost: '0', realized: '-0.0000000001' });
    const short = stateAfter('T1 SELL 1 @ 0.0000000001 x 1', 'T2 SELL 1 @ 0 x 1', 'T3 BUY 1 @ 0 x 1');
    expect(short).toMatchObject({ quantity: '-1', cost: '0', realized: '0.0000000001' });
  });

  it('count their trades and remember the last', () => {
    const position = foldTrades('AVERAGE_COST', tradesFrom('T1 BUY 10 @ 40', 'T2 BUY 10 @ 50'));
    expect(position).toMatchObject({ trades: 2, last: { ts: 120_000, tradeId: 'T2' } });
    expect(flatPosition('FIFO')).toMatchObject({ trades: 0, last: null, oldest: null });
  });

  it('are plain text and numbers as JSON', () => {
    const state = (method: CostMethod) =>
      stateOf(foldTrades(method, tradesFrom('T1 BUY 10 @ 40.5', 'T2 SELL 4 @ 50 x 30')));
    const both = { quantity: '480', cost: '19440', realized: '1140', trades: 2, last: { ts: 120_000, tradeId: 'T2' } };
    expect(state('AVERAGE_COST')).toEqual({ method: 'AVERAGE_COST', ...both });
    expect(state('FIFO')).toEqual({
      method: 'FIFO',
      ...both,
      oldest: { ts: 60_000, tradeId: 'T1', quantity: '480' },
    });
  });
});

describe('what would count wrongly is refused', () => {
  const open = foldTrades('AVERAGE_COST', tradesFrom('T5 BUY 10 @ 40'));

  it.each([
    ['the last trade again', 'T5 BUY 10 @ 40'],
    ['an amendment of the last trade', 'T5 v2 BUY 8 @ 40'],
    ['an earlier trade', 'T4 BUY 10 @ 40'],
    ['a trade of the same instant and a smaller id', 'T4 at 5 BUY 10 @ 40'],
    ['a cancelled trade', 'T6 BUY 10 @ 40 CANCELLED'],
    ['a delivery of 0 MW', 'T6 BUY 0 @ 40'],
    ['a delivery of less than 0 MW', 'T6 BUY -1 @ 40'],
    ['a delivery of no length', 'T6 BUY 10 @ 40 x 0'],
  ])('%s', (_, line) => {
    expect(() => applyTrade(open, tradeFrom(line))).toThrow(RangeError);
  });

  it('by FIFO, more than the lots at hand, or as much where others lie behind them', () => {
    const trades = tradesFrom('T1 BUY 10 @ 40', 'T2 BUY 10 @ 50');
    const long = foldTrades('FIFO', trades);
    const [first] = lotsIn(long, trades);
    for (const [mw, lots] of [
      [5, []],
      [10, [first]],
      [15, [first]],
    ] as const) {
      const sale = tradeFrom(`T3 SELL ${mw} @ 60`);
      expect(() => applyTrade(long, sale, lotsAtHand(lots.flatMap((lot) => lot ?? [])))).toThrow(RangeError);
    }
  });
});

describe('exposure', () => {
  const long = foldTrades('AVERAGE_COST', tradesFrom('T1 BUY 12.5 @ 40'));
  const short = foldTrades('AVERAGE_COST', tradesFrom('T1 SELL 12 @ 40 x 5'));

  it('pnl01 is what a rise of 0.01 per MWh earns', () => {
    expect([pnl01(long), pnl01(short), pnl01(flatPosition('FIFO'))].map(String)).toEqual(['0.125', '-0.01', '0']);
  });

  it('pnl01 is the change of the total between two prices a cent apart', () => {
    fc.assert(
      fc.property(METHOD, TRADES, PRICE, (method, trades, price) => {
        const position = foldTrades(method, trades);
        const totalAt = (last: Decimal) => markPosition(position, last).total ?? ZERO;
        const change = totalAt(price.plus(decimalFrom('0.01'))).minus(totalAt(price));
        expect(Math.abs(change.minus(pnl01(position)).toNumber())).toBeLessThanOrEqual(2e-10);
      }),
    );
  });

  it('notional is position times last price, with both signs', () => {
    const price = (text: string) => decimalFrom(text);
    expect(String(notional(long, price('42')))).toBe('525');
    expect(String(notional(short, price('42')))).toBe('-42');
    expect(String(notional(long, price('-2')))).toBe('-25');
    expect(String(notional(short, price('-2')))).toBe('2');
  });

  it.each([
    ['40', { absolute: decimalFrom('-60.5') }, '-20.5'],
    ['40', { percent: decimalFrom('12.5') }, '45'],
    ['40', { percent: decimalFrom('-100') }, '0'],
    ['-20', { percent: decimalFrom('10') }, '-22'],
    ['0', { percent: decimalFrom('10') }, '0'],
  ])('a price of %s, shocked', (price, shock, expected) => {
    expect(String(shocked(decimalFrom(price), shock))).toBe(expected);
  });
});
