import { BusbarError } from '../../domain/errors.ts';
import { rightsKey } from '../../domain/rights.ts';
import type { Authenticator } from './authenticator.ts';
import type { Identity } from './identity.ts';
import { refusal } from './refusal.ts';
import { Tenure } from './tenure.ts';

/** The clock may be set while a timer runs, and no timer runs longer than 24 days. */
const TIMER_MS_MAX = 60_000;

export interface SessionOptions {
  readonly authenticator: Authenticator;
  readonly identity: Identity;
  /** Milliseconds UTC. */
  readonly clock: () => number;
  /** How long before its end an identity's owner is told. */
  readonly warningMs?: number;
  /** Once for each time that it is to end; at once where that is within the warning. */
  readonly onWarning?: (expiresAt: number) => void;
  /** Where the identity is to end at another time than it said. */
  readonly onRescheduled?: (expiresAt: number | undefined) => void;
  /** Called once: nobody may go on in this name. */
  readonly onEnded: (end: SessionEnd) => void;
}

export interface SessionEnd {
  /** Unconfirmed: it could not be checked for too long, and may be good. */
  readonly why: 'expired' | 'revoked' | 'unconfirmed';
  /** What streams end with: `UNAUTHENTICATED`; `UNAVAILABLE` where it is unconfirmed. */
  readonly error: BusbarError;
}

/**
 * The life of an identity on a connection that outlives one answer.
 *
 * States: standing → warned → ended, and from the first two back to standing by `renew`, and where its end is moved. It ends when
 * the identity expires, is revoked or cannot be confirmed; `close` ends it without a word, because its connection did.
 */
export class Session {
  readonly #options: SessionOptions;
  #identity: Identity;
  #expiresAt: number | undefined;
  #tenure = new Tenure();
  #timer: NodeJS.Timeout | undefined;
  #unwatch: () => void = () => undefined;
  #warned = false;
  #closed = false;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#identity = options.identity;
    this.#attend();
  }

  get identity(): Identity {
    return this.#identity;
  }

  /** Of the rights it has now: over when they are no longer its own. */
  get tenure(): Tenure {
    return this.#tenure;
  }

  /**
   * Goes on under another credential of the same holder.
   * @returns whether its rights are others now: then what was begun under the old ones is over, with `FORBIDDEN`.
   * @throws BusbarError `FORBIDDEN` for another holder; where it has ended meanwhile, what it ended with.
   */
  renew(identity: Identity): boolean {
    if (this.#closed) throw this.#tenure.over ?? new BusbarError('UNAUTHENTICATED', 'the connection has ended');
    if (holderOf(identity) !== holderOf(this.#identity)) {
      throw new BusbarError(
        'FORBIDDEN',
        'a session is renewed by whom it is of; others open a connection of their own',
      );
    }
    const changed = rightsKey(identity.rights) !== rightsKey(this.#identity.rights);
    const before = this.#tenure;
    if (changed) this.#tenure = new Tenure();
    this.#identity = identity;
    this.#attend();
    if (changed) before.end(new BusbarError('FORBIDDEN', 'the rights have changed: subscribe again with those of now'));
    return changed;
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#unwatch();
  }

  #attend(): void {
    this.#unwatch();
    const watched = this.#identity;
    // One that was renewed since is no longer of interest.
    const ended = (error: BusbarError) => {
      if (watched === this.#identity) this.#end(error.code === 'UNAVAILABLE' ? 'unconfirmed' : 'revoked', error);
    };
    const rescheduled = (expiresAt: number | undefined) => {
      if (watched !== this.#identity) return;
      this.#options.onRescheduled?.(expiresAt);
      this.#expectEnd(expiresAt);
    };
    this.#unwatch = this.#options.authenticator.watch(watched, ended, rescheduled);
    // What is revoked already may say so before it could be told not to.
    if (this.#closed) this.#unwatch();
    else this.#expectEnd(watched.expiresAt);
  }

  #expectEnd(expiresAt: number | undefined): void {
    this.#expiresAt = expiresAt;
    this.#warned = false;
    this.#look();
  }

  #look(): void {
    clearTimeout(this.#timer);
    const { clock, warningMs = 0, onWarning } = this.#options;
    const expiresAt = this.#expiresAt;
    if (expiresAt === undefined || this.#closed) return;
    const leftMs = expiresAt - clock();
    if (leftMs <= 0) {
      this.#end('expired', refusal('the credential has expired'));
      return;
    }
    if (leftMs <= warningMs && !this.#warned) {
      this.#warned = true;
      onWarning?.(expiresAt);
    }
    const untilNextMs = this.#warned ? leftMs : leftMs - warningMs;
    this.#timer = setTimeout(() => this.#look(), Math.min(untilNextMs, TIMER_MS_MAX));
  }

  #end(why: SessionEnd['why'], error: BusbarError): void {
    if (this.#closed) return;
    this.close();
    this.#tenure.end(error);
    this.#options.onEnded({ why, error });
  }
}

function holderOf({ holder, subject }: Identity): string {
  return holder ?? subject;
}
