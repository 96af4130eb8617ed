import { DAY_MS, HOUR_MS } from '../../../domain/instant.ts';
import type { Report } from '../../sources/report-poller.ts';

/** Where MISO has a report, and in which form. */
export type ReportKind = 'day-file' | 'display' | 'pricing-api';

export interface MisoReport extends Report {
  readonly kind: ReportKind;
  readonly preliminary?: boolean;
}

export const REPORT_NAMES = [
  'da_expost_lmp',
  'rt_lmp_prelim',
  'rt_lmp_final',
  'GetRealTimeFiveMinExPost',
  'lmp-expost',
] as const;

export type ReportName = (typeof REPORT_NAMES)[number];

/** The file of a day begins in its name with the day: `20251102_da_expost_lmp.csv`. README.md says what the times rest on. */
export const REPORTS: Readonly<Record<ReportName, MisoReport>> = {
  // Tomorrow's file comes from 13:00 on.
  da_expost_lmp: {
    kind: 'day-file',
    run: 'DAY_AHEAD_HOURLY',
    whole: true,
    publishedAheadMs: 11 * HOUR_MS,
    settlesAfterMs: 2 * DAY_MS,
  },
  // A day's file comes in the morning of the next.
  rt_lmp_prelim: {
    kind: 'day-file',
    run: 'REAL_TIME_HOURLY',
    preliminary: true,
    whole: true,
    publishedAheadMs: -30 * HOUR_MS,
    settlesAfterMs: 3 * DAY_MS,
  },
  // A day's file comes about six days after it began.
  rt_lmp_final: {
    kind: 'day-file',
    run: 'REAL_TIME_HOURLY',
    whole: true,
    publishedAheadMs: -5 * DAY_MS,
    settlesAfterMs: 14 * DAY_MS,
  },
  GetRealTimeFiveMinExPost: {
    kind: 'display',
    run: 'REAL_TIME_5_MIN',
    publishedAheadMs: 0,
    settlesAfterMs: HOUR_MS,
  },
  // Final five-minute prices, likewise.
  'lmp-expost': {
    kind: 'pricing-api',
    run: 'REAL_TIME_5_MIN',
    whole: true,
    publishedAheadMs: -5 * DAY_MS,
    settlesAfterMs: 14 * DAY_MS,
  },
};

export function isReportName(text: string): text is ReportName {
  return Object.hasOwn(REPORTS, text);
}
