import type { Metrics } from '../../runtime/metrics.ts';
import type { Shares } from '../limits/shares.ts';
import type { SocketLimits } from './socket-limits.ts';

/** What the census needs of a socket. */
export interface Countable {
  terminate(): void;
}

/**
 * Which sockets there are.
 *
 * States of one: silent (opened, and has not said who it is) → admitted → gone. Of the silent ones there may be so many, and one more
 * takes the place of the oldest: whoever means it says who it is at once, and so is let in however many others say nothing.
 */
export class SocketCensus {
  readonly #limits: SocketLimits;
  readonly #shares: Shares;
  readonly #metrics: Metrics;
  readonly #silent = new Set<Countable>();
  /** With what gives the place of each back. */
  readonly #admitted = new Map<Countable, () => void>();

  /** @param shares of identities, in which event streams count too. */
  constructor(limits: SocketLimits, shares: Shares, metrics: Metrics) {
    this.#limits = limits;
    this.#shares = shares;
    this.#metrics = metrics;
  }

  arrive(socket: Countable): void {
    if (this.#silent.size >= this.#limits.silentMax) this.#dropOldest();
    this.#silent.add(socket);
    this.#metrics.sockets.inc();
  }

  /** @returns why there is no place for it; undefined: it is counted. */
  admit(socket: Countable, subject: string): 'full' | 'identity' | undefined {
    if (this.#admitted.size >= this.#limits.socketsMax) return 'full';
    const giveBack = this.#shares.take(subject);
    if (!giveBack) return 'identity';
    this.#silent.delete(socket);
    this.#admitted.set(socket, giveBack);
    return undefined;
  }

  leave(socket: Countable): void {
    this.#silent.delete(socket);
    this.#metrics.sockets.dec();
    this.#admitted.get(socket)?.();
    this.#admitted.delete(socket);
  }

  #dropOldest(): void {
    const [oldest] = this.#silent;
    if (!oldest) return;
    this.#silent.delete(oldest);
    this.#metrics.socketsClosed.inc({ reason: 'crowded' });
    oldest.terminate();
  }
}
