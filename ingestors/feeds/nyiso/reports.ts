import { HOUR_MS } from '../../../domain/instant.ts';
import type { MarketRun } from '../../../domain/market-run.ts';
import type { Report } from '../../sources/report-poller.ts';

/** NYISO's operating day begins at midnight in this zone; it has 23, 24 or 25 hours. */
export const EASTERN = 'America/New_York';

/** A report of prices: one file an operating day, for the zones or for the generators. */
export interface LbmpReport extends Report {
  /** The folder its files lie in. */
  readonly folder: 'damlbmp' | 'rtlbmp' | 'realtime';
  readonly places: 'zone' | 'gen';
  /** Which end of its interval a time stamp names. */
  readonly stamp: 'START' | 'END';
}

export const REPORT_NAMES = [
  'damlbmp_zone',
  'damlbmp_gen',
  'rtlbmp_zone',
  'rtlbmp_gen',
  'realtime_zone',
  'realtime_gen',
] as const;

export type ReportName = (typeof REPORT_NAMES)[number];

/** A day is published at about 11:00 on the day before: from 10:00 on it is asked for. */
const DAY_AHEAD = { run: 'DAY_AHEAD_HOURLY', publishedAheadMs: 14 * HOUR_MS, settlesAfterMs: 24 * HOUR_MS } as const;

export const REPORTS: Readonly<Record<ReportName, LbmpReport>> = {
  damlbmp_zone: { ...DAY_AHEAD, folder: 'damlbmp', places: 'zone', stamp: 'START' },
  damlbmp_gen: { ...DAY_AHEAD, folder: 'damlbmp', places: 'gen', stamp: 'START' },
  rtlbmp_zone: { ...realTime('REAL_TIME_HOURLY', 3), folder: 'rtlbmp', places: 'zone', stamp: 'START' },
  rtlbmp_gen: { ...realTime('REAL_TIME_HOURLY', 3), folder: 'rtlbmp', places: 'gen', stamp: 'START' },
  realtime_zone: { ...realTime('REAL_TIME_5_MIN', 2), folder: 'realtime', places: 'zone', stamp: 'END' },
  realtime_gen: { ...realTime('REAL_TIME_5_MIN', 2), folder: 'realtime', places: 'gen', stamp: 'END' },
};

/** The names in the zone files: the eleven load zones and the four neighbours. Every other name is a generator's. */
export const ZONES: ReadonlySet<string> = new Set([
  'CAPITL',
  'CENTRL',
  'DUNWOD',
  'GENESE',
  'HUD VL',
  'LONGIL',
  'MHK VL',
  'MILLWD',
  'N.Y.C.',
  'NORTH',
  'WEST',
  'H Q',
  'NPX',
  'O H',
  'PJM',
]);

/**
 * The report that a payload's or a member's name speaks of, as in `20240703realtime_zone.csv`, `…realtime_zone_csv.zip` and
 * `realtime_zone_lbmp_20160218.csv`: its two words. What else stands there is whoever's who kept the file, but for the
 * reference bus, which is another report (`damlbmp_gen_refbus`).
 * @returns undefined where the name speaks of none, or of two.
 */
export function reportNamedIn(text: string): ReportName | undefined {
  const words = new Set(text.toLowerCase().split(/[^a-z]+/));
  if (words.has('refbus')) return undefined;
  const [name, ...others] = REPORT_NAMES.filter((each) => each.split('_').every((word) => words.has(word)));
  return others.length === 0 ? name : undefined;
}

function realTime(run: MarketRun, settlesAfterHours: number): Report {
  return { run, publishedAheadMs: 0, settlesAfterMs: settlesAfterHours * HOUR_MS };
}
