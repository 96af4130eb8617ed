import { HOUR_MS } from '../../../domain/instant.ts';
import type { Report } from '../../sources/report-poller.ts';

/** ERCOT's wall clock: prevailing Central time. */
export const CENTRAL = 'America/Chicago';

export const REPORT_NAMES = ['np4-190-cd', 'np6-905-cd', 'np6-788-cd'] as const;

/** The EMIL id of a report, as it stands in ERCOT's paths. */
export type ReportName = (typeof REPORT_NAMES)[number];

export interface ErcotReport extends Report {
  /** Of the report's table, after its id in the path. */
  readonly endpoint: string;
  /** By what a request names its range: days, or moments of the clock. */
  readonly range: 'deliveryDate' | 'SCEDTimestamp';
  /** Days a request: what one node has in them, some 700 rows, fits in one page. */
  readonly requestDays: number;
  /** How ERCOT calls the report in the names of its files. */
  readonly fileName: string;
}

export const REPORTS: Readonly<Record<ReportName, ErcotReport>> = {
  'np4-190-cd': {
    run: 'DAY_AHEAD_HOURLY',
    // Published at about 13:00 Central for the next day: from noon on there is use in asking.
    publishedAheadMs: 12 * HOUR_MS,
    settlesAfterMs: 0,
    endpoint: 'dam_stlmnt_pnt_prices',
    range: 'deliveryDate',
    requestDays: 31,
    fileName: 'DAMSPNP4190',
  },
  'np6-905-cd': {
    run: 'REAL_TIME_15_MIN',
    publishedAheadMs: 0,
    settlesAfterMs: HOUR_MS,
    endpoint: 'spp_node_zone_hub',
    range: 'deliveryDate',
    requestDays: 7,
    fileName: 'SPPHLZNP6905',
  },
  'np6-788-cd': {
    run: 'REAL_TIME_5_MIN',
    publishedAheadMs: 0,
    settlesAfterMs: HOUR_MS,
    endpoint: 'lmp_node_zone_hub',
    range: 'SCEDTimestamp',
    requestDays: 2,
    fileName: 'LMPSROSNODENP6788',
  },
};

export function isReportName(text: string): text is ReportName {
  return Object.hasOwn(REPORTS, text);
}

/** The report that a partition or a file is named after, as in `cdr.00012331.0000000000000000.20251101.133000.DAMSPNP4190.csv`. */
export function reportNamedIn(text: string): ReportName | undefined {
  const lower = text.toLowerCase();
  return REPORT_NAMES.find((name) => lower.includes(name) || lower.includes(REPORTS[name].fileName.toLowerCase()));
}
