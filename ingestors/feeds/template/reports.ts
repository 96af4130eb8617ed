import { HOUR_MS } from '../../../domain/instant.ts';
import type { Report } from '../../sources/report-poller.ts';

/** The market whose prices these are: nodes are named after it. */
export const MARKET = 'PJM';

/** The clock that the reports are written by. */
export const TIME_ZONE = 'America/New_York';

/** As they stand in the paths of requests; each is a partition of the feed. */
export const REPORT_NAMES = ['day-ahead', 'real-time'] as const;

export type ReportName = (typeof REPORT_NAMES)[number];

export const REPORTS: Readonly<Record<ReportName, Report>> = {
  'day-ahead': {
    run: 'DAY_AHEAD_HOURLY',
    // Tomorrow is published at 13:00: from noon on it begins less than twelve hours ahead.
    publishedAheadMs: 12 * HOUR_MS,
    settlesAfterMs: 0,
  },
  'real-time': {
    run: 'REAL_TIME_HOURLY',
    publishedAheadMs: 0,
    // An hour is published some ten minutes after its end; until this has passed it is asked for again.
    settlesAfterMs: 2 * HOUR_MS,
  },
};
