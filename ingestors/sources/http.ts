import { setTimeout as sleep } from 'node:timers/promises';
import { Agent, request } from 'undici';
import { BusbarError, isBusbarError, messageOf } from '../../domain/errors.ts';
import type { Pacer } from '../feed.ts';

/**
 * Asking a vendor over HTTP, in one place: deadline, size limit, pacing, and retries that know what is worth a retry.
 *
 *   waiting its turn ──▶ asking ──▶ reading ──▶ done
 *          ▲                │          │
 *          └── backing off ◀┴──────────┘  retriable (429, 5xx, network, deadline) and tries are left
 *                                  └────▶ failed   final (other 3xx and 4xx, too large), or no try left
 */
export interface HttpSource {
  /**
   * GETs the URL and hands a 2xx answer to `read`. What `read` throws counts as the answer's failure: a retriable
   * `BusbarError` is tried again, since sources hide failures behind HTTP 200.
   * @throws BusbarError `THROTTLED`, `SOURCE_FAILED`, `SOURCE_REFUSED` (with `details.status` and the body's beginning in
   *   `details.body`), `MALFORMED` where the answer is over the size limit; what the pacer throws; the signal's reason
   *   where it is aborted.
   */
  get<T>(url: string, read: ReadAnswer<T>, options?: RequestOptions): Promise<T>;
  /**
   * POSTs the fields as `application/x-www-form-urlencoded`, else as `get` does: with its retries, so only what may be asked
   * twice. No field shows in an error of ours; `details.body` is what the source said, and a source may repeat them.
   */
  postForm<T>(
    url: string,
    fields: Readonly<Record<string, string>>,
    read: ReadAnswer<T>,
    options?: RequestOptions,
  ): Promise<T>;
  /** Drops open connections; requests under way fail. */
  close(): Promise<void>;
}

export interface HttpAnswer {
  readonly status: number;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly bytes: Buffer;
}

export type ReadAnswer<T> = (answer: HttpAnswer) => T | Promise<T>;

export interface RequestOptions {
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/** Time as this module needs it, so that a test can let hours pass in no time. */
export interface Clock {
  /** Milliseconds since the epoch, UTC. */
  now(): number;
  /** Rejects with the signal's reason once it is aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: async (ms, signal) => {
    await sleep(ms, undefined, signal ? { signal } : {}).catch((error: unknown) => {
      signal?.throwIfAborted();
      throw error;
    });
  },
};

export interface HttpSettings {
  readonly clock: Clock;
  /** Uniform in [0, 1), for the jitter. */
  readonly random: () => number;
  readonly pacer: Pacer;
  /** For one try, from its turn to the last byte. */
  readonly timeoutMs: number;
  readonly bytesMax: number;
  readonly triesMax: number;
  /** Pause after the first failed try; doubled for each further one. */
  readonly backoffMs: number;
  /** Longest pause. A source that asks for a longer one is left alone: the error is thrown at once. */
  readonly backoffMsMax: number;
}

export function createHttpSource(settings: HttpSettings): HttpSource {
  const agent = new Agent({ maxResponseSize: settings.bytesMax, connect: { timeout: settings.timeoutMs } });
  const answered = <T>(question: Question, read: ReadAnswer<T>, signal?: AbortSignal) =>
    retried(settings, signal, () => tryOnce(agent, settings, question, read, signal));
  return {
    get: (url, read, { headers = {}, signal } = {}) => answered({ method: 'GET', url, headers }, read, signal),
    postForm: (url, fields, read, { headers = {}, signal } = {}) =>
      answered(formQuestion(url, fields, headers), read, signal),
    close: () => agent.destroy(),
  };
}

interface Question {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

function formQuestion(
  url: string,
  fields: Readonly<Record<string, string>>,
  headers: Readonly<Record<string, string>>,
): Question {
  const type = 'application/x-www-form-urlencoded';
  return {
    method: 'POST',
    url,
    headers: { ...headers, 'content-type': type },
    body: new URLSearchParams(fields).toString(),
  };
}

async function retried<T>(settings: HttpSettings, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await work();
    } catch (error) {
      signal?.throwIfAborted();
      const pauseMs = pauseAfter(error, tries, settings);
      if (pauseMs === undefined) throw error;
      await settings.clock.sleep(pauseMs, signal);
    }
  }
}

