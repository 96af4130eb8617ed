/** Of an endpoint: answers take far longer than they use to, or longer than anybody waits. */
import type { EndpointStanding, Notice, OpenNotice } from './standing.ts';

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

/** @param endpoints all of one source. */
export function whatIsSlow(endpoints: readonly EndpointStanding[]): Notice[] {
  return endpoints.flatMap((each) => {
    const detail = whySlow(each);
    return detail === undefined ? [] : [{ endpoint: each.endpoint, detail }];
  });
}

/** Also where it answers no more: that is DOWN, or nobody asks. */
export function isQuick(endpoints: readonly EndpointStanding[], { endpoint }: OpenNotice): boolean {
  return endpoints
    .filter((each) => each.endpoint === endpoint)
    .every((each) => each.p95Ms === null || each.p95Ms <= SLOW_RELEASE * slowMs(each));
}

function whySlow(standing: EndpointStanding): string | undefined {
  const { answers, p95Ms, usualMs, endpoint } = standing;
  const limitMs = slowMs(standing);
  if (p95Ms === null || answers < SLOW_ANSWERS_MIN || p95Ms <= limitMs) return undefined;
  const usual = usualMs === null ? '' : `, usually half of them within ${Math.round(usualMs)} ms`;
  return `95 of 100 answers of ${endpoint} take up to ${Math.round(p95Ms)} ms${usual}`;
}

function slowMs({ usualAnswers, usualMs }: EndpointStanding): number {
  if (usualMs === null || usualAnswers < USUAL_ANSWERS_MIN) return SLOW_MS_MAX;
  const longMs = Math.max(SLOW_MS_MAX, SLOW_TIMES_LONG * usualMs);
  return Math.max(SLOW_MS_MIN, Math.min(SLOW_TIMES_USUAL * usualMs, longMs));
}
