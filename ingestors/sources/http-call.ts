import { isBusbarError, messageOf } from '../../domain/errors.ts';
import { type CallOutcome, isAnswered } from '../../domain/source-call.ts';
import type { Calls, Clock, Pacer } from '../feed.ts';
import { outcomeOfFailure } from './call-outcome.ts';
import type { CircuitBreaker } from './circuit-breaker.ts';
import type { HttpAgent } from './http-agent.ts';
import {
  type HttpAnswer,
  type HttpQuestion,
  isPassing,
  type ReadAnswer,
  refusalIn,
  withoutSecrets,
} from './http-answer.ts';
import { type Exchange, exchanged } from './http-exchange.ts';
import { conditionsOf, type KeptAnswers } from './kept-answers.ts';
import { oneLine } from './one-line.ts';

/** What is asked of a source, of which endpoint, and how its answer is read. */
export interface Asking<T> {
  readonly source: string;
  readonly endpoint: string;
  readonly question: HttpQuestion;
  readonly read: ReadAnswer<T>;
  /** Beside 2xx: `read` gets them too. */
  readonly statuses: readonly number[];
  readonly outcomeOf: (value: T) => CallOutcome;
  readonly isConditional: boolean;
  readonly signal: AbortSignal | undefined;
}

export interface CallParts {
  readonly calls: Calls;
  readonly clock: Clock;
  readonly pacer: Pacer;
  readonly timeoutMs: number;
  readonly bytesMax: number;
  readonly agent: HttpAgent;
  readonly breaker: CircuitBreaker;
  readonly kept: KeptAnswers;
}

export type Tried<T> =
  | { readonly value: T }
  | {
      readonly error: unknown;
      /** Another try would be answered alike, whatever the error says. */
      readonly isFinal: boolean;
      /** What `read` throws `MALFORMED` for. */
      readonly damaged?: HttpAnswer;
    };

/**
 * One try: its turn, the question, the reading of the answer, and word of it to the monitor.
 * @throws what the circuit breaker throws; the signal's reason where it is aborted.
 */
export async function tryOnce<T>(parts: CallParts, asking: Asking<T>): Promise<Tried<T>> {
  const { breaker, pacer, clock } = parts;
  // Before the turn, so that none is lost, and after it, since others may have failed meanwhile.
  breaker.assertAsked();
  await parts.agent.ready();
  try {
    await pacer.turn(asking.signal);
  } catch (error) {
    asking.signal?.throwIfAborted();
    return { error, isFinal: false };
  }
  const begun = breaker.begin();
  const at = clock.now();
  const known = asking.isConditional ? parts.kept.get(asking.question.url) : undefined;
  const exchange = await asked(parts, asking, known).catch((reason: unknown) => {
    begun.dropped();
    throw reason;
  });
  const latencyMs = Math.max(0, clock.now() - at);
  const judged = await judgedBy(parts, asking, exchange, known);
  const error = isAnswered(judged.outcome) ? undefined : lineOf(judged, asking);
  begun.ended(judged.outcome, error);
  const { source, endpoint } = asking;
  const { status, bytes } = exchange;
  parts.calls.made({ source, endpoint, at, latencyMs, outcome: judged.outcome, status, bytes, error });
  return judged;
}

type Judged<T> = Tried<T> & { readonly outcome: CallOutcome };

function asked<T>(parts: CallParts, asking: Asking<T>, known: HttpAnswer | undefined): Promise<Exchange> {
  const { question, signal } = asking;
  const headers = { ...question.headers, ...(known && conditionsOf(known)) };
  return exchanged(parts, nameOf(asking), { ...question, headers }, signal);
}

async function judgedBy<T>(
  { clock, kept }: CallParts,
  asking: Asking<T>,
  exchange: Exchange,
  known: HttpAnswer | undefined,
): Promise<Judged<T>> {
  if ('error' in exchange) return { ...exchange, isFinal: false };
  const { url } = asking.question;
  // What is kept, where the source says that it has not changed.
  const answer = known && exchange.status === 304 ? known : refusable(exchange.answer, asking, clock.now());
  const judged = await readBy(asking, answer);
  if (!isAnswered(judged.outcome)) answer === known && kept.forget(url);
  else if (asking.isConditional && answer.status === 200) kept.keep(url, answer);
  return judged;
}

function refusable<T>(answer: HttpAnswer, asking: Asking<T>, now: number): HttpAnswer {
  const refusal = refusalIn(answer, nameOf(asking), asking.question, now);
  return refusal ? { ...answer, refusal } : answer;
}

async function readBy<T>({ read, statuses, outcomeOf }: Asking<T>, answer: HttpAnswer): Promise<Judged<T>> {
  const { status, refusal } = answer;
  try {
    if (refusal && !statuses.includes(status)) throw refusal;
    const value = await read(answer);
    return { value, outcome: outcomeOf(value) };
  } catch (error) {
    const outcome = outcomeOfFailure(error, status);
    const failed = { error, outcome, isFinal: refusal !== undefined && !isPassing(status) };
    return isBusbarError(error, 'MALFORMED') ? { ...failed, damaged: answer } : failed;
  }
}

function nameOf({ source, endpoint }: Pick<Asking<unknown>, 'source' | 'endpoint'>): string {
  return `${source} ${endpoint}`;
}

/** Without the queries of URLs, which may hold a key. */
function lineOf<T>(judged: Judged<T>, asking: Asking<T>): string {
  const said = 'error' in judged ? messageOf(judged.error) : `${nameOf(asking)} answered with what cannot be read`;
  return oneLine(withoutSecrets(said, asking.question).replace(/\?[^\s"'?]*=[^\s"']*/g, '?…'));
}