/** @returns undefined where there is to be no further try. */
function pauseAfter(error: unknown, tries: number, settings: HttpSettings): number | undefined {
  if (!isBusbarError(error) || !error.retriable || tries >= settings.triesMax) return undefined;
  const longest = Math.min(settings.backoffMs * 2 ** (tries - 1), settings.backoffMsMax);
  const pauseMs = longest * (0.5 + settings.random() / 2);
  const { retryAfterMs } = error.details;
  if (typeof retryAfterMs !== 'number') return pauseMs;
  return retryAfterMs > settings.backoffMsMax ? undefined : Math.max(pauseMs, retryAfterMs);
}

async function tryOnce<T>(
  agent: Agent,
  settings: HttpSettings,
  question: Question,
  read: ReadAnswer<T>,
  signal: AbortSignal | undefined,
): Promise<T> {
  await settings.pacer.turn(signal);
  const answer = await fetched(agent, settings, question, signal);
  if (answer.status < 200 || answer.status > 299) throw errorFromStatus(question, answer, settings.clock.now());
  return read(answer);
}

async function fetched(
  agent: Agent,
  settings: HttpSettings,
  question: Question,
  signal: AbortSignal | undefined,
): Promise<HttpAnswer> {
  const deadline = AbortSignal.timeout(settings.timeoutMs);
  try {
    const { statusCode, headers, body } = await request(question.url, {
      dispatcher: agent,
      signal: signal ? AbortSignal.any([signal, deadline]) : deadline,
      method: question.method,
      headers: question.headers,
      body: question.body ?? null,
      // The deadline above covers the whole try; undici's own limits would only cut it short.
      headersTimeout: 0,
      bodyTimeout: 0,
    });
    return { status: statusCode, headers, bytes: Buffer.from(await body.arrayBuffer()) };
  } catch (error) {
    signal?.throwIfAborted();
    const where = placeOf(question);
    if (codeOf(error) === 'UND_ERR_RES_EXCEEDED_MAX_SIZE') {
      throw new BusbarError('MALFORMED', `${where} answered with more than ${settings.bytesMax} bytes`, {
        cause: error,
      });
    }
    const what = deadline.aborted ? `did not answer within ${settings.timeoutMs} ms` : `failed: ${messageOf(error)}`;
    throw new BusbarError('SOURCE_FAILED', `${where} ${what}`, { cause: error });
  }
}

/** What a status says by itself; a source with its own error bodies looks at `details.body` as well. */
function errorFromStatus(question: Question, answer: HttpAnswer, now: number): BusbarError {
  const { status } = answer;
  const details = { status, body: answer.bytes.subarray(0, 500).toString('utf8'), ...retryAfter(answer, now) };
  const message = `${placeOf(question)} answered with status ${status}`;
  if (status === 429) return new BusbarError('THROTTLED', message, { details });
  return new BusbarError(status >= 500 || status === 408 ? 'SOURCE_FAILED' : 'SOURCE_REFUSED', message, { details });
}

/** RFC 9110, 10.2.3: seconds, or an HTTP date. */
function retryAfter(answer: HttpAnswer, now: number): { readonly retryAfterMs?: number } {
  const value = answer.headers['retry-after'];
  if (typeof value !== 'string') return {};
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - now;
  return Number.isFinite(ms) ? { retryAfterMs: Math.max(0, ms) } : {};
}

/** Without the query: it may hold a key, and errors are logged. */
function placeOf({ method, url }: Question): string {
  const { origin, pathname } = new URL(url);
  return `${method} ${origin}${pathname}`;
}

function codeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
}
