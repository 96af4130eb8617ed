import { instantsAt, type WallTime } from '../../../domain/calendar.ts';
import { intervalMsOf } from '../../sources/report-poller.ts';
import { CENTRAL, REPORTS, type ReportName } from './reports.ts';

export interface DeliveryInterval {
  readonly startAt: number;
  readonly endAt: number;
}

export interface TimeProblem {
  readonly code: 'BAD_TIME' | 'AMBIGUOUS_TIME' | 'BAD_VALUE';
  readonly reason: string;
}

/**
 * The interval that ERCOT's labels name, hour-ending and Central:
 *
 *   np4-190-cd   deliveryDate 2025-11-02, hourEnding 02:00                          01:00 to 02:00
 *   np6-905-cd   deliveryDate 2025-11-02, deliveryHour 2, deliveryInterval 3        01:30 to 01:45
 *   np6-788-cd   SCEDTimestamp 2026-06-25T00:40:18                                  00:40:18 to 00:45:18
 *
 * A run of SCED holds until the next one, which is not in the row: its interval is taken to be five minutes long.
 * The flag is what tells the two passes through the repeated hour apart; elsewhere it must not be set.
 */
export function intervalOf(report: ReportName, when: readonly string[], flag: string): DeliveryInterval | TimeProblem {
  const repeated = flagFrom(flag);
  if (repeated === undefined) return { code: 'BAD_VALUE', reason: `the flag of the repeated hour is "${flag}"` };
  const label = when.join(' ');
  const wall = wallTimeFrom(report, when);
  if (!wall) return { code: 'BAD_TIME', reason: `"${label}" is no time of ${report}` };
  const startAt = startFrom(instantsAt(CENTRAL, wall), repeated, label);
  return typeof startAt === 'number' ? { startAt, endAt: startAt + intervalMsOf(REPORTS[report]) } : startAt;
}

function startFrom(instants: readonly number[], repeated: boolean | null, label: string): number | TimeProblem {
  const [first, second] = instants;
  if (first === undefined) return { code: 'BAD_TIME', reason: `"${label}" does not exist on Central clocks` };
  if (second === undefined) {
    if (repeated) return { code: 'BAD_TIME', reason: `"${label}" is flagged as the repeated hour, but comes once` };
    return first;
  }
  if (repeated !== null) return repeated ? second : first;
  return { code: 'AMBIGUOUS_TIME', reason: `"${label}" comes twice and there is no flag that tells which it is` };
}

/** @returns null where there is none, undefined where it is something else. */
function flagFrom(text: string): boolean | null | undefined {
  if (text === '') return null;
  if (/^(?:true|y)$/i.test(text)) return true;
  return /^(?:false|n)$/i.test(text) ? false : undefined;
}

/** When the interval begins, on the clock; undefined where the labels are not of the report's form. */
function wallTimeFrom(
  report: ReportName,
  [first = '', second = '', third = '']: readonly string[],
): WallTime | undefined {
  if (report === 'np6-788-cd') return momentFrom(first);
  const date = dateFrom(first);
  const hourEnding = report === 'np4-190-cd' ? /^(\d{1,2}):00$/.exec(second)?.[1] : /^\d{1,2}$/.exec(second)?.[0];
  const hour = Number(hourEnding) - 1;
  const quarter = report === 'np6-905-cd' ? Number(/^[1-4]$/.exec(third)?.[0]) : 1;
  if (!date || !(hour >= 0 && hour <= 23) || Number.isNaN(quarter)) return undefined;
  return { ...date, hour, minute: (quarter - 1) * 15 };
}

/** `2026-06-25T00:40:18` of the API, `06/25/2026 00:40:18` of a CSV. */
function momentFrom(text: string): WallTime | undefined {
  const [, day = '', hour, minute, second] = /^(\S{8,10})[T ](\d{1,2}):(\d{2}):(\d{2})(?:\.0+)?$/.exec(text) ?? [];
  const date = dateFrom(day);
  return date && { ...date, hour: Number(hour), minute: Number(minute), second: Number(second) };
}

/** `2025-11-02` of the API, `11/02/2025` of a CSV. */
function dateFrom(text: string): Pick<WallTime, 'year' | 'month' | 'day'> | undefined {
  const iso = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text);
  if (iso) return { year: Number(iso[1]), month: Number(iso[2]), day: Number(iso[3]) };
  const us = /^(\d{1,2})\/(\d{1,2})\/(\d{4})$/.exec(text);
  return us ? { year: Number(us[3]), month: Number(us[1]), day: Number(us[2]) } : undefined;
}
