/**
 * Of an endpoint: its last calls all failed. Of a source, over all of its endpoints: so many failed, or fewer where it has
 * answered nothing for a while. "No data" is an answer; a throttled call, or one that was refused for its credentials, shows
 * that somebody is there.
 *
 * A source that fails altogether is left alone by its circuit breaker before each of its endpoints has failed often enough:
 * both numbers lie below the breaker's. An endpoint that is down by itself is told of by itself, and says nothing of the others.
 */
import { type CallOutcome, isAnswered } from '../../domain/source-call.ts';
import {
  CALLS_SEEN,
  type EndpointStanding,
  isOfNow,
  type Notice,
  newestOf,
  type OpenNotice,
  type RecentCall,
  WINDOW_MS,
  whatWasSaid,
} from './standing.ts';

/** Failures in a row that are no accident: a request is tried that often within minutes. */
export const DOWN_CALLS = CALLS_SEEN;
/** Enough where the source has answered nothing within `WINDOW_MS`: who is asked seldom, or not any more, fails seldom. */
export const DOWN_CALLS_UNANSWERED = 3;
/** Answers in a row after which a source is back; or one, where nothing went wrong for `WINDOW_MS` after it. */
const UP_CALLS = 2;

/** @param endpoints all of one source. */
export function whatIsDown(endpoints: readonly EndpointStanding[], now: number): Notice[] {
  const detail = whySourceIsDown(endpoints, now);
  const source = detail === undefined ? [] : [{ endpoint: null, detail }];
  return [...source, ...endpoints.filter((each) => isDown(each) && isOfNow(each.newest[0], now)).map(noticeOf)];
}

/**
 * An answer of the time before counts for nothing: where others are found to be down by themselves, it may be the newest of
 * those that are left.
 */
export function isBack(
  endpoints: readonly EndpointStanding[],
  { endpoint, openedAt }: OpenNotice,
  now: number,
): boolean {
  if (endpoint !== null) return endpoints.every((each) => each.endpoint !== endpoint || isUp(each.newest, now));
  const [last] = newestOf(endpoints);
  if (!last || isQuietSince(last, now)) return true;
  const others = newestOf(endpoints.filter((each) => !isDown(each))).slice(0, UP_CALLS);
  return (
    others.length === UP_CALLS && others.every(({ outcome, at }) => isAnswered(outcome) && at > openedAt.getTime())
  );
}

function whySourceIsDown(endpoints: readonly EndpointStanding[], now: number): string | undefined {
  const isUnanswered = endpoints.every(({ answers }) => answers === 0);
  const calls = isUnanswered ? DOWN_CALLS_UNANSWERED : DOWN_CALLS;
  const last = newestOf(endpoints.filter((each) => !isDown(each))).slice(0, calls);
  if (!isOfNow(last[0], now) || !haveFailed(last, calls)) return undefined;
  return `the last ${calls} calls failed, of ${[...new Set(last.map(({ endpoint }) => endpoint))].join(', ')}: ${whatWasSaid(last[0])}`;
}

function noticeOf({ endpoint, newest }: EndpointStanding): Notice {
  return { endpoint, detail: `the last ${DOWN_CALLS} calls of ${endpoint} failed: ${whatWasSaid(newest[0])}` };
}

function isDown({ newest }: EndpointStanding): boolean {
  return haveFailed(newest.slice(0, DOWN_CALLS), DOWN_CALLS);
}

function haveFailed(calls: readonly RecentCall[], count: number): boolean {
  return calls.length === count && calls.every(({ outcome }) => isFailure(outcome));
}

function isUp(newest: readonly RecentCall[], now: number): boolean {
  const [last] = newest;
  if (!last || isQuietSince(last, now)) return true;
  return newest.slice(0, UP_CALLS).every(({ outcome }) => isAnswered(outcome));
}

function isQuietSince({ outcome, at }: RecentCall, now: number): boolean {
  return isAnswered(outcome) && at <= now - WINDOW_MS;
}

function isFailure(outcome: CallOutcome): boolean {
  return !isAnswered(outcome) && outcome !== 'THROTTLED' && outcome !== 'AUTH';
}
