import { markableStarts, type RunPrice } from '../../domain/mark-price.ts';

/** Two days of hours, 49 where clocks are set back. */
export const PRICES_AHEAD_MAX = 50;

/**
 * Prices of one node and run until they may mark: hours of tomorrow, ticks of a clock that is fast, and what has just come.
 *
 * Of more than it may keep it keeps the earliest, since these are needed first, and takes none behind them. Where those it kept are
 * spent, it has to be told once more what lies ahead; of an answer that is longer than it may keep it remembers that, whatever
 * came and became due meanwhile, since an answer is kept whole before anything is taken.
 */
export class PricesAhead {
  readonly #onShort: () => void;
  /** By start, at most one each. */
  readonly #prices: RunPrice[] = [];
  /** Whether there are more behind them. */
  #isCut = false;

  /** @param onShort called where all that it kept are spent, and there are more. What comes from there on is kept again. */
  constructor(onShort: () => void) {
    this.#onShort = onShort;
  }

  keep(price: RunPrice): void {
    const prices = this.#prices;
    const place = prices.findLastIndex(({ startAt }) => startAt <= price.startAt);
    const known = prices[place];
    if (known?.startAt === price.startAt) {
      if (price.revision > known.revision) prices[place] = price;
    } else if (!this.#isCut || place < prices.length - 1) {
      prices.splice(place + 1, 0, price);
      if (prices.length > PRICES_AHEAD_MAX) this.#cut();
    }
  }

  /** Lets go of those that may mark by now. @returns the newest of them. */
  takeDue(now: number): RunPrice | undefined {
    const { upTo } = markableStarts(now);
    const [first] = this.#prices;
    if (!first || first.startAt > upTo) return undefined;
    const due = this.#prices.findLastIndex(({ startAt }) => startAt <= upTo) + 1;
    const newest = this.#prices.splice(0, due).at(-1);
    if (this.#isCut && this.#prices.length === 0) {
      this.#isCut = false;
      this.#onShort();
    }
    return newest;
  }

  #cut(): void {
    this.#prices.length = PRICES_AHEAD_MAX;
    this.#isCut = true;
  }
}
