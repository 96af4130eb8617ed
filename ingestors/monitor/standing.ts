/** What the rules of alerts look at. */
import { MINUTE_MS } from '../../domain/instant.ts';
import type { CallOutcome } from '../../domain/source-call.ts';

/** The calls of an endpoint as the rules see them. */
export interface EndpointStanding {
  readonly source: string;
  readonly endpoint: string;
  /** The newest first: at most `CALLS_SEEN`, of the last day. */
  readonly newest: readonly RecentCall[];
  /** Answers of the last `WINDOW_MS`. */
  readonly answers: number;
  /** Milliseconds that 95 of 100 of those took at most; null where there are none. */
  readonly p95Ms: number | null;
  /** Answers of the day before those, and their median in milliseconds; null where there are none. */
  readonly usualAnswers: number;
  readonly usualMs: number | null;
}

export interface RecentCall {
  /** Milliseconds UTC. */
  readonly at: number;
  readonly outcome: CallOutcome;
  readonly error: string | null;
}

/** So far back is "now". */
export const WINDOW_MS = 15 * MINUTE_MS;

/** How many of the newest calls the rules look at, of an endpoint and of a source. */
export const CALLS_SEEN = 5;

/** Of an alert that is to be open. */
export interface Notice {
  /** Null: all of the source. */
  readonly endpoint: string | null;
  /** For people. */
  readonly detail: string;
}

/** What the rules look at of an alert that is open. */
export interface OpenNotice {
  readonly endpoint: string | null;
  readonly openedAt: Date;
}

/** The newest calls of several endpoints, newest first: as many as are seen of each, since more would not be all there were. */
export function newestOf(
  endpoints: readonly EndpointStanding[],
): readonly (RecentCall & { readonly endpoint: string })[] {
  return endpoints
    .flatMap(({ endpoint, newest }) => newest.map((call) => ({ ...call, endpoint })))
    .sort((one, other) => other.at - one.at)
    .slice(0, CALLS_SEEN);
}

/** What was noticed long ago is no news: an alert opens on calls of now. */
export function isOfNow(call: RecentCall | undefined, now: number): boolean {
  return call !== undefined && call.at > now - WINDOW_MS;
}

export function whatWasSaid(call: RecentCall | undefined): string {
  return call?.error ?? call?.outcome ?? '';
}
