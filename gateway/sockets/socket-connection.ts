import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import { BusbarError, isBusbarError } from '../../domain/errors.ts';
import type { Metrics } from '../../runtime/metrics.ts';
import type { Renewal } from '../../schema/context.ts';
import type { DenialNotes } from '../audit/notes.ts';
import type { Authenticator } from '../auth/authenticator.ts';
import { Session, type SessionEnd } from '../auth/session.ts';
import type { Tenure } from '../auth/tenure.ts';
import { admit, callerOf } from '../caller.ts';
import type { SocketCensus } from './socket-census.ts';
import type { SocketLimits } from './socket-limits.ts';

/** Who they are was not proved, or no longer is. */
const UNAUTHENTICATED = 4401;
/** Said nothing in time; of graphql-ws' protocol. */
const INIT_TIMEOUT = 4408;
/** Of WebSocket's own, as the next. */
const TOO_MUCH = 1009;
/** Come back later. */
const TRY_AGAIN_LATER = 1013;

/** What a socket may send before it is let in, in however many frames: twice the longest credential. */
const UNADMITTED_BYTES_MAX = 32 * 1024;
/** How long the other end may take to answer a close. */
const CLOSE_MS_MAX = 2_000;
/** How long streams may take to say how they ended before their socket is closed. */
const LAST_WORDS_MS_MAX = 1_000;
const FAILED_RENEWALS_MAX = 5;

export interface SocketConnectionOptions {
  readonly socket: WebSocket;
  /** The connection below it. */
  readonly wire: Duplex;
  /** The one that opened it. */
  readonly request: IncomingMessage;
  readonly authenticator: Authenticator;
  readonly denied: DenialNotes;
  readonly census: SocketCensus;
  readonly limits: SocketLimits;
  readonly metrics: Metrics;
  /** Milliseconds UTC. */
  readonly clock: () => number;
}

/**
 * One WebSocket and the identity it goes by.
 *
 * States: silent → admitted → ending (its streams say how they ended) → closed. It ends when its identity does, when it says nothing
 * in time or anything else at length, and when it tries too often to renew what cannot be renewed.
 */
export class SocketConnection implements Renewal {
  readonly #options: SocketConnectionOptions;
  readonly #initTimer: NodeJS.Timeout;
  #session: Session | undefined;
  #renewing: Promise<unknown> = Promise.resolve();
  #failedRenewals = 0;
  #streams = 0;
  #unadmittedBytes = 0;
  #ending: (() => void) | undefined;

