import { beyondShare, Shares } from '../limits/shares.ts';

/** How many different things each identity has, however often it has the same one. */
export class DistinctShares {
  readonly #shares: Shares;
  readonly #limit: string;
  readonly #what: string;
  readonly #held = new Map<string, { times: number; readonly giveBack: () => void }>();

  /** @param limit its name, as counted among refusals. @param what in the plural, for people. */
  constructor(limit: string, max: number, what: string) {
    this.#limit = limit;
    this.#shares = new Shares(max);
    this.#what = what;
  }

  /** @returns what gives it back, to be called once. @throws BusbarError `RATE_LIMITED` where an identity has as many others as it may. */
  take(subject: string, thing: string): () => void {
    const key = JSON.stringify([subject, thing]);
    const held = this.#held.get(key) ?? { times: 0, giveBack: this.#placeOf(subject) };
    held.times++;
    this.#held.set(key, held);
    return () => {
      if (--held.times > 0) return;
      this.#held.delete(key);
      held.giveBack();
    };
  }

  #placeOf(subject: string): () => void {
    const giveBack = this.#shares.take(subject);
    if (!giveBack) throw beyondShare(this.#limit, this.#shares.max, this.#what);
    return giveBack;
  }
}
