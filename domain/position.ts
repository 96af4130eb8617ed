import { Decimal, decimalFrom, ZERO } from './money.ts';
import { lotOf, type OldestLot, OpenLots } from './open-lots.ts';
import { compareTrades, mwMinutesOf, type Trade, type TradeKey } from './trade.ts';

/**
 * What trades of one account at one node come to (RULES 9).
 *
 * Quantities net in MW·minutes, whatever the length of the deliveries; money is counted in price × MW·minutes, sixty
 * times the currency, and divided by sixty only in what is shown: hours of 5 minutes and days of 23 or 25 hours net
 * without a rounding.
 *
 * `realized − cost` is at every moment exactly what was earned by selling less what was paid for buying. So the two
 * methods differ in what they call realised, never in the total.
 *
 * As JSON it is plain text and numbers; `positionFromJson` reads it back.
 */
export interface Position {
  readonly method: CostMethod;
  /** Net MW·minutes: positive is long, negative is short. */
  readonly quantity: Decimal;
  /** Price × MW·minutes of what is open, with the sign of the quantity; exactly 0 where flat. */
  readonly cost: Decimal;
  /** Price × MW·minutes earned by what was closed. */
  readonly realized: Decimal;
  /** FIFO only: where the open begins; null where flat. What else is open are the later trades of its side, see `OpenLots`. */
  readonly oldest?: OldestLot | null;
  /** How many trades it is made of. */
  readonly trades: number;
  /** The last of them: only a later trade can be applied, anything else asks for a fold of all. */
  readonly last: TradeKey | null;
}

export const COST_METHODS = ['AVERAGE_COST', 'FIFO'] as const;

/** How a reduction finds what the closed part had cost: at the average of the open, or oldest first. */
export type CostMethod = (typeof COST_METHODS)[number];

/** What a position comes to at whatever price. Rounded decimals; money in the market's currency. */
export interface Holding {
  /** Net MW over one hour of delivery, in other words MWh. */
  readonly positionMw: Decimal;
  /** Per MWh; 0 where flat. */
  readonly avgPrice: Decimal;
  readonly realized: Decimal;
}

/** What a position is worth at a price. */
export interface Mark extends Holding {
  /** null where the position is open and there is no price; 0 where flat, price or not. */
  readonly unrealized: Decimal | null;
  /** realized + unrealized, exactly. */
  readonly total: Decimal | null;
}

/** A move of the price, for what-if: by an amount per MWh, or by percent of the price. */
export type Shock = { readonly absolute: Decimal } | { readonly percent: Decimal };

const MINUTES = new Decimal(60n, 0);
const MINUTES_PER_CENT = new Decimal(6_000n, 0);
const PER_CENT = new Decimal(1n, 2);

/** The position of an account that never traded. */
export function flatPosition(method: CostMethod): Position {
  const nothing = { quantity: ZERO, cost: ZERO, realized: ZERO, trades: 0, last: null };
  return method === 'FIFO' ? { method, ...nothing, oldest: null } : { method, ...nothing };
}

/** One after the other in their order, as `currentTrades` gives them. @throws RangeError as `applyTrades` does. */
export function foldTrades(method: CostMethod, trades: Iterable<Trade>): Position {
  return applyTrades(flatPosition(method), trades);
}

/** @throws RangeError as `applyTrades` does. */
export function applyTrade(position: Position, trade: Trade, lots?: OpenLots): Position {
  return applyTrades(position, [trade], lots);
}

/**
 * Adding re-averages or opens a lot, reducing realises, crossing zero closes the whole and opens the rest at the trade's
 * price. 900,000 trades a second by average cost, two thirds of that by FIFO.
 * @param lots of a position by FIFO, as they are before the trades; they are changed. More must be at hand than the trades close
 *   (`mostClosedBy`), or all there are: of a flat position none.
 * @throws RangeError, as a programming error, where a trade does not come after the last one, is cancelled, or delivers
 *   nothing: it would count twice, or in an order that a fold of all would not repeat; where too few lots are at hand.
 */
export function applyTrades(position: Position, trades: Iterable<Trade>, lots = new OpenLots()): Position {
  const fifo = position.method === 'FIFO' ? lots : undefined;
  let { quantity, cost, realized, trades: count, last } = position;
  for (const trade of trades) {
    assertNext(trade, last);
    const traded = mwMinutesOf(trade);
    const closed = closedBy(traded, quantity);
    const opened = traded.plus(closed);
    const share = fifo ? fifo.close(closed, quantity) : shareOf(cost, closed, quantity);
    if (opened.sign !== 0) fifo?.open(lotOf(trade, opened), quantity.minus(closed));
    realized = realized.plus(closed.times(trade.price)).minus(share);
    cost = cost.minus(share).plus(opened.times(trade.price));
    quantity = quantity.plus(traded);
    count += 1;
    last = trade;
  }
  const state = { method: position.method, quantity, cost, realized, trades: count, last: last && keyOf(last) };
  if (!fifo) return state;
  return { ...state, oldest: quantity.sign === 0 ? null : (fifo.oldest ?? position.oldest ?? null) };
}

