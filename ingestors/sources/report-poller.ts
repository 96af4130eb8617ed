/**
 * Polls a vendor's reports: what most sources have in common. A feed says which reports there are, how a range of delivery
 * intervals is cut into requests, and how one request is answered.
 */
import { BusbarError } from '../../domain/errors.ts';
import { MINUTE_MS } from '../../domain/instant.ts';
import { intervalMinutesOf, type MarketRun } from '../../domain/market-run.ts';
import type { Answer, Chunk, ChunkRange, Clock, DeliveryRange, Fetched, Poller } from '../feed.ts';

/** A report of a vendor: one partition of its feed, and one market run. */
export interface Report {
  readonly run: MarketRun;
  /** How far after now its newest intervals begin: a day-ahead report tells of tomorrow, a real-time one of nothing to come. */
  readonly publishedAheadMs: number;
  /** So long after its end an interval is published and settled. Until then "no data" means that it may yet come. */
  readonly settlesAfterMs: number;
  /** What it says of a day is said once and whole, as final prices are: with data it is settled, however old or young. */
  readonly whole?: boolean;
}

/** A request of a report for delivery intervals that start in a range. Its text is all that the vendor needs, without secrets. */
export type ReportRequest = Chunk;

/** What a vendor answered. */
export interface ReportAnswer {
  readonly bytes: Buffer;
  /** The vendor has nothing there, or not yet: its way of saying so, which the decoder understands too. */
  readonly noData?: boolean;
  /** What came cannot be read: it goes to the dead letters, and is asked for again until it is settled. */
  readonly damaged?: boolean;
  /** When the vendor published it, as far as it says so. Milliseconds UTC. */
  readonly publishedAt?: number;
}

export interface ReportSource<Name extends string> {
  /** What the vendor is called in errors. */
  readonly vendor: string;
  readonly reports: Readonly<Record<Name, Report>>;
  /**
   * Requests for the intervals that start in a range, oldest first; they may reach beyond it, as a file of a whole day does.
   * Several may be for the same intervals, as where each node is asked for by itself.
   * @throws BusbarError `BAD_USER_INPUT` where the vendor cannot be asked for that.
   */
  requestsFor(report: Name, asked: ChunkRange): readonly ReportRequest[];
  /** Whether a text is one of its requests: of a job that an older version planned it may not be. */
  isRequest(report: Name, request: string): boolean;
  /** @throws BusbarError `THROTTLED`, `SOURCE_FAILED` after retries, `SOURCE_REFUSED`. */
  ask(report: Name, request: string, signal: AbortSignal): Promise<ReportAnswer>;
  /** How far back a first poll goes; further where a report settles later than that. */
  readonly lookbackMs: number;
  readonly clock: Clock;
  close(): Promise<void>;
}

/** What a vendor can be asked for, without asking it. */
export type ReportPlan<Name extends string> = Pick<ReportSource<Name>, 'vendor' | 'reports' | 'requestsFor'>;

/**
 * The position is the end of what was asked for and is settled. Each poll asks from there on, so that a real-time report is
 * asked again for its last intervals until they are settled, and a day-ahead one for tomorrow until it is there.
 */
export function createReportPoller<Name extends string>(source: ReportSource<Name>): Poller {
  const closing = new AbortController();
  return {
    poll: (partition, position, now, signal) =>
      pollReport(source, reportIn(source, partition), position, now, AbortSignal.any([signal, closing.signal])),
    fetch: async (partition, request, signal) => {
      const name = reportIn(source, partition);
      if (!source.isRequest(name, request)) {
        throw new BusbarError('BAD_USER_INPUT', `this is no request to ${source.vendor} for ${partition}: ${request}`);
      }
      const answer = await source.ask(name, request, AbortSignal.any([signal, closing.signal]));
      return answered(source, name, request, answer);
    },
    close: async () => {
      closing.abort();
      await source.close();
    },
  };
}

/**
 * The requests of a backfill.
 * @throws BusbarError `BAD_USER_INPUT` for a partition that there is not, and what `requestsFor` throws.
 */
export function reportChunks<Name extends string>(
  source: ReportPlan<Name>,
  partition: string,
  asked: ChunkRange,
): readonly Chunk[] {
  return source.requestsFor(reportIn(source, partition), asked);
}

export function intervalMsOf({ run }: Pick<Report, 'run'>): number {
  const minutes = intervalMinutesOf(run);
  if (minutes === null) throw new TypeError(`${run} has no intervals`);
  return minutes * MINUTE_MS;
}

async function* pollReport<Name extends string>(
  source: ReportSource<Name>,
  name: Name,
  position: number | undefined,
  now: number,
  signal: AbortSignal,
): AsyncGenerator<Fetched> {
  const report = source.reports[name];
  const intervalMs = intervalMsOf(report);
  // A report that settles later than the lookback would for ever be asked only for what is not there yet.
  const from = position ?? downTo(now - Math.max(source.lookbackMs, report.settlesAfterMs), intervalMs);
  const settled = downTo(now - report.settlesAfterMs, intervalMs);
  const requests = source.requestsFor(name, { from, to: now + report.publishedAheadMs, nodes: undefined });
  let reached = from;
  // What is missing and may yet come holds back all that follows it.
  let ceiling = Number.POSITIVE_INFINITY;
  for (const [at, { request, ...asked }] of requests.entries()) {
    const answer = await answerTo(source, name, request, signal);
    if (!answer) return;
    // A report of days to come is complete as it comes; what has begun is settled only with time.
    const missing = answer.noData || answer.damaged;
    const complete = report.whole || asked.from >= now ? asked.to : Math.min(asked.to, settled);
    if (missing) ceiling = Math.min(ceiling, settled);
    // Until the last request for the same intervals is answered, they are still to be done.
    const done = Math.min(complete, ceiling, requests[at + 1]?.from ?? complete);
    const next = Math.max(reached, done);
    if (answer.noData && next === reached) continue;
    reached = next;
    yield { ...answered(source, name, request, answer), next, asked: withoutPast(asked, from) };
    if (signal.aborted) return;
  }
}

/** @returns undefined where polling was ended meanwhile. */
async function answerTo<Name extends string>(
  source: ReportSource<Name>,
  name: Name,
  request: string,
  signal: AbortSignal,
): Promise<ReportAnswer | undefined> {
  try {
    return await source.ask(name, request, signal);
  } catch (error) {
    if (signal.aborted) return undefined;
    throw error;
  }
}

function answered<Name extends string>(
  { clock }: Pick<ReportSource<Name>, 'clock'>,
  name: Name,
  request: string,
  { bytes, publishedAt }: ReportAnswer,
): Answer {
  return { payload: { bytes, name }, request, publishedAt: publishedAt ?? clock.now() };
}

function reportIn<Name extends string>(
  { vendor, reports }: Pick<ReportSource<Name>, 'vendor' | 'reports'>,
  partition: string,
): Name {
  for (const name in reports) if (name === partition) return name;
  throw new BusbarError(
    'BAD_USER_INPUT',
    `${vendor} has no "${partition}": ask for one of ${Object.keys(reports).join(', ')}`,
  );
}

function withoutPast({ from, to }: DeliveryRange, position: number): DeliveryRange {
  return { from: Math.min(Math.max(from, position), to), to };
}

function downTo(instant: number, step: number): number {
  return Math.floor(instant / step) * step;
}
