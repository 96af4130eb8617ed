import { type BusbarError, isBusbarError } from '../../domain/errors.ts';
import type { CallOutcome } from '../../domain/source-call.ts';
import type { Calls, Clock, Pacer } from '../feed.ts';
import { BREAKER, type BreakerSettings, type CircuitBreaker, createCircuitBreaker } from './circuit-breaker.ts';
import { createHttpAgent } from './http-agent.ts';
import type { HttpAnswer, HttpQuestion, ReadAnswer } from './http-answer.ts';
import { type Asking, type CallParts, tryOnce } from './http-call.ts';
import { createKeptAnswers } from './kept-answers.ts';

/**
 * Asking a vendor over HTTP, in one place: deadline, size limit, pacing, retries that know what is worth a retry, a circuit
 * breaker for each host, and word of every try to the monitor.
 *
 *   left alone ◀── waiting its turn ──▶ asking ──▶ reading ──▶ done
 *   (the circuit          ▲                │          │
 *    breaker)             └── backing off ◀┴──────────┘  retriable (429, 5xx, network, deadline) and tries are left
 *                                                 └────▶ failed   final (other 3xx and 4xx, too large), or no try left
 */
export interface HttpSource {
  /**
   * GETs the URL and hands a 2xx answer to `read`. What `read` throws counts as the answer's failure: a retriable
   * `BusbarError` is tried again, since sources hide failures behind HTTP 200.
   * @throws BusbarError `THROTTLED`, `SOURCE_FAILED`, `SOURCE_REFUSED` (with `details.status` and the body's beginning in
   *   `details.body`), `MALFORMED` where the answer is over the size limit; `SOURCE_FAILED` without a call while the source
   *   is left alone; what the pacer throws; the signal's reason where it is aborted.
   */
  get<T>(url: string, read: ReadAnswer<T>, options?: RequestOptions<T>): Promise<T>;
  /**
   * POSTs the fields as `application/x-www-form-urlencoded`, else as `get` does: with its retries, so only what may be asked
   * twice. No field shows in an error of ours; `details.body` is what the source said, and a source may repeat them.
   */
  postForm<T>(
    url: string,
    fields: Readonly<Record<string, string>>,
    read: ReadAnswer<T>,
    options?: RequestOptions<T>,
  ): Promise<T>;
  /** Drops open connections; requests under way fail. */
  close(): Promise<void>;
}

export interface RequestOptions<T> {
  /** What is not `accept` or `content-type` counts as a secret. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  /** What is asked, as operators know it: the report, `login`. Else the URL's path. */
  readonly endpoint?: string;
  /** Statuses beside 2xx whose answers say something: `read` gets them too, with their `refusal`. */
  readonly statuses?: readonly number[];
  /** How a call ended that brought this. `OK` where nothing is said. */
  readonly outcomeOf?: (value: T) => CallOutcome;
  /**
   * What comes of an answer that `read` throws `MALFORMED` for. It is then asked for again, since it may only have been cut
   * off, and this is for what is still damaged at the last try. Where nothing is said, `MALFORMED` is final.
   */
  readonly whenDamaged?: (answer: HttpAnswer, error: BusbarError) => T;
  /**
   * Asks only for what has changed since it last came from this URL, and else hands on the answer that is kept. It has to be
   * asked for with the same headers each time.
   */
  readonly conditional?: boolean;
}

export interface HttpSettings {
  /** Whose it is, as people say it. */
  readonly source: string;
  readonly calls: Calls;
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
  readonly breaker?: BreakerSettings;
  /** Of answers to conditional requests, all together. */
  readonly keptBytesMax?: number;
}

/** Some 200 files of 150 kB. */
const KEPT_BYTES_MAX = 32 * 1024 * 1024;

const HEADER_BYTES_MAX = 16 * 1024;

export function createHttpSource(settings: HttpSettings): HttpSource {
  const { source, clock, timeoutMs, bytesMax, breaker = BREAKER, keptBytesMax = KEPT_BYTES_MAX } = settings;
  const agent = createHttpAgent({
    maxResponseSize: bytesMax,
    maxHeaderSize: HEADER_BYTES_MAX,
    connect: { timeout: timeoutMs },
  });
  const kept = createKeptAnswers(keptBytesMax);
  // A vendor's public files go on where its interface does not know us.
  const breakers = new Map<string, CircuitBreaker>();
  const breakerOf = (url: string) => {
    const { origin } = new URL(url);
    const found = breakers.get(origin) ?? createCircuitBreaker(source, clock, breaker);
    breakers.set(origin, found);
    return found;
  };
  const answered = <T>(question: HttpQuestion, read: ReadAnswer<T>, options: RequestOptions<T>) => {
    const parts = { ...settings, agent, kept, breaker: breakerOf(question.url) };
    return retried(settings, parts, askingFor(source, question, read, options), options.whenDamaged);
  };
  return {
    get: (url, read, options = {}) => answered({ method: 'GET', url, headers: options.headers ?? {} }, read, options),
    postForm: (url, fields, read, options = {}) =>
      answered(formQuestion(url, fields, options.headers ?? {}), read, options),
    close: () => agent.close(),
  };
}

function askingFor<T>(
  source: string,
  question: HttpQuestion,
  read: ReadAnswer<T>,
  options: RequestOptions<T>,
): Asking<T> {
  const { endpoint = new URL(question.url).pathname, statuses = [], outcomeOf = () => 'OK', signal } = options;
  return { source, endpoint, question, read, statuses, outcomeOf, signal, isConditional: options.conditional ?? false };
}

function formQuestion(
  url: string,
  fields: Readonly<Record<string, string>>,
  headers: Readonly<Record<string, string>>,
): HttpQuestion {
  const type = 'application/x-www-form-urlencoded';
  return {
    method: 'POST',
    url,
    headers: { ...headers, 'content-type': type },
    body: new URLSearchParams(fields).toString(),
  };
}

async function retried<T>(
  settings: HttpSettings,
  parts: CallParts,
  asking: Asking<T>,
  whenDamaged: RequestOptions<T>['whenDamaged'],
): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    const tried = await tryOnce(parts, asking);
    if ('value' in tried) return tried.value;
    asking.signal?.throwIfAborted();
    const { error, isFinal, damaged } = tried;
    if (!isBusbarError(error)) throw error;
    const isWorthIt = !isFinal && !parts.breaker.isOpen() && (error.retriable || (damaged && whenDamaged));
    const pauseMs = isWorthIt ? pauseAfter(error, tries, settings) : undefined;
    if (pauseMs !== undefined) await settings.clock.sleep(pauseMs, asking.signal);
    else if (damaged && whenDamaged) return whenDamaged(damaged, error);
    else throw error;
  }
}

/** @returns undefined where there is to be no further try. */
function pauseAfter({ details }: BusbarError, tries: number, settings: HttpSettings): number | undefined {
  if (tries >= settings.triesMax) return undefined;
  const longest = Math.min(settings.backoffMs * 2 ** (tries - 1), settings.backoffMsMax);
  const pauseMs = longest * (0.5 + settings.random() / 2);
  const { retryAfterMs } = details;
  if (typeof retryAfterMs !== 'number') return pauseMs;
  return retryAfterMs > settings.backoffMsMax ? undefined : Math.max(pauseMs, retryAfterMs);
}
