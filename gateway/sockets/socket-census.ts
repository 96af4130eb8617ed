import type { Metrics } from '../../runtime/metrics.ts';
import { OPEN_IDENTITY } from '../auth/identity.ts';
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
  readonly #metrics: Metrics;
  readonly #silent = new Set<Countable>();
  readonly #subjects = new Map<Countable, string>();
  readonly #counts = new Map<string, number>();

  constructor(limits: SocketLimits, metrics: Metrics) {
    this.#limits = limits;
    this.#metrics = metrics;
  }

  arrive(socket: Countable): void {
    if (this.#silent.size >= this.#limits.silentMax) this.#dropOldest();
    this.#silent.add(socket);
    this.#metrics.sockets.inc();
  }

  /** @returns why there is no place for it; undefined: it is counted. */
  admit(socket: Countable, subject: string): 'full' | 'identity' | undefined {
    const { socketsMax, perIdentityMax } = this.#limits;
    const count = this.#counts.get(subject) ?? 0;
    if (this.#subjects.size >= socketsMax) return 'full';
    if (count >= perIdentityMax && subject !== OPEN_IDENTITY.subject) return 'identity';
    this.#silent.delete(socket);
    this.#subjects.set(socket, subject);
    this.#counts.set(subject, count + 1);
    return undefined;
  }

  leave(socket: Countable): void {
    this.#silent.delete(socket);
    this.#metrics.sockets.dec();
    const subject = this.#subjects.get(socket);
    if (subject === undefined) return;
    this.#subjects.delete(socket);
    const left = (this.#counts.get(subject) ?? 1) - 1;
    if (left > 0) this.#counts.set(subject, left);
    else this.#counts.delete(subject);
  }

  #dropOldest(): void {
    const [oldest] = this.#silent;
    if (!oldest) return;
    this.#silent.delete(oldest);
    this.#metrics.socketsClosed.inc({ reason: 'crowded' });
    oldest.terminate();
  }
}
