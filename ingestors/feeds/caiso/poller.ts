import { BusbarError, isBusbarError } from '../../../domain/errors.ts';
import { HOUR_MS } from '../../../domain/instant.ts';
import type { Answer, Clock, DeliveryRange, Fetched, Poller, SourceParts } from '../../feed.ts';
import { outcomeOfAnswer } from '../../sources/call-outcome.ts';
import { createHttpSource, type HttpSource } from '../../sources/http.ts';
import type { HttpAnswer } from '../../sources/http-answer.ts';
import { type Correction, correctedReports, correctionSweep } from './corrections.ts';
import { correctionsInAnswer, errorInAnswer } from './decode.ts';
import { pollPlan } from './poll-plan.ts';
import { CORRECTIONS, isPartitionName, type PartitionName, REPORTS, type ReportName } from './reports.ts';
import { correctionsPathOf, isRequestOf, oasisRequests, pathOf, requestsFor, urlOf, type Window } from './requests.ts';
import type { CaisoSettings } from './settings.ts';

const LIMITS = {
  // OASIS takes up to a minute to make a large report.
  timeoutMs: 120_000,
  // A month of ten nodes is some 6 MB before it is zipped; a group download of all nodes is below 10 MB zipped.
  bytesMax: 64 * 1024 * 1024,
  triesMax: 5,
  // The least pause that clears a throttle is OASIS' own spacing of 5 s.
  backoffMs: 10_000,
  backoffMsMax: 120_000,
};

/**
 * So many polls of a partition in a row fail over an answer that stays damaged. The next one takes what there is: the answer
 * becomes a dead letter, and one bad report cannot keep its partition for ever.
 */
const DAMAGED_POLLS_MAX = 3;

/**
 * Asks OASIS for what is new in a report, for what was corrected, or for a chunk. A poll ends quietly when it is aborted
 * or the poller closed.
 *
 * An answer that says "no data" is yielded only where it moves the position: the ledger then shows that the gap was
 * asked for. An answer that cannot be read is asked for again, as one that failed; if it stays so, the poll fails and is
 * repeated, and after `DAMAGED_POLLS_MAX` of them, or for a chunk at once, it is handed on, so that it becomes a dead letter.
 */
export function createOasisPoller(settings: CaisoSettings, parts: SourceParts): Poller {
  const { clock } = parts;
  const pacer = parts.turns.of('caiso-oasis', settings.CAISO_REQUEST_SPACING_MS);
  const http = createHttpSource({ ...parts, ...LIMITS, source: 'CAISO', pacer });
  const closing = new AbortController();
  const patience = createPatience();
  const until = (signal: AbortSignal) => AbortSignal.any([signal, closing.signal]);
  return {
    poll: (partition, position, now, signal) => {
      if (!isPartitionName(partition)) throw new TypeError(`CAISO has no partition ${partition}`);
      const takesDamaged = patience.isOver(partition);
      const polling: Polling = { settings, clock, http, signal: until(signal), takesDamaged };
      const answers =
        partition === CORRECTIONS
          ? pollCorrections(polling, position, now)
          : pollReport(polling, partition, position, now);
      return patience.counting(partition, answers);
    },
    fetch: async (partition, request, signal) => {
      if (!isPartitionName(partition) || !isRequestOf(partition, request)) {
        throw new BusbarError('BAD_USER_INPUT', `this is no request to OASIS for ${partition}: ${request}`);
      }
      const { bytes } = await fetchOasis(http, partition, urlOf(settings.CAISO_OASIS_URL, request), until(signal));
      return answered(settings, clock, partition, request, bytes);
    },
    close: async () => {
      closing.abort();
      await http.close();
    },
  };
}

interface Polling {
  readonly settings: CaisoSettings;
  readonly clock: Clock;
  readonly http: HttpSource;
  readonly signal: AbortSignal;
  /** An answer that stays damaged is handed on. */
  readonly takesDamaged: boolean;
}

/** Counts, by partition, the polls in a row that ended with a damaged answer. */
function createPatience() {
  const damaged = new Map<PartitionName, number>();
  const polls = (partition: PartitionName) => damaged.get(partition) ?? 0;
  return {
    isOver: (partition: PartitionName) => polls(partition) >= DAMAGED_POLLS_MAX,
    counting: async function* (partition: PartitionName, answers: AsyncIterable<Fetched>) {
      try {
        yield* answers;
        damaged.delete(partition);
      } catch (error) {
        if (isBusbarError(error, 'MALFORMED')) damaged.set(partition, polls(partition) + 1);
        throw error;
      }
    },
  };
}

/**
 * The position moves past "no data" only where the intervals are settled, and past an answer that cannot be read likewise:
 * else both are asked for again.
 */