/** The most that trades may close of what stands, MW·minutes without a sign. */
export function mostClosedBy(trades: Iterable<Trade>, { quantity }: Position): Decimal {
  let sum = ZERO;
  for (const trade of trades) {
    const traded = mwMinutesOf(trade);
    if (traded.sign * quantity.sign < 0) sum = sum.plus(traded);
  }
  return sum.abs();
}

/**
 * Total and realised are rounded once each, and unrealised is their difference: so the parts always sum, and both methods
 * show the same total.
 * @param lastPrice per MWh; null where the node has no price yet.
 * @param holding of the position, for whoever marks it more than once.
 */
export function markPosition(position: Position, lastPrice: Decimal | null, holding = holdingOf(position)): Mark {
  const { quantity, cost } = position;
  const price = quantity.sign === 0 ? ZERO : lastPrice;
  if (price === null) return { ...holding, unrealized: null, total: null };
  const total = position.realized.plus(quantity.times(price)).minus(cost).over(MINUTES);
  return { ...holding, unrealized: total.minus(holding.realized), total };
}

export function holdingOf({ quantity, cost, realized }: Position): Holding {
  return {
    positionMw: quantity.over(MINUTES),
    avgPrice: quantity.sign === 0 ? ZERO : cost.over(quantity),
    realized: realized.over(MINUTES),
  };
}

/** What the position gains where the price rises by 0.01 per MWh: negative for a short one. */
export function pnl01({ quantity }: Position): Decimal {
  return quantity.over(MINUTES_PER_CENT);
}

/** Position × last price, in currency: negative for a short position, or for a long one at a negative price. */
export function notional({ quantity }: Position, lastPrice: Decimal): Decimal {
  return quantity.times(lastPrice).over(MINUTES);
}

/** Exact. Ten percent of −20 is −2: a percentage moves a negative price away from zero, as it does a positive one. */
export function shocked(price: Decimal, shock: Shock): Decimal {
  if ('absolute' in shock) return price.plus(shock.absolute);
  return price.plus(price.times(shock.percent).times(PER_CENT));
}

/** A position as JSON gives it back: decimals as text. */
export type PositionJson = Plain<Position>;

type Plain<T> = T extends Decimal
  ? string
  : T extends readonly (infer Each)[]
    ? readonly Plain<Each>[]
    : T extends object
      ? { readonly [Key in keyof T]: Plain<T[Key]> }
      : T;

/** @throws TypeError where a decimal of it is none. */
export function positionFromJson({ method, quantity, cost, realized, oldest, trades, last }: PositionJson): Position {
  return {
    method,
    quantity: decimalFrom(quantity),
    cost: decimalFrom(cost),
    realized: decimalFrom(realized),
    ...(oldest !== undefined && { oldest: oldest && { ...oldest, quantity: decimalFrom(oldest.quantity) } }),
    trades,
    last,
  };
}

function keyOf({ ts, tradeId }: TradeKey): TradeKey {
  return { ts, tradeId };
}

function assertNext(trade: Trade, last: TradeKey | null): void {
  const { tradeId, status, mw, minutes } = trade;
  if (status !== 'ACTIVE') throw new RangeError(`trade ${tradeId} is cancelled`);
  if (mw.sign <= 0 || minutes <= 0) throw new RangeError(`trade ${tradeId} delivers nothing`);
  if (last && compareTrades(trade, last) <= 0) {
    throw new RangeError(`trade ${tradeId} does not come after ${last.tradeId}`);
  }
}

/** What a trade closes of the quantity, with the quantity's sign: all of it where the trade crosses zero. */
function closedBy(traded: Decimal, quantity: Decimal): Decimal {
  if (traded.sign * quantity.sign >= 0) return ZERO;
  const rest = quantity.plus(traded);
  return rest.sign === quantity.sign ? traded.negated() : quantity;
}

/** What the closed part had cost on average. Only this rounds, and what it leaves stays in the cost: none is lost. */
function shareOf(cost: Decimal, closed: Decimal, quantity: Decimal): Decimal {
  if (closed.sign === 0) return ZERO;
  return closed === quantity ? cost : cost.times(closed).over(quantity);
}
