import { type Decimal, ZERO } from './money.ts';
import { compareTrades, mwMinutesOf, type Trade, type TradeKey } from './trade.ts';

/** What is open of a trade, by FIFO. */
export interface Lot extends TradeKey {
  /** MW·minutes, with the sign of the position. */
  readonly quantity: Decimal;
  readonly price: Decimal;
}

/** Where the open begins: a trade, and what is left of it. */
export type OldestLot = Omit<Lot, 'price'>;

/**
 * The lots of one position while trades are applied to it, oldest first.
 *
 * FIFO closes the oldest, so what is open are the newest trades of the position's side, from the oldest lot on: whoever has the
 * trades has the lots. Only as many need be **at hand** as are to be closed, and a position that has grown for years costs no more
 * than a young one.
 */
export class OpenLots {
  #lots: Lot[] = [];
  #first = 0;
  #held = ZERO;

  /** MW·minutes of what is at hand: as much as the position where that is all. */
  get held(): Decimal {
    return this.#held;
  }

  get oldest(): OldestLot | undefined {
    const lot = this.#lots[this.#first];
    return lot && { ts: lot.ts, tradeId: lot.tradeId, quantity: lot.quantity };
  }

  /** Of those at hand; others of the position may lie behind it. */
  get newest(): TradeKey | undefined {
    return this.#lots.length > this.#first ? this.#lots.at(-1) : undefined;
  }

  /** Brings one to hand, that lies next behind those that are. */
  add(lot: Lot): void {
    this.#lots.push(lot);
    this.#held = this.#held.plus(lot.quantity);
  }

  /**
   * Opens one beside what stands, which comes to hand where all of that is: behind others it lies with them.
   * @param standing MW·minutes.
   */
  open(lot: Lot, standing: Decimal): void {
    if (this.#held.minus(standing).sign === 0) this.add(lot);
  }

  /**
   * Closes so much of what stands, the oldest first.
   * @returns what it had cost.
   * @throws RangeError, as a programming error, where too few are at hand to say that, or where the rest begins.
   */
  close(quantity: Decimal, standing: Decimal): Decimal {
    let cost = ZERO;
    let left = quantity;
    while (left.sign !== 0) {
      const lot = this.#lots[this.#first];
      if (!lot) throw new RangeError('more is closed than there are lots at hand');
      const taken = smaller(lot.quantity, left);
      cost = cost.plus(taken.times(lot.price));
      left = left.minus(taken);
      const rest = lot.quantity.minus(taken);
      if (rest.sign === 0) this.#first += 1;
      else this.#lots[this.#first] = lotOf(lot, rest);
    }
    this.#held = this.#held.minus(quantity);
    const isAll = this.#first === this.#lots.length;
    if (quantity.sign !== 0 && isAll && standing.minus(quantity).sign !== 0) {
      throw new RangeError('as much is closed as there are lots at hand');
    }
    return cost;
  }

  /** Keeps so many at hand, the oldest. */
  trim(max: number): void {
    this.#lots = this.#lots.slice(this.#first, this.#first + max);
    this.#first = 0;
    this.#held = this.#lots.reduce((sum, { quantity }) => sum.plus(quantity), ZERO);
  }

  *[Symbol.iterator](): Iterator<Lot> {
    for (let at = this.#first; at < this.#lots.length; at++) yield this.#lots[at] as Lot;
  }
}

/** What is open of a trade. Name by name: a spread is several times slower, and this is done for every trade. */
export function lotOf({ ts, tradeId, price }: Omit<Lot, 'quantity'>, quantity: Decimal): Lot {
  return { ts, tradeId, quantity, price };
}

/** What is open of trades of a position's side, in their order. @param oldest none of them lies before it. */
export function* lotsOf(oldest: OldestLot, trades: Iterable<Trade>): Generator<Lot> {
  for (const trade of trades) {
    yield lotOf(trade, compareTrades(trade, oldest) === 0 ? oldest.quantity : mwMinutesOf(trade));
  }
}

/** The one nearer to zero of two of the same sign. */
function smaller(one: Decimal, other: Decimal): Decimal {
  return one.minus(other).sign === one.sign ? other : one;
}
