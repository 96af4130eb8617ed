import { HOUR_MS, MINUTE_MS } from '../../../domain/instant.ts';
import type { Report } from '../../sources/report-poller.ts';

/** The reports of SPP's portal, by the names of its folders. */
export const REPORT_NAMES = ['da-lmp-by-settlement-location', 'rtbm-lmp-by-location'] as const;

export type ReportName = (typeof REPORT_NAMES)[number];

export const REPORTS: Readonly<Record<ReportName, Report>> = {
  // Tomorrow's file comes in the early afternoon, Central: from noon on it lies less than twelve hours ahead.
  'da-lmp-by-settlement-location': {
    run: 'DAY_AHEAD_HOURLY',
    publishedAheadMs: 12 * HOUR_MS,
    settlesAfterMs: 0,
  },
  'rtbm-lmp-by-location': {
    run: 'REAL_TIME_5_MIN',
    publishedAheadMs: 0,
    settlesAfterMs: 20 * MINUTE_MS,
  },
};

/**
 * The report that a payload's or a file's name speaks of, as in `DA-LMP-SL-202604120100.csv`; undefined where it names none,
 * and null where it names one that is not read here: prices by bus, and the WEIS, another market with the same columns.
 */
export function reportNamedIn(name: string): ReportName | null | undefined {
  if (/weis|by-bus|lmp-b-|lmp-daily-b/i.test(name)) return null;
  if (/da-lmp-(?:sl|by-settlement-location|by-location)/i.test(name)) return 'da-lmp-by-settlement-location';
  if (/rtbm-lmp-(?:sl|daily-sl|by-location)/i.test(name)) return 'rtbm-lmp-by-location';
  return undefined;
}
