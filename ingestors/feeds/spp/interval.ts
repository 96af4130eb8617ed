import { HOUR_MS, isoFromInstant, MINUTE_MS } from '../../../domain/instant.ts';
import { endLabelsOf } from './interval-files.ts';
import type { Problem } from './problem.ts';

export interface Interval {
  readonly startAt: number;
  readonly endAt: number;
}

/** Central time is so far behind UTC, in summer and in winter. */
const OFFSETS_MS = [5 * HOUR_MS, 6 * HOUR_MS];

/**
 * Finds the interval of a row by its two times, both of which are its end: GMTIntervalEnd (UTC) says which it is, and Interval
 * (Central) must not contradict it. Without GMTIntervalEnd an Interval that can mean only one end will do.
 *
 * A file has few different times and names each of them very often, so that each is worked out once.
 */
export function createIntervalFinder(lengthMs: number): (label: string, gmt: string) => Interval | Problem {
  const known = new Map<string, Interval | Problem>();
  return (label, gmt) => {
    const key = `${label}|${gmt}`;
    let found = known.get(key);
    if (!found) {
      found = intervalFrom(label, gmt, lengthMs);
      known.set(key, found);
    }
    return found;
  };
}

/**
 * `6/1/2026 01:00` and `04/12/2026 01:00:00`, as if it were UTC, in milliseconds.
 * @returns undefined where the text is no such time.
 */
export function timeFrom(text: string): number | undefined {
  const parts = /^(\d{1,2})\/(\d{1,2})\/(\d{4})\s+(\d{1,2}):(\d{2})(?::(\d{2}))?$/.exec(text)?.slice(1);
  if (!parts) return undefined;
  const [month = 0, day = 0, year = 0, hour = 0, minute = 0, second = 0] = parts.map((part) => Number(part ?? 0));
  const ms = Date.UTC(year, month - 1, day, hour, minute, second);
  // Date.UTC rolls the 31st of June over into July, and 24:00 into the next day.
  const shown = new Date(ms);
  const isReal = shown.getUTCMonth() === month - 1 && shown.getUTCDate() === day && shown.getUTCHours() === hour;
  return isReal && minute < 60 && second < 60 ? ms : undefined;
}

function intervalFrom(label: string, gmt: string, lengthMs: number): Interval | Problem {
  const endAt = gmt === '' ? endLabelled(label, lengthMs) : endStated(gmt, label, lengthMs);
  if (typeof endAt !== 'number') return endAt;
  if (endAt % lengthMs !== 0) {
    return badTime(`the interval ends at ${isoFromInstant(endAt)}, not on the grid of ${lengthMs / MINUTE_MS} minutes`);
  }
  return { startAt: endAt - lengthMs, endAt };
}

function endStated(gmt: string, label: string, lengthMs: number): number | Problem {
  const endAt = timeFrom(gmt);
  if (endAt === undefined) return badTime(`GMTIntervalEnd is "${gmt}", expected a time as in 04/12/2026 01:00:00`);
  const shown = timeFrom(label);
  if (shown !== undefined && !endLabelsOf(endAt, lengthMs).includes(shown)) {
    return badTime(`Interval is "${label}", but GMTIntervalEnd is "${gmt}": another Central time`);
  }
  return endAt;
}

function endLabelled(label: string, lengthMs: number): number | Problem {
  if (label === '') return { code: 'MISSING_FIELD', reason: 'GMTIntervalEnd and Interval are blank' };
  const shown = timeFrom(label);
  if (shown === undefined) return badTime(`Interval is "${label}", expected a time as in 04/12/2026 01:00:00`);
  const ends = OFFSETS_MS.map((offset) => shown + offset).filter((end) => endLabelsOf(end, lengthMs).includes(shown));
  const [end, ...others] = ends;
  if (end === undefined) return badTime(`Interval is "${label}", a time that Central clocks leave out`);
  if (others.length === 0) return end;
  return { code: 'AMBIGUOUS_TIME', reason: `Interval is "${label}", which comes twice, and GMTIntervalEnd is blank` };
}

function badTime(reason: string): Problem {
  return { code: 'BAD_TIME', reason };
}
