import { BACKOFF, type Backoff } from './backoff.ts';
import { type Authorization, Credential } from './credential.ts';
import { post } from './http.ts';
import { createLiveSocket, HEARTBEAT, type Heartbeat, type WebSocketConstructor } from './live-socket.ts';
import type { Given, Operation } from './operation.ts';
import type { RequestError } from './request-error.ts';
import { resumable } from './subscription.ts';

const TIMEOUT_MS = 30_000;
const FRAMES_MAX = 1_000;

type Headers = Readonly<Record<string, string>>;

export interface ClientOptions {
  /** The gateway's endpoint, `http://…/graphql`. Subscriptions go to the same with `ws:`. */
  readonly url: string;
  /**
   * What the gateway is shown: `Bearer <API key or token>`. A function is asked for it when one is needed, and again with
   * `fresh` where the last is refused or about to end: it is then not to give that one again. A refusal is final only after a fresh one
   * was refused too.
   */
  readonly authorization?: Authorization;
  /** Further ones, of queries; asked for before each where it is a function. */
  readonly headers?: Headers | (() => Headers | Promise<Headers>);
  readonly fetch?: typeof globalThis.fetch;
  /** Where there is no global one (Node 20): that of `ws`. */
  readonly webSocketImpl?: WebSocketConstructor;
  readonly backoff?: Partial<Backoff>;
  readonly heartbeat?: Partial<Heartbeat>;
  /** Milliseconds, from any beginning, never backwards. */
  readonly clock?: () => number;
}

export interface QueryOptions {
  readonly signal?: AbortSignal;
  /** Until the whole answer is there; 30 seconds by default. */
  readonly timeoutMs?: number;
}

export interface SubscribeOptions {
  /** Ends the iteration, without an error. */
  readonly signal?: AbortSignal;
  /**
   * What to do where the gateway no longer keeps what came after the cursor: end with `CURSOR_EXPIRED` (the default), or
   * begin anew with what comes now. `onInterrupted` is then told of the gap.
   */
  readonly onCursorExpired?: 'throw' | 'restart';
  /**
   * Updates that may wait for the consumer, 1,000 by default. WebSockets cannot slow the gateway down for one
   * subscription, so whoever falls further behind is ended with `LIMIT_EXCEEDED` and the cursor to go on from.
   */
  readonly framesMax?: number;
  /** Told why a connection or stream ended, before it is resumed. */
  readonly onInterrupted?: (error: RequestError) => void;
}

export interface Client {
  /**
   * A query or mutation over POST. Never sent twice, but where its credential was refused, before anything was read of it: then once
   * more with a fresh one. Whether to try again is the caller's to say otherwise, see `RequestError.retriable`.
   * @throws RequestError; the signal's reason where it aborted.
   */
  query<Result, Variables>(
    operation: Operation<Result, Variables>,
    ...given: Given<Variables, QueryOptions>
  ): Promise<Result>;

  /**
   * The updates of a subscription, each once and in order, through lost connections. Begins with the first `next`; to be
   * iterated once.
   *
   * Before the first update there is no cursor yet: what is committed while the very first connection breaks is not seen,
   * unless the variables have an `after`.
   * @throws RequestError, with the cursor to go on from, where it cannot be resumed.
   */
  subscribe<Result, Variables>(
    operation: Operation<Result, Variables>,
    ...given: Given<Variables, SubscribeOptions>
  ): AsyncIterableIterator<Result, void, undefined>;

  /** Ends all subscriptions, without an error, and the connection. */
  close(): void;
}

/** A client of one gateway. Nothing is connected before it is used. */
export function createClient(options: ClientOptions): Client {
  const { url, headers = {}, webSocketImpl = globalThis.WebSocket, clock = () => performance.now() } = options;
  const credential = options.authorization === undefined ? undefined : new Credential(options.authorization);
  const endpoint = {
    url,
    fetch: options.fetch ?? globalThis.fetch,
    headers: typeof headers === 'function' ? headers : () => headers,
    credential,
  };
  const backoff = { ...BACKOFF, ...options.backoff };
  const closed = new AbortController();
  let socket: ReturnType<typeof createLiveSocket> | undefined;
  const liveSocket = () => {
    if (!webSocketImpl)
      throw new TypeError('there is no global WebSocket: pass webSocketImpl, for instance that of ws');
    const heartbeat = { ...HEARTBEAT, ...options.heartbeat };
    socket ??= createLiveSocket({ url: url.replace(/^http/, 'ws'), webSocketImpl, heartbeat, credential });
    return socket;
  };

  return {
    async query<Result, Variables>(
      operation: Operation<Result, Variables>,
      ...[variables, { signal, timeoutMs = TIMEOUT_MS } = {}]: Given<Variables, QueryOptions>
    ) {
      const data = await post(endpoint, { query: `${operation}`, variables }, { signal, timeoutMs });
      return typed<Result>(data);
    },

    subscribe<Result, Variables>(
      operation: Operation<Result, Variables>,
      ...[variables, given = {}]: Given<Variables, SubscribeOptions>
    ) {
      const left = new AbortController();
      const updates = resumable({
        socket: liveSocket(),
        credential,
        query: `${operation}`,
        variables: { ...variables },
        backoff,
        framesMax: given.framesMax ?? FRAMES_MAX,
        onCursorExpired: given.onCursorExpired ?? 'throw',
        onInterrupted: given.onInterrupted ?? (() => undefined),
        stop: AbortSignal.any([left.signal, closed.signal, ...(given.signal ? [given.signal] : [])]),
        clock,
      });
      return {
        async next(): Promise<IteratorResult<Result, void>> {
          const { done, value } = await updates.next();
          return done ? { done, value } : { done: false, value: typed<Result>(value) };
        },
        // A generator's own `return` would wait for the update that a pending `next` waits for.
        async return(): Promise<IteratorResult<Result, void>> {
          left.abort();
          await updates.return();
          return { done: true, value: undefined };
        },
        [Symbol.asyncIterator]() {
          return this;
        },
      };
    },

    close() {
      closed.abort();
      socket?.terminate();
    },
  };
}

/** The gateway has checked the operation against the schema that its result's type was made from. */
function typed<Result>(data: Readonly<Record<string, unknown>>): Result {
  return data as Result;
}
