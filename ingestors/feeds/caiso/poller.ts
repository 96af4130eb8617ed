import { BusbarError } from '../../../domain/errors.ts';
import { HOUR_MS } from '../../../domain/instant.ts';
import type { Fetched, Poller } from '../../feed.ts';
import { type Clock, createHttpSource, createPacer, type HttpSource } from '../../sources/http.ts';
import { errorInAnswer } from './decode.ts';
import { pollPlan } from './poll-plan.ts';
import { isReportName, REPORTS, type ReportName } from './reports.ts';
import { type OasisRequest, requestsFor, urlOf } from './requests.ts';
import type { CaisoSettings } from './settings.ts';

/** A month of ten nodes is some 6 MB before it is zipped; a group download of all nodes is below 10 MB zipped. */
const ANSWER_BYTES_MAX = 64 * 1024 * 1024;

/** OASIS takes up to a minute to make a large report. */
const TIMEOUT_MS = 120_000;

/** The least pause that clears a throttle is OASIS' own spacing of 5 s. */
const RETRIES = { triesMax: 5, backoffMs: 10_000, backoffMsMax: 120_000 };

export interface OasisParts {
  readonly clock: Clock;
  readonly random: () => number;
}

/**
 * Asks OASIS for what is new in a report. Requests of all partitions are spaced together.
 *
 * An answer that says "no data" is yielded only where it moves the position, which it does only for the past: the
 * ledger then shows that the gap was asked for. An answer that cannot be read is yielded, so that it becomes a dead
 * letter; while its intervals are not settled it is asked for again. Polling ends quietly when it is aborted or the poller closed.
 */
export function createOasisPoller(settings: CaisoSettings, { clock, random }: OasisParts): Poller {
  const pacer = createPacer(settings.CAISO_REQUEST_SPACING_MS, clock);
  const http = createHttpSource({
    clock,
    random,
    pacer,
    timeoutMs: TIMEOUT_MS,
    bytesMax: ANSWER_BYTES_MAX,
    ...RETRIES,
  });
  const closing = new AbortController();
  return {
    poll: (partition, position, now, signal) => {
      if (!isReportName(partition)) throw new TypeError(`not a report of CAISO: ${partition}`);
      const either = AbortSignal.any([signal, closing.signal]);
      return poll({ settings, clock, http, signal: either }, partition, position, now);
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
}

async function* poll(
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
      const answer = await answerTo(polling, request);
      if (!answer) return;
      if (answer.error) ceiling = Math.min(ceiling, plan.settledUntil);
      // Until the last ten nodes have been asked for, the window itself is still to be done.
      const done = request === requests.at(-1) ? window.end : window.start;
      const next = Math.max(reached, Math.min(done, ceiling));
      if (answer.error?.code === 'NO_DATA' && next === reached) continue;
      reached = next;
      const payload = { bytes: answer.bytes, name: reportName };
      yield { payload, request: urlOf(settings.CAISO_OASIS_URL, request), publishedAt: clock.now(), next };
      if (signal.aborted) return;
    }
  }
}

interface OasisAnswer {
  readonly bytes: Buffer;
  /** `NO_DATA`, or `MALFORMED`, which the pipeline will say too and keep the bytes; undefined where it seems to be data. */
  readonly error: BusbarError | undefined;
}

/** @returns undefined where polling was ended meanwhile. */
async function answerTo({ settings, http, signal }: Polling, request: OasisRequest): Promise<OasisAnswer | undefined> {
  try {
    return await fetchOasis(http, urlOf(settings.CAISO_OASIS_URL, request), signal);
  } catch (error) {
    if (signal.aborted) return undefined;
    throw error;
  }
}

/**
 * One answer of OASIS, its errors told apart by what the body says.
 * @throws BusbarError `THROTTLED` and `SOURCE_FAILED` (after retries), `SOURCE_REFUSED`; `MALFORMED` where it is too large.
 */
function fetchOasis(http: HttpSource, url: string, signal: AbortSignal): Promise<OasisAnswer> {
  const read = async ({ bytes }: { readonly bytes: Buffer }) => {
    const error = await errorInAnswer(bytes);
    if (error && error.code !== 'NO_DATA' && error.code !== 'MALFORMED') throw requestError(error, url);
    return { bytes, error };
  };
  return http.get(url, read, { signal });
}

function requestError(error: BusbarError, url: string): BusbarError {
  return new BusbarError(error.code, error.message, { cause: error, details: { ...error.details, request: url } });
}
