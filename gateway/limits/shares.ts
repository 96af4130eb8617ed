import { BusbarError } from '../../domain/errors.ts';
import { OPEN_IDENTITY } from '../auth/identity.ts';

/**
 * How many each identity has of what there is only so much of, so that nobody has all of it. Where the gateway is open all are one
 * identity, and none of them is counted.
 */
export class Shares {
  readonly max: number;
  readonly #taken = new Map<string, number>();

  /** @param max of one identity. */
  constructor(max: number) {
    this.max = max;
  }

  /** @returns what gives them back, once however often it is called; undefined where an identity would have more than it may. */
  take(subject: string, count = 1): (() => void) | undefined {
    const taken = (this.#taken.get(subject) ?? 0) + count;
    if (taken > this.max && subject !== OPEN_IDENTITY.subject) return undefined;
    this.#taken.set(subject, taken);
    let isLeft = false;
    return () => {
      if (isLeft) return;
      isLeft = true;
      this.#giveBack(subject, count);
    };
  }

  #giveBack(subject: string, count: number): void {
    const left = (this.#taken.get(subject) ?? count) - count;
    if (left > 0) this.#taken.set(subject, left);
    else this.#taken.delete(subject);
  }
}

/** Of what is under way: one that ends makes room. */
const RETRY_AFTER_SECONDS = 5;

/** The refusal of one more. @param limit its name, as counted among refusals. @param what in the plural, for people. */
export function beyondShare(limit: string, max: number, what: string): BusbarError {
  return new BusbarError(
    'RATE_LIMITED',
    `${max} ${what} of yours are under way, which is all you may have: end one first`,
    {
      details: { limit, max, retryAfterSeconds: RETRY_AFTER_SECONDS },
    },
  );
}