  constructor(options: SocketConnectionOptions) {
    this.#options = options;
    const { socket, wire, census, limits } = options;
    census.arrive(socket);
    wire.on('data', this.#countUnadmitted);
    this.#initTimer = setTimeout(() => this.#shut(INIT_TIMEOUT, 'nobody said who this is', 'silent'), limits.initMs);
    socket.once('close', () => {
      clearTimeout(this.#initTimer);
      this.#session?.close();
      census.leave(socket);
    });
  }

  /** Of the rights it has now. */
  get tenure(): Tenure | undefined {
    return this.#session?.tenure;
  }

  /** Why nothing new is done for it: its session has ended, or it is closing, which the other end need not agree to. */
  get over(): BusbarError | undefined {
    const { socket } = this.#options;
    if (this.tenure?.over) return this.tenure.over;
    return socket.readyState === socket.OPEN ? undefined : new BusbarError('UNAVAILABLE', 'the connection is closing');
  }

  /**
   * Lets it in under the identity that this proves.
   * @returns what is said in the acknowledgement; false where it was closed.
   */
  async admit(authorization: string | undefined): Promise<Record<string, unknown> | false> {
    clearTimeout(this.#initTimer);
    const { socket, wire, request, authenticator, denied, census, metrics, clock, limits } = this.#options;
    try {
      const identity = await authenticator.identify(authorization);
      if (socket.readyState !== socket.OPEN) return false;
      const full = census.admit(socket, identity.subject);
      if (full) return this.#refuse(TRY_AGAIN_LATER, FULL[full], full);
      wire.off('data', this.#countUnadmitted);
      admit(request, identity);
      this.#session = new Session({
        authenticator,
        identity,
        clock,
        warningMs: limits.warningMs,
        onWarning: (expiresAt) => this.#warn(expiresAt),
        onRescheduled: (expiresAt) => admit(request, { ...callerOf(request).identity, expiresAt }),
        onEnded: (end) => this.#end(end),
      });
      return { ...expiry(identity) };
    } catch (error) {
      denied.unknown(request, error);
      if (isBusbarError(error, 'UNAUTHENTICATED')) return this.#refuse(UNAUTHENTICATED, error.message, 'credential');
      if (isBusbarError(error)) return this.#refuse(TRY_AGAIN_LATER, error.message, 'unavailable');
      metrics.socketsRefused.inc({ reason: 'unavailable' });
      throw error;
    }
  }

  /** One after the other, so that the last one shown is the one that counts. */
  renew(authorization: string): Promise<{ expiresAt: number | undefined }> {
    const renewed = this.#renewing.then(() => this.#renew(authorization));
    this.#renewing = renewed.catch(() => undefined);
    return renewed;
  }

  /** Counts a stream, which is waited for when the connection ends. @returns to be called when it has ended. */
  began(): () => void {
    this.#streams++;
    let over = false;
    return () => {
      if (over) return;
      over = true;
      this.#streams--;
      if (this.#streams === 0) this.#ending?.();
    };
  }

  async #renew(authorization: string): Promise<{ expiresAt: number | undefined }> {
    const { authenticator, request, metrics } = this.#options;
    try {
      const identity = await authenticator.identify(authorization);
      if (!this.#session) throw new TypeError('who was not admitted cannot renew');
      const changed = this.#session.renew(identity);
      admit(request, identity);
      this.#failedRenewals = 0;
      metrics.sessionRenewals.inc({ outcome: changed ? 'changed' : 'renewed' });
      return { expiresAt: identity.expiresAt };
    } catch (error) {
      metrics.sessionRenewals.inc({ outcome: 'refused' });
      if (!isBusbarError(error, 'UNAVAILABLE') && ++this.#failedRenewals >= FAILED_RENEWALS_MAX) {
        setImmediate(() => this.#shut(UNAUTHENTICATED, 'too many renewals failed', 'renewals'));
      }
      throw error;
    }
  }

  /** Of a message that is not whole yet, all is kept: of nobody in particular, that would be a megabyte for each socket. */
  readonly #countUnadmitted = (data: Buffer): void => {
    this.#unadmittedBytes += data.length;
    if (this.#unadmittedBytes <= UNADMITTED_BYTES_MAX) return;
    this.#shut(TOO_MUCH, 'too much was sent before it was said who this is', 'message');
    this.#options.socket.terminate();
  };

  /** A ping of graphql-ws, which every client answers by itself and can look into. */
  #warn(expiresAt: number): void {
    const payload = { expiresAt: new Date(expiresAt).toISOString() };
    this.#options.socket.send(JSON.stringify({ type: 'ping', payload }), () => undefined);
  }

  #end({ why, error }: SessionEnd): void {
    // Clients take 4401 for final, and their credential may be good.
    const code = why === 'unconfirmed' ? TRY_AGAIN_LATER : UNAUTHENTICATED;
    const shut = () => this.#shut(code, error.message, why);
    // Behind the last frame and its completion, which are sent within this turn of the loop.
    this.#ending = () => setImmediate(shut);
    if (this.#streams === 0) this.#ending();
    else setTimeout(shut, LAST_WORDS_MS_MAX).unref();
  }

  #refuse(code: number, message: string, reason: string): false {
    this.#options.metrics.socketsRefused.inc({ reason });
    closeSocket(this.#options.socket, code, message);
    return false;
  }

  #shut(code: number, message: string, reason: string): void {
    const { socket, metrics } = this.#options;
    if (socket.readyState !== socket.OPEN) return;
    metrics.socketsClosed.inc({ reason });
    closeSocket(socket, code, message);
  }
}

/** Closes it, and cuts it where the other end does not agree in time. */
export function closeSocket(socket: WebSocket, code: number, message: string): void {
  socket.close(code, reasonFrom(message));
  const cut = setTimeout(() => socket.terminate(), CLOSE_MS_MAX);
  socket.once('close', () => clearTimeout(cut));
}

const REASON_BYTES_MAX = 123;

/** A frame that closes has room for so many bytes. */
function reasonFrom(message: string): string {
  let reason = message;
  while (Buffer.byteLength(reason) > REASON_BYTES_MAX) reason = reason.slice(0, -1);
  return reason;
}

function expiry({ expiresAt }: { readonly expiresAt: number | undefined }): { readonly expiresAt?: string } {
  return expiresAt === undefined ? {} : { expiresAt: new Date(expiresAt).toISOString() };
}

const FULL = {
  full: 'as many sockets are open as there may be: come back later',
  identity: 'as many sockets of yours are open as there may be: come back later',
} as const;
