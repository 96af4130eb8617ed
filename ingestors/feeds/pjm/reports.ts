import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../../domain/instant.ts';
import type { Report } from '../../sources/report-poller.ts';

/** Eastern Prevailing Time: what PJM's operating days and its filter `datetime_beginning_ept` go by. */
export const EASTERN = 'America/New_York';

/** An LMP report of Data Miner 2, which PJM calls a feed; its name is the path of the request. */
export interface PjmReport extends Report {
  /** Columns end in it: `total_lmp_da`, `total_lmp_rt`. */
  readonly suffix: 'da' | 'rt';
  /** Rows have `row_is_current`, `version_nbr` and the energy component. */
  readonly verified: boolean;
  /** Published by operating days, so that a poll asks for whole days; else as intervals end. */
  readonly byDay: boolean;
  /** So long after a poll the next one asks: what comes once a day is not worth a request each minute. */
  readonly askEveryMs: number;
  /** Null: PJM does not archive it. */
  readonly archive: Archive | null;
}

interface Archive {
  /** Older days are archived: they take no filter of nodes, so that an answer is of the whole market. */
  readonly afterDays: number;
  /** What a request of the archive may span: 13,549 nodes make 325,176 rows a day by hours, 162,588 an hour by 5 minutes. */
  readonly windowMs: number;
}

export const REPORT_NAMES = [
  'da_hrl_lmps',
  'rt_hrl_lmps',
  'rt_fivemin_hrl_lmps',
  'rt_unverified_fivemin_lmps',
] as const;

export type ReportName = (typeof REPORT_NAMES)[number];

/** Verified prices come on business days: those of a Wednesday before Thanksgiving on the Monday after it. */
const VERIFIED_AFTER_MS = 6 * DAY_MS;

export const REPORTS: Readonly<Record<ReportName, PjmReport>> = {
  da_hrl_lmps: {
    run: 'DAY_AHEAD_HOURLY',
    suffix: 'da',
    verified: true,
    byDay: true,
    // Published at 13:30 or so; a day that begins within this is asked for whole.
    publishedAheadMs: 12 * HOUR_MS,
    settlesAfterMs: 0,
    whole: true,
    askEveryMs: 5 * MINUTE_MS,
    archive: { afterDays: 731, windowMs: DAY_MS },
  },
  rt_hrl_lmps: {
    run: 'REAL_TIME_HOURLY',
    suffix: 'rt',
    verified: true,
    byDay: true,
    publishedAheadMs: 0,
    settlesAfterMs: VERIFIED_AFTER_MS,
    askEveryMs: 3 * HOUR_MS,
    archive: { afterDays: 731, windowMs: DAY_MS },
  },
  rt_fivemin_hrl_lmps: {
    run: 'REAL_TIME_5_MIN',
    suffix: 'rt',
    verified: true,
    byDay: true,
    publishedAheadMs: 0,
    settlesAfterMs: VERIFIED_AFTER_MS,
    askEveryMs: 3 * HOUR_MS,
    archive: { afterDays: 186, windowMs: HOUR_MS },
  },
  rt_unverified_fivemin_lmps: {
    run: 'REAL_TIME_5_MIN',
    suffix: 'rt',
    verified: false,
    byDay: false,
    publishedAheadMs: 0,
    settlesAfterMs: HOUR_MS,
    askEveryMs: 0,
    archive: null,
  },
};

export function isReportName(text: string): text is ReportName {
  return Object.hasOwn(REPORTS, text);
}

/** The report that a payload's name speaks of, as in `da_hrl_lmps_2024-02-20.json`. */
export function reportNamedIn(text: string): ReportName | undefined {
  return REPORT_NAMES.find((name) => new RegExp(`(?<![a-z])${name}(?![a-z])`, 'i').test(text));
}
