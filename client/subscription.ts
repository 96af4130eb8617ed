import type { Client } from 'graphql-ws';
import { dataOf, isObject } from './answer.ts';
import { type Backoff, backoffMs, pause } from './backoff.ts';
import type { Credential } from './credential.ts';
import { FrameQueue } from './frame-queue.ts';
import { errorFromSocket } from './live-socket.ts';
import { isRequestError, RequestError } from './request-error.ts';

/** A connection that lasted so long was a good one: what fails after it is the first failure again. */
const STEADY_MS = 60_000;

type Data = Readonly<Record<string, unknown>>;

export interface ResumableOptions {
  readonly socket: Client;
  /** What the connection shows; it can be a fresh one next time. */
  readonly credential: Credential | undefined;
  readonly query: string;
  readonly variables: Data;
  readonly backoff: Backoff;
  /** Updates that may wait for the consumer. */
  readonly framesMax: number;
  readonly onCursorExpired: 'throw' | 'restart';
  readonly onInterrupted: (error: RequestError) => void;
  /** Ends the iteration, without an error. */
  readonly stop: AbortSignal;
  /** Milliseconds, from any beginning, never backwards. */
  readonly clock: () => number;
}

/**
 * A subscription that outlives its connection.
 *
 * States: attempt → (interrupted → pause → attempt)* → ended. An **attempt** is one graphql-ws subscription, on whatever
 * connection there is. Where a frame's root field has a `cursor` and the operation a variable `$after`, the next attempt
 * begins behind the last cursor received; everything received is handed over before. Each attempt has an id of its own,
 * so that a late frame of a connection given up for dead cannot be taken for one of the new connection.
 *
 * A connection that ends because of its credential is followed by one more, with a fresh one; only a second refusal, without an update
 * in between, is the end.
 *
 * @throws RequestError with the cursor to go on from, where another attempt would fail too or none is left.
 */
export async function* resumable(options: ResumableOptions): AsyncGenerator<Data, void, undefined> {
  const { backoff, onCursorExpired, onInterrupted, stop, clock, credential } = options;
  const place = new Place(options);
  let refusals = 0;
  for (let failures = 0; !stop.aborted; ) {
    const startedAt = clock();
    try {
      for await (const data of attempt(options, place)) {
        failures = 0;
        refusals = 0;
        yield data;
      }
      return;
    } catch (error) {
      if (!isRequestError(error)) throw error;
      if (clock() - startedAt >= STEADY_MS) failures = 0;
      failures++;
      const restarts = error.code === 'CURSOR_EXPIRED' && onCursorExpired === 'restart';
      const renews = error.code === 'UNAUTHENTICATED' && credential && ++refusals === 1;
      if ((!error.retriable && !restarts && !renews) || failures > backoff.attemptsMax)
        throw error.at(place.cursor ?? error.cursor);
      if (restarts) place.cursor = undefined;
      else place.cursor ??= error.cursor;
      onInterrupted(error.at(place.cursor));
    }
    await pause(backoffMs(backoff, failures), stop);
  }
}

async function* attempt(
  { socket, query, framesMax, stop, credential }: ResumableOptions,
  place: Place,
): AsyncGenerator<Data, void, undefined> {
  const queue = new FrameQueue<Data>(framesMax);
  const end = (error: unknown) => {
    queue.end({ error });
    unsubscribe();
  };
  const receive = (answer: unknown) => {
    if (!queue.open) return;
    try {
      const data = dataOf(answer);
      const cursor = place.cursorOf(data);
      if (!queue.push(data)) return end(tooSlow(framesMax));
      place.cursor = cursor ?? place.cursor;
    } catch (error) {
      end(error);
      // The gateway is about to close the connection; nothing new may begin on it.
      if (!credential || !isRequestError(error, 'UNAUTHENTICATED')) return;
      credential.refuse();
      socket.terminate();
    }
  };
  // graphql-ws writes the payload anew when it meets a connection on its way to a normal close, so `variables` is asked
  // for each time.
  const payload = {
    query,
    get variables() {
      return place.variables;
    },
  };
  const unsubscribe = socket.subscribe<Record<string, unknown>>(payload, {
    next: receive,
    error: (cause) => queue.end({ error: errorFromSocket(cause) }),
    complete: () => queue.end(),
  });
  const cut = () => queue.cut();
  stop.addEventListener('abort', cut);
  try {
    yield* queue;
  } finally {
    stop.removeEventListener('abort', cut);
    unsubscribe();
  }
}

/** Where in the stream a subscription is. */
class Place {
  /** Of the last update received; undefined before the first, and for streams without cursors. */
  cursor: string | undefined;
  readonly #variables: Data;
  readonly #takesAfter: boolean;

  constructor({ query, variables }: { query: string; variables: Data }) {
    const { after, ...others } = variables;
    this.#variables = others;
    this.#takesAfter = /\$after\s*:/.test(query);
    if (typeof after === 'string') this.cursor = after;
  }

  get variables(): Record<string, unknown> {
    return this.cursor === undefined ? { ...this.#variables } : { ...this.#variables, after: this.cursor };
  }

  /**
   * The cursor of a frame's root field.
   * @throws TypeError where the operation asks for only one half of what resuming needs: it would look resumable until
   *   the first cut, and then skip updates silently.
   */
  cursorOf(data: Data): string | undefined {
    const [root] = Object.values(data);
    const cursor = isObject(root) && typeof root.cursor === 'string' ? root.cursor : undefined;
    if (this.#takesAfter && cursor === undefined) throw new TypeError('a subscription with $after must select cursor');
    if (!this.#takesAfter && cursor !== undefined) throw new TypeError('a subscription with a cursor must take $after');
    return cursor;
  }
}

function tooSlow(framesMax: number): RequestError {
  return new RequestError(
    'LIMIT_EXCEEDED',
    `${framesMax} updates wait for the consumer: subscribe again after the cursor, or with delivery LATEST`,
  );
}
