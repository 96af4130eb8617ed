import { HOUR_MS, MINUTE_MS } from '../../../domain/instant.ts';
import { intervalMinutesOf, type MarketRun } from '../../../domain/market-run.ts';

/**
 * The LMP reports of OASIS, one market run each.
 *
 * `requestDays` keeps one answer for ten nodes at about 35,000 rows (4 to 6 MB of CSV), below the 31 days that OASIS
 * allows even where clocks are set back in between.
 */
export interface Report {
  readonly name: ReportName;
  readonly version: number;
  /** The request's `market_run_id`; PRC_HASP_LMP takes none. */
  readonly marketRunParameter: string | null;
  /** What the rows carry as MARKET_RUN_ID. */
  readonly marketRunId: string;
  readonly run: MarketRun;
  readonly requestDays: number;
  /** Null for the day-ahead report, which is published whole, once a day. */
  readonly realTime: RealTime | null;
}

interface RealTime {
  /** How long intervals may still come late: a poll's position stays that far behind now, and so asks again. */
  readonly settlesAfterMs: number;
  /** How far past now there may be prices already. */
  readonly publishedAheadMs: number;
}

export const REPORT_NAMES = ['PRC_LMP', 'PRC_INTVL_LMP', 'PRC_RTPD_LMP', 'PRC_HASP_LMP'] as const;

export type ReportName = (typeof REPORT_NAMES)[number];

/** The group in which OASIS tells of corrected prices, of all reports together. */
export const CORRECTIONS = 'PRC_CORR_GRP';

export type PartitionName = ReportName | typeof CORRECTIONS;

export const REPORTS: Readonly<Record<ReportName, Report>> = {
  PRC_LMP: {
    name: 'PRC_LMP',
    version: 12,
    marketRunParameter: 'DAM',
    marketRunId: 'DAM',
    run: 'DAY_AHEAD_HOURLY',
    requestDays: 30,
    realTime: null,
  },
  PRC_INTVL_LMP: {
    name: 'PRC_INTVL_LMP',
    version: 3,
    marketRunParameter: 'RTM',
    marketRunId: 'RTM',
    run: 'REAL_TIME_5_MIN',
    requestDays: 2,
    realTime: { settlesAfterMs: 2 * HOUR_MS, publishedAheadMs: 0 },
  },
  PRC_RTPD_LMP: {
    name: 'PRC_RTPD_LMP',
    version: 3,
    marketRunParameter: 'RTPD',
    marketRunId: 'RTPD',
    run: 'REAL_TIME_15_MIN',
    requestDays: 7,
    realTime: { settlesAfterMs: 2 * HOUR_MS, publishedAheadMs: HOUR_MS },
  },
  PRC_HASP_LMP: {
    name: 'PRC_HASP_LMP',
    version: 3,
    marketRunParameter: null,
    marketRunId: 'HASP',
    run: 'HOUR_AHEAD_15_MIN',
    requestDays: 7,
    realTime: { settlesAfterMs: 2 * HOUR_MS, publishedAheadMs: 2 * HOUR_MS },
  },
};

/** Length of the report's intervals. */
export function intervalMsOf(report: Report): number {
  const minutes = intervalMinutesOf(report.run);
  if (minutes === null) throw new TypeError(`${report.name} has no regular intervals`);
  return minutes * MINUTE_MS;
}

const BY_MARKET_RUN: ReadonlyMap<string, Report> = new Map(
  Object.values(REPORTS).map((report) => [report.marketRunId, report]),
);

export function reportByMarketRunId(id: string): Report | undefined {
  return BY_MARKET_RUN.get(id);
}

export function isReportName(text: string): text is ReportName {
  return Object.hasOwn(REPORTS, text);
}

export function isPartitionName(text: string): text is PartitionName {
  return text === CORRECTIONS || isReportName(text);
}

/** The report that a payload's or member's name speaks of, as in `20240101_20240115_PRC_HASP_LMP_HASP_v1.csv`. */
export function reportNamedIn(text: string): Report | undefined {
  const name = /(?<![A-Z])PRC_(?:INTVL_|RTPD_|HASP_)?LMP(?![A-Z])/.exec(text)?.[0];
  return name !== undefined && isReportName(name) ? REPORTS[name] : undefined;
}
