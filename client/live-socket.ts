import { type Client, CloseCode, createClient } from 'graphql-ws';
import { messageOf } from '../domain/errors.ts';
import { isAnsweredError, isObject } from './answer.ts';
import type { Credential } from './credential.ts';
import { RequestError, type RequestErrorCode, requestErrorFrom } from './request-error.ts';

export interface Heartbeat {
  /** A connection is asked for a sign of life so long after the last one. */
  readonly pingMs: number;
  /** It is given up when so long nothing came after the question; a new one, when it does not stand by then. */
  readonly overdueMs: number;
}

export const HEARTBEAT: Heartbeat = { pingMs: 10_000, overdueMs: 10_000 };

/** As browsers, Node 22, `ws` and `undici` have it. */
export type WebSocketConstructor = new (
  url: string,
  protocols: string,
) => { addEventListener(type: 'error', listener: () => void): void };

/**
 * One graphql-ws connection for all subscriptions of a client: opened with the first, closed behind the last.
 *
 * It never retries by itself: only a subscription knows the cursor it must go on from. A connection that is dead without
 * having been closed (a cable, a NAT that forgot it, a frozen host) is noticed by its silence and given up. Where the gateway says that
 * the credential will end, a new one is asked for and shown on the same connection; where that fails the gateway closes it in time,
 * and subscriptions go on over another.
 */
export function createLiveSocket(options: {
  url: string;
  webSocketImpl: WebSocketConstructor;
  heartbeat: Heartbeat;
  /** Without it, the gateway is shown none. */
  credential: Credential | undefined;
}): Client {
  const { url, webSocketImpl, heartbeat, credential } = options;
  const { pingMs, overdueMs } = heartbeat;
  let overdue: ReturnType<typeof setTimeout> | undefined;
  /** Counts connections: what is asked for on one is of no use to the next. */
  let connection = 0;
  const expectMessage = () => {
    clearTimeout(overdue);
    overdue = setTimeout(() => client.terminate(), overdueMs);
  };
  const expectNothing = () => {
    clearTimeout(overdue);
    overdue = undefined;
  };
  const renew = async () => {
    const of = connection;
    const authorization = await credential?.next().catch(() => undefined);
    if (authorization !== undefined && of === connection) renewSession(client, authorization);
  };
  const client = createClient({
    url,
    ...(credential && { connectionParams: async () => ({ authorization: await credential.current() }) }),
    webSocketImpl: withErrorsHeard(webSocketImpl),
    retryAttempts: 0,
    keepAlive: pingMs,
    on: {
      connecting: expectMessage,
      connected: expectNothing,
      ping: (received, payload) => {
        if (!received) expectMessage();
        else if (payload && 'expiresAt' in payload) void renew();
      },
      // On a narrow link the pong stands in line behind updates: they are signs of life too.
      message: () => {
        if (overdue) expectMessage();
      },
      pong: (received) => {
        if (received) expectNothing();
      },
      closed: (event) => {
        connection++;
        if (isObject(event) && event.code === CloseCode.Unauthorized) credential?.refuse();
        expectNothing();
      },
      error: expectNothing,
    },
  });
  return client;
}

/** What becomes of it, the gateway tells by closing the connection or leaving it open. */
function renewSession(client: Client, authorization: string): void {
  const query = 'mutation ($authorization: String!) { renewSession(authorization: $authorization) { expiresAt } }';
  client.subscribe({ query, variables: { authorization } }, IGNORED);
}

const IGNORED = { next: () => undefined, error: () => undefined, complete: () => undefined };

/**
 * graphql-ws takes its listeners off a socket it terminates. `ws` then emits the error of a connection that never came
 * about to nobody, which ends the process.
 */
function withErrorsHeard(webSocketImpl: WebSocketConstructor): WebSocketConstructor {
  return class extends webSocketImpl {
    constructor(url: string, protocols: string) {
      super(url, protocols);
      this.addEventListener('error', () => undefined);
    }
  };
}

/** What graphql-ws ends a subscription with: the errors of an answer, a close event, or whatever the socket reports. */
export function errorFromSocket(cause: unknown): RequestError {
  if (Array.isArray(cause)) return requestErrorFrom(cause.filter(isAnsweredError));
  if (isObject(cause) && typeof cause.code === 'number') {
    const reason = `the connection was closed with ${cause.code} ${cause.reason ?? ''}`.trimEnd();
    return new RequestError(FATAL_CLOSES[cause.code] ?? 'NETWORK_FAILED', reason, { cause });
  }
  const error = isObject(cause) && cause.error !== undefined ? cause.error : cause;
  return new RequestError('NETWORK_FAILED', `no connection: ${messageOf(error)}`, { cause });
}

/** Closes after which the same would happen again. After any other the connection is worth another try. */
const FATAL_CLOSES: Readonly<Record<number, RequestErrorCode>> = {
  1002: 'MALFORMED',
  1003: 'MALFORMED',
  1007: 'MALFORMED',
  1009: 'LIMIT_EXCEEDED',
  [CloseCode.BadRequest]: 'BAD_USER_INPUT',
  [CloseCode.BadResponse]: 'MALFORMED',
  [CloseCode.Unauthorized]: 'UNAUTHENTICATED',
  [CloseCode.Forbidden]: 'FORBIDDEN',
  [CloseCode.SubprotocolNotAcceptable]: 'MALFORMED',
  [CloseCode.TooManyInitialisationRequests]: 'MALFORMED',
};
