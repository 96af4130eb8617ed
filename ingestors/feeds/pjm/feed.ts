import { BusbarError } from '../../../domain/errors.ts';
import { MINUTE_MS } from '../../../domain/instant.ts';
import { type Chunk, type ChunkRange, defineFeed, type Expectation } from '../../feed.ts';
import { createReportPoller, intervalMsOf, reportChunks } from '../../sources/report-poller.ts';
import { decodePjmLmp } from './decode.ts';
import { namesOf, pnodeIdsOf } from './nodes.ts';
import { REPORT_NAMES, REPORTS } from './reports.ts';
import { backfillRequests } from './requests.ts';
import { PJM_ENV, type PjmSettings } from './settings.ts';
import { createPjmSource } from './source.ts';

/** LMP of PJM from Data Miner 2; see README.md in this folder. */
export const pjmLmp = defineFeed({
  id: 'pjm-lmp',
  family: 'lmp',
  title: 'PJM locational marginal prices (Data Miner 2)',
  streams: {
    'iso.rt.lmp.pjm': ['rt_hrl_lmps', 'rt_fivemin_hrl_lmps', 'rt_unverified_fivemin_lmps'],
    'iso.da.lmp.pjm': ['da_hrl_lmps'],
  },
  unknownNodes: 'register',
  decode: decodePjmLmp,
  source: {
    kind: 'poll',
    env: PJM_ENV,
    everyMs: MINUTE_MS,
    partitions: (settings) => (isConfigured(settings) ? REPORT_NAMES : []),
    expectations: pjmExpectations,
    chunks: pjmChunks,
    open: (settings, parts) => createReportPoller(createPjmSource(settings, parts)),
  },
});

/**
 * The requests of a backfill.
 * @throws BusbarError `BAD_USER_INPUT` for a partition or nodes that PJM cannot be asked for, and without a key.
 */
export function pjmChunks(settings: PjmSettings, partition: string, asked: ChunkRange, now: number): readonly Chunk[] {
  if (!settings.PJM_API_KEY)
    throw new BusbarError('BAD_USER_INPUT', 'PJM takes no request without a key: set PJM_API_KEY');
  const source = {
    vendor: 'PJM',
    reports: REPORTS,
    requestsFor: (report: (typeof REPORT_NAMES)[number], { nodes, ...range }: ChunkRange) =>
      backfillRequests({ report, pnodeIds: pnodeIdsOf(settings.PJM_NODES, nodes), now }, range),
  };
  return reportChunks(source, partition, asked);
}

/** Where a node of the settings has no name, what is owed cannot be told by name: then it is what has come before. */
function pjmExpectations(settings: PjmSettings): readonly Expectation[] {
  if (!isConfigured(settings)) return [];
  const nodes = namesOf(settings.PJM_NODES) ?? [];
  return REPORT_NAMES.map((partition) => {
    const report = REPORTS[partition];
    const intervalMs = intervalMsOf(report);
    // A day-ahead price is there before its interval begins.
    const dueMs = report.publishedAheadMs > 0 ? 0 : intervalMs + report.settlesAfterMs;
    return { partition, run: report.run, market: 'PJM', nodes, intervalMs, dueMs };
  });
}

function isConfigured({ PJM_NODES, PJM_API_KEY }: PjmSettings): boolean {
  return PJM_NODES.length > 0 && PJM_API_KEY !== undefined;
}
