/**
 * When an alert of a source opens and closes. Pure: same calls, same alerts.
 *
 * - **DOWN**, of an endpoint: the last calls all failed. "No data" is an answer; a throttled call, or one that was refused
 *   for its credentials, shows that somebody is there.
 * - **SLOW**, of an endpoint: answers take far longer than they use to, or longer than anybody waits.
 * - **AUTH**, of a whole source, whose credentials are one set: it does not know us.
 *
 * Each closes later than it opens, so that a source that comes and goes is one alert and not twenty. Where nobody asks for a
 * day, nothing is known, and all close.
 */
import { MINUTE_MS } from '../../domain/instant.ts';
import { type CallOutcome, isAnswered } from '../../domain/source-call.ts';

export type AlertKind = 'DOWN' | 'SLOW' | 'AUTH';

/** What an alert is about. */
export interface AlertPlace {
  readonly source: string;
  /** Null: all of the source. */
  readonly endpoint: string | null;
  readonly kind: AlertKind;
}

export interface NewAlert extends AlertPlace {
  /** For people. */
  readonly detail: string;
}

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

/** Failures in a row that are no accident: a request is tried that often within minutes. */
export const DOWN_CALLS = 5;
/** Answers in a row after which a source is back; or one, where nothing went wrong for `WINDOW_MS` after it. */
const UP_CALLS = 2;
/** One refusal is a token that ended; the second is another. */
const AUTH_CALLS = 2;
/** How many of the newest calls the rules look at. */
export const CALLS_SEEN = Math.max(DOWN_CALLS, UP_CALLS, AUTH_CALLS);

/** Fewer answers have no percentile worth an alert. */
const SLOW_ANSWERS_MIN = 5;
/** As many answers tell what is usual. */
const USUAL_ANSWERS_MIN = 20;
/** So many times its usual median is slow, */
const SLOW_TIMES_USUAL = 5;
/** unless it is below this, at which nothing comes late: 400 ms in the place of 40 are no alert. */
export const SLOW_MS_MIN = 2_000;
/** Slow whatever is usual, as long as usual is less than half of this: half of what a try is given. */
export const SLOW_MS_MAX = 30_000;
/** So many times its usual median is slow where large answers make that long. */
const SLOW_TIMES_LONG = 2;
/** Of the limit: an alert closes below that share of it. */
const SLOW_RELEASE = 0.8;

/**
 * @param open the alerts that are open.
 * @param now milliseconds UTC.
 * @returns which to open, and of the open ones which to close.
 */
export function judge<Open extends AlertPlace>(
  standings: readonly EndpointStanding[],
  open: readonly Open[],
  now: number,
): { readonly opened: readonly NewAlert[]; readonly closed: readonly Open[] } {
  const isOpen = new Set(open.map(keyOf));
  const opened = new Map<string, NewAlert>();
  for (const standing of standings) {
    for (const alert of alertsOf(standing, now)) if (!isOpen.has(keyOf(alert))) opened.set(keyOf(alert), alert);
  }
  const closed = open.filter(({ kind, source, endpoint }) =>
    standings
      .filter((each) => each.source === source && (endpoint === null || each.endpoint === endpoint))
      .every((each) => RULES[kind].closes(each, now)),
  );
  return { opened: [...opened.values()], closed };
}

interface Rule {
  readonly of: 'endpoint' | 'source';
  /** Why it opens; undefined where it does not. */
  opens(standing: EndpointStanding, now: number): string | undefined;
  closes(standing: EndpointStanding, now: number): boolean;
}

const RULES: Readonly<Record<AlertKind, Rule>> = {
  DOWN: { of: 'endpoint', opens: whyDown, closes: isUp },
  SLOW: { of: 'endpoint', opens: whySlow, closes: isQuick },
  AUTH: { of: 'source', opens: whyRefused, closes: isKnown },
};

const KINDS = ['DOWN', 'SLOW', 'AUTH'] as const satisfies readonly AlertKind[];

function alertsOf(standing: EndpointStanding, now: number): NewAlert[] {
  return KINDS.flatMap((kind) => {
    const detail = RULES[kind].opens(standing, now);
    if (detail === undefined) return [];
    const endpoint = RULES[kind].of === 'source' ? null : standing.endpoint;
    return [{ source: standing.source, endpoint, kind, detail }];
  });
}

function keyOf({ source, endpoint, kind }: AlertPlace): string {
  return JSON.stringify([source, endpoint, kind]);
}

/** What was noticed long ago is no news: an alert opens on calls of now. */
function isOfNow({ newest }: EndpointStanding, now: number): boolean {
  return newest[0] !== undefined && newest[0].at > now - WINDOW_MS;
}

function whyDown(standing: EndpointStanding, now: number): string | undefined {
  const last = standing.newest.slice(0, DOWN_CALLS);
  if (!isOfNow(standing, now) || last.length < DOWN_CALLS || !last.every(({ outcome }) => isFailure(outcome)))
    return undefined;
  return `the last ${DOWN_CALLS} calls of ${standing.endpoint} failed: ${whatWasSaid(last[0])}`;
}

function isUp({ newest }: EndpointStanding, now: number): boolean {
  const [last] = newest;
  if (!last) return true;
  if (!isAnswered(last.outcome)) return false;
  return newest.slice(0, UP_CALLS).every(({ outcome }) => isAnswered(outcome)) || last.at <= now - WINDOW_MS;
}

function isFailure(outcome: CallOutcome): boolean {
  return !isAnswered(outcome) && outcome !== 'THROTTLED' && outcome !== 'AUTH';
}

function whySlow(standing: EndpointStanding): string | undefined {
  const { answers, p95Ms, usualMs, endpoint } = standing;
  const limitMs = slowMs(standing);
  if (p95Ms === null || answers < SLOW_ANSWERS_MIN || p95Ms <= limitMs) return undefined;
  const usual = usualMs === null ? '' : `, usually half of them within ${Math.round(usualMs)} ms`;
  return `95 of 100 answers of ${endpoint} take up to ${Math.round(p95Ms)} ms${usual}`;
}

/** Also where it answers no more: that is DOWN, or nobody asks. */
function isQuick(standing: EndpointStanding): boolean {
  return standing.p95Ms === null || standing.p95Ms <= SLOW_RELEASE * slowMs(standing);
}

function slowMs({ usualAnswers, usualMs }: EndpointStanding): number {
  if (usualMs === null || usualAnswers < USUAL_ANSWERS_MIN) return SLOW_MS_MAX;
  const longMs = Math.max(SLOW_MS_MAX, SLOW_TIMES_LONG * usualMs);
  return Math.max(SLOW_MS_MIN, Math.min(SLOW_TIMES_USUAL * usualMs, longMs));
}

function whyRefused(standing: EndpointStanding, now: number): string | undefined {
  const last = standing.newest.slice(0, AUTH_CALLS);
  if (!isOfNow(standing, now) || last.length < AUTH_CALLS || !last.every(({ outcome }) => outcome === 'AUTH'))
    return undefined;
  return `the credentials are refused at ${standing.endpoint}: ${whatWasSaid(last[0])}`;
}

function isKnown({ newest }: EndpointStanding): boolean {
  return newest[0]?.outcome !== 'AUTH';
}

function whatWasSaid(call: RecentCall | undefined): string {
  return call?.error ?? call?.outcome ?? '';
}
