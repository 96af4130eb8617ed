import { DAY_MS, HOUR_MS } from '../../../domain/instant.ts';
import type { Report } from '../../sources/report-poller.ts';

/** The clock of the market and of its days. */
export const ZONE = 'America/New_York';

/** A report of the web services: its path, and the keys under which its answer holds rows. */
export interface IsoneReport extends Report {
  readonly path: string;
  readonly list: string;
  readonly row: string;
  /** A final price will follow. */
  readonly preliminary: boolean;
}

export const REPORT_NAMES = [
  'hourlylmp-da-final',
  'hourlylmp-rt-prelim',
  'hourlylmp-rt-final',
  'fiveminutelmp-prelim',
  'fiveminutelmp-final',
] as const;

export type ReportName = (typeof REPORT_NAMES)[number];

const HOURLY = { list: 'HourlyLmps', row: 'HourlyLmp' } as const;
const FIVE_MINUTE = { list: 'FiveMinLmps', row: 'FiveMinLmp' } as const;

/**
 * Final prices come one to a few days later, a day at a time. Only days that have ended are asked for (the longest has 25
 * hours), and a week covers a weekend with holidays.
 */
const FINAL = { preliminary: false, publishedAheadMs: -25 * HOUR_MS, settlesAfterMs: 7 * DAY_MS, whole: true } as const;

export const REPORTS: Readonly<Record<ReportName, IsoneReport>> = {
  'hourlylmp-da-final': {
    path: 'hourlylmp/da/final',
    ...HOURLY,
    run: 'DAY_AHEAD_HOURLY',
    preliminary: false,
    // Tomorrow begins twelve hours from noon, and before noon it is not published.
    publishedAheadMs: 12 * HOUR_MS,
    settlesAfterMs: DAY_MS,
    whole: true,
  },
  'hourlylmp-rt-prelim': {
    path: 'hourlylmp/rt/prelim',
    ...HOURLY,
    run: 'REAL_TIME_HOURLY',
    preliminary: true,
    publishedAheadMs: 0,
    settlesAfterMs: 3 * HOUR_MS,
  },
  'hourlylmp-rt-final': { path: 'hourlylmp/rt/final', ...HOURLY, run: 'REAL_TIME_HOURLY', ...FINAL },
  'fiveminutelmp-prelim': {
    path: 'fiveminutelmp/prelim',
    ...FIVE_MINUTE,
    run: 'REAL_TIME_5_MIN',
    preliminary: true,
    publishedAheadMs: 0,
    settlesAfterMs: 2 * HOUR_MS,
  },
  'fiveminutelmp-final': { path: 'fiveminutelmp/final', ...FIVE_MINUTE, run: 'REAL_TIME_5_MIN', ...FINAL },
};

/**
 * The report that a payload's name speaks of, as in `hourlylmp-da-final`, `hourlylmp_rt_20241103_prelim.json` or the path of a
 * request: its words, in any order and with others between them. The answer itself tells neither day-ahead from real-time nor
 * preliminary from final.
 * @returns undefined where the name speaks of none, or of two.
 */
export function reportNamedIn(payloadName: string): ReportName | undefined {
  const words = new Set(payloadName.toLowerCase().split(/[^a-z0-9]+/));
  if (OPPOSITES.some((pair) => pair.every((word) => words.has(word)))) return undefined;
  return REPORT_NAMES.find((name) => name.split('-').every((word) => words.has(word)));
}

/** A name with both of a pair does not say which it is. */
const OPPOSITES = [
  ['da', 'rt'],
  ['prelim', 'final'],
  ['hourlylmp', 'fiveminutelmp'],
] as const;
