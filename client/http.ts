import { messageOf } from '../domain/errors.ts';
import { dataOf, isObject } from './answer.ts';
import type { Credential } from './credential.ts';
import { RequestError, type RequestErrorCode } from './request-error.ts';

export interface HttpEndpoint {
  readonly url: string;
  readonly fetch: typeof globalThis.fetch;
  readonly headers: () => Readonly<Record<string, string>> | Promise<Readonly<Record<string, string>>>;
  readonly credential: Credential | undefined;
}

/**
 * One operation over POST.
 * @returns the answer's data.
 * @throws RequestError; the signal's reason where it aborted.
 */
export async function post(
  { url, fetch, headers, credential }: HttpEndpoint,
  request: { query: string; variables: unknown },
  { timeoutMs, signal }: { timeoutMs: number; signal: AbortSignal | undefined },
): Promise<Readonly<Record<string, unknown>>> {
  signal?.throwIfAborted();
  const timeout = AbortSignal.timeout(timeoutMs);
  const given = await headers();
  const send = async () => {
    const shown = credential && { authorization: await credential.current() };
    return fetch(url, {
      method: 'POST',
      headers: { ...given, ...shown, 'content-type': 'application/json', accept: ACCEPT },
      body: JSON.stringify(request),
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
    });
  };
  try {
    let response = await send();
    if (response.status === 401 && credential) {
      credential.refuse();
      await response.body?.cancel();
      response = await send();
    }
    return dataOf(answerOf(response.status, await response.text()));
  } catch (error) {
    if (error instanceof RequestError) throw error;
    signal?.throwIfAborted();
    if (timeout.aborted) throw new RequestError('TIMED_OUT', `no answer within ${timeoutMs} ms`, { cause: error });
    throw networkError(error);
  }
}

const ACCEPT = 'application/graphql-response+json, application/json;q=0.9';

/** @throws RequestError where it is not a GraphQL answer. */
function answerOf(status: number, text: string): unknown {
  const answer = parsed(text);
  if (isObject(answer) && ('data' in answer || Array.isArray(answer.errors))) return answer;
  throw new RequestError(STATUS_CODES[status] ?? 'MALFORMED', `the answer is not GraphQL (HTTP status ${status})`);
}

/** Before the gateway's GraphQL, its own guards and proxies answer, with a status only. */
const STATUS_CODES: Readonly<Record<number, RequestErrorCode>> = {
  401: 'UNAUTHENTICATED',
  403: 'FORBIDDEN',
  404: 'NOT_FOUND',
  413: 'LIMIT_EXCEEDED',
  429: 'RATE_LIMITED',
  500: 'INTERNAL_SERVER_ERROR',
  502: 'UNAVAILABLE',
  503: 'UNAVAILABLE',
  504: 'UNAVAILABLE',
};

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** `fetch` says "fetch failed"; its cause says why. */
function networkError(error: unknown): RequestError {
  const reason = error instanceof Error && error.cause !== undefined ? error.cause : error;
  return new RequestError('NETWORK_FAILED', `no answer: ${messageOf(reason)}`, { cause: error });
}