async function* pollReport(
  polling: Polling,
  reportName: ReportName,
  position: number | undefined,
  now: number,
): AsyncGenerator<Fetched> {
  const report = REPORTS[reportName];
  const { settings, clock, signal } = polling;
  const plan = pollPlan(report, position, now, settings.CAISO_LOOKBACK_HOURS * HOUR_MS);
  let reached = position ?? plan.windows[0]?.start ?? now;
  let ceiling = plan.positionMax;
  for (const window of plan.windows) {
    const requests = requestsFor(report, settings.CAISO_NODES, window);
    for (const request of requests) {
      const path = pathOf(request);
      const answer = await answerTo(polling, reportName, path);
      if (!answer) return;
      if (answer.error) ceiling = Math.min(ceiling, plan.settledUntil);
      // Until the last ten nodes have been asked for, the window itself is still to be done.
      const done = request === requests.at(-1) ? window.end : window.start;
      const next = Math.max(reached, Math.min(done, ceiling));
      if (answer.error?.code === 'NO_DATA' && next === reached) continue;
      reached = next;
      yield { ...answered(settings, clock, reportName, path, answer.bytes), next, asked: rangeOf(window) };
      if (signal.aborted) return;
    }
  }
}

function rangeOf({ start, end }: Window): DeliveryRange {
  return { from: start, to: end };
}

interface Question {
  readonly name: PartitionName;
  readonly path: string;
  readonly asked: DeliveryRange;
}

/** Asks for the corrections of each day and, where they are only told of, for the corrected reports of that day again. */
async function* pollCorrections(polling: Polling, position: number | undefined, now: number): AsyncGenerator<Fetched> {
  const { settings, clock, signal } = polling;
  const sweep = correctionSweep(position, now, settings.CAISO_CORRECTIONS_DAYS);
  for (const day of sweep.days) {
    const questions: Question[] = [{ name: CORRECTIONS, path: correctionsPathOf(day), asked: rangeOf(day) }];
    for (let question = questions.shift(); question; question = questions.shift()) {
      const answer = await answerTo(polling, question.name, question.path);
      if (!answer) return;
      const fetched = answered(settings, clock, question.name, question.path, answer.bytes);
      if (question.name === CORRECTIONS) {
        const corrections = await correctionsInAnswer(fetched.payload);
        questions.push(...correctedRequests(settings, day, corrections, sweep.newSince));
      }
      const last = day === sweep.days.at(-1) && questions.length === 0;
      if (answer.error?.code === 'NO_DATA' && !last) continue;
      yield { ...fetched, next: last ? sweep.next : sweep.reached, asked: question.asked };
      if (signal.aborted) return;
    }
  }
}

function correctedRequests(
  { CAISO_NODES, CAISO_REPORTS }: CaisoSettings,
  day: Window,
  corrections: readonly Correction[],
  newSince: number,
): Question[] {
  return correctedReports(CAISO_REPORTS, corrections, newSince).flatMap((name) =>
    oasisRequests(name, CAISO_NODES, day.start, day.end).map((request) => ({
      name,
      path: pathOf(request),
      asked: rangeOf(request),
    })),
  );
}

function answered(settings: CaisoSettings, clock: Clock, name: PartitionName, path: string, bytes: Buffer): Answer {
  return { payload: { bytes, name }, request: urlOf(settings.CAISO_OASIS_URL, path), publishedAt: clock.now() };
}

interface OasisAnswer {
  readonly bytes: Buffer;
  /** `NO_DATA`, or `MALFORMED`, which the pipeline will say too and keep the bytes; undefined where it seems to be data. */
  readonly error: BusbarError | undefined;
}

/** @returns undefined where polling was ended meanwhile. */
async function answerTo(
  { settings, http, signal, takesDamaged }: Polling,
  name: PartitionName,
  path: string,
): Promise<OasisAnswer | undefined> {
  const url = urlOf(settings.CAISO_OASIS_URL, path);
  try {
    const answer = await fetchOasis(http, name, url, signal);
    if (answer.error?.code === 'MALFORMED' && !takesDamaged) throw requestError(answer.error, url);
    return answer;
  } catch (error) {
    if (signal.aborted) return undefined;
    throw error;
  }
}

/**
 * One answer of OASIS, its errors told apart by what the body says. One that is still damaged at the last try is an answer.
 * @throws BusbarError `THROTTLED` and `SOURCE_FAILED` (after retries), `SOURCE_REFUSED`; `MALFORMED` where it is too large.
 */
function fetchOasis(http: HttpSource, name: PartitionName, url: string, signal: AbortSignal): Promise<OasisAnswer> {
  const read = async ({ bytes }: HttpAnswer): Promise<OasisAnswer> => {
    const error = await errorInAnswer({ bytes, name });
    if (error?.code === 'MALFORMED') throw error;
    if (error && error.code !== 'NO_DATA') throw requestError(error, url);
    return { bytes, error };
  };
  return http.get(url, read, {
    endpoint: name,
    signal,
    outcomeOf: ({ error }) => outcomeOfAnswer({ noData: error !== undefined }),
    whenDamaged: ({ bytes }, error) => ({ bytes, error }),
  });
}

function requestError(error: BusbarError, url: string): BusbarError {
  return new BusbarError(error.code, error.message, { cause: error, details: { ...error.details, request: url } });
}
