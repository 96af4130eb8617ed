import { type Price, type Prices, priceKey, priceText } from './price-series.ts';

export interface LiveVerdict {
  /** Different prices, by node, start and revision. */
  readonly ticks: number;
  readonly twice: number;
  /** Stored, and not announced. */
  readonly missing: number;
  /** Announced, and not what is stored. */
  readonly unfounded: number;
}

export interface Tick extends Price {
  readonly node: string;
  /** Milliseconds UTC. */
  readonly startAt: number;
  readonly revision: number;
}

/** What somebody saw live, to be compared with what is stored. */
export class LiveRecord {
  readonly #seen = new Map<string, { price: string; times: number }>();

  add(tick: Tick): void {
    const key = priceKey(tick.node, tick.startAt, tick.revision);
    const price = priceText(tick);
    const seen = this.#seen.get(key);
    if (!seen) return void this.#seen.set(key, { price, times: 1 });
    seen.times += 1;
    if (seen.price !== price) seen.price = 'two prices';
  }

  get ticks(): number {
    return this.#seen.size;
  }

  compare(stored: Prices): LiveVerdict {
    let [twice, unfounded] = [0, 0];
    for (const [key, { price, times }] of this.#seen) {
      if (times > 1) twice += 1;
      if (stored.get(key) !== price) unfounded += 1;
    }
    let missing = 0;
    for (const key of stored.keys()) if (!this.#seen.has(key)) missing += 1;
    return { ticks: this.ticks, twice, missing, unfounded };
  }
}
