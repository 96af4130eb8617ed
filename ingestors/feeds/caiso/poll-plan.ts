import { HOUR_MS } from '../../../domain/instant.ts';
import { operatingDayStart, pacificHour } from './pacific.ts';
import { intervalMsOf, type Report } from './reports.ts';
import { roundedDown, roundedUp, type Window, windowsOf } from './requests.ts';

/**
 * What a poll asks for, and how far it may move its position.
 *
 *   real time   position ──────────────── settled ──── now ──── horizon
 *               asked in windows; the position ends at `settled`, so what lies after it is asked for again next time
 *
 *   day-ahead   position ──────────────── settled = today ──── tomorrow ──── horizon
 *               history in windows, then day by day: a day that has data is complete, and the position moves past it
 *
 * No data before `settled` means that there is none; after it, that it may still come.
 */
export interface PollPlan {
  readonly windows: readonly Window[];
  readonly settledUntil: number;
  /** The position never moves past it, whatever came. */
  readonly positionMax: number;
}

/** CAISO publishes the day-ahead market at about 13:00 Pacific; before that there is no use in asking for tomorrow. */
const DAY_AHEAD_PUBLISHED_HOUR = 13;

export function pollPlan(report: Report, position: number | undefined, now: number, lookbackMs: number): PollPlan {
  return report.realTime === null
    ? dayAheadPlan(report, position, now, lookbackMs)
    : realTimePlan(report, report.realTime, position, now, lookbackMs);
}

function dayAheadPlan(report: Report, position: number | undefined, now: number, lookbackMs: number): PollPlan {
  const start = position ?? operatingDayStart(now - lookbackMs);
  const days = [0, ...(pacificHour(now) >= DAY_AHEAD_PUBLISHED_HOUR ? [1] : [])];
  const today = operatingDayStart(now);
  const daily = days
    .map((day) => ({ start: Math.max(start, operatingDayStart(now, day)), end: operatingDayStart(now, day + 1) }))
    .filter((window) => window.start < window.end);
  return {
    windows: [...windowsOf(report, start, today), ...daily],
    settledUntil: today,
    positionMax: Number.POSITIVE_INFINITY,
  };
}

function realTimePlan(
  report: Report,
  { settlesAfterMs, publishedAheadMs }: NonNullable<Report['realTime']>,
  position: number | undefined,
  now: number,
  lookbackMs: number,
): PollPlan {
  const intervalMs = intervalMsOf(report);
  const start = position ?? roundedDown(now - lookbackMs, HOUR_MS);
  const settledUntil = roundedDown(now - settlesAfterMs, intervalMs);
  const windows = windowsOf(report, start, roundedUp(now + publishedAheadMs, intervalMs));
  return { windows, settledUntil, positionMax: settledUntil };
}
