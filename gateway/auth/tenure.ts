import type { BusbarError } from '../../domain/errors.ts';

/**
 * How long what was begun under certain rights may go on: until it is over, once, with the reason. Streams listen to it. (An
 * AbortSignal would warn of every eleventh.)
 */
export class Tenure {
  readonly #listeners = new Set<(reason: BusbarError) => void>();
  #reason: BusbarError | undefined;

  /** Undefined: it goes on. */
  get over(): BusbarError | undefined {
    return this.#reason;
  }

  /** @param listener called once; at once where it is over already. @returns stops listening. */
  whenOver(listener: (reason: BusbarError) => void): () => void {
    if (this.#reason) listener(this.#reason);
    else this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  end(reason: BusbarError): void {
    if (this.#reason) return;
    this.#reason = reason;
    for (const listener of this.#listeners) listener(reason);
    this.#listeners.clear();
  }
}
