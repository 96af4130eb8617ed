import { BusbarError } from '../../../domain/errors.ts';
import { MINUTE_MS } from '../../../domain/instant.ts';
import { defineReportFeed } from '../../sources/report-feed.ts';
import { intervalMsOf, type ReportPlan } from '../../sources/report-poller.ts';
import { decodePjmLmp } from './decode.ts';
import { namesOf, pnodeIdsOf } from './nodes.ts';
import { REPORT_NAMES, REPORTS } from './reports.ts';
import { backfillRequests } from './requests.ts';
import { PJM_ENV, type PjmSettings } from './settings.ts';
import { createPjmSource } from './source.ts';

type ReportName = (typeof REPORT_NAMES)[number];

/** LMP of PJM from Data Miner 2; see README.md in this folder. */
export const pjmLmp = defineReportFeed<PjmSettings, ReportName>({
  id: 'pjm-lmp',
  title: 'PJM locational marginal prices (Data Miner 2)',
  market: 'PJM',
  streams: {
    'iso.rt.lmp.pjm': ['rt_hrl_lmps', 'rt_fivemin_hrl_lmps', 'rt_unverified_fivemin_lmps'],
    'iso.da.lmp.pjm': ['da_hrl_lmps'],
  },
  decode: decodePjmLmp,
  env: PJM_ENV,
  everyMs: MINUTE_MS,
  reports: REPORTS,
  polled: ({ PJM_NODES, PJM_API_KEY }) => (PJM_NODES.length > 0 && PJM_API_KEY !== undefined ? REPORT_NAMES : []),
  // Where a node of the settings has no name, what is owed cannot be told by name: then it is what has come before.
  owed: ({ PJM_NODES }) => namesOf(PJM_NODES) ?? [],
  // A day-ahead price is there before its interval begins.
  dueMs: (report) => (report.publishedAheadMs > 0 ? 0 : intervalMsOf(report) + report.settlesAfterMs),
  plan: pjmPlan,
  open: createPjmSource,
});

/**
 * The requests of a backfill.
 * @throws BusbarError `BAD_USER_INPUT` for nodes that PJM cannot be asked for, and without a key.
 */
function pjmPlan({ PJM_API_KEY, PJM_NODES }: PjmSettings, now: number): ReportPlan<ReportName> {
  if (!PJM_API_KEY) throw new BusbarError('BAD_USER_INPUT', 'PJM takes no request without a key: set PJM_API_KEY');
  return {
    vendor: 'PJM',
    reports: REPORTS,
    requestsFor: (report, { nodes, ...range }) =>
      backfillRequests({ report, pnodeIds: pnodeIdsOf(PJM_NODES, nodes), now }, range),
  };
}
