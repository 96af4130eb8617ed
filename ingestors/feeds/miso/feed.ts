import { MINUTE_MS } from '../../../domain/instant.ts';
import { nodeNameFrom } from '../../../domain/market.ts';
import { defineFeed, type Expectation } from '../../feed.ts';
import { createReportPoller, intervalMsOf, reportChunks } from '../../sources/report-poller.ts';
import { decodeMisoLmp } from './decode.ts';
import { REPORT_NAMES, REPORTS, type ReportName } from './reports.ts';
import { chunkRequests } from './requests.ts';
import { MISO_ENV, type MisoSettings, nodesOf } from './settings.ts';
import { createMisoSource } from './source.ts';

/** LMP of the Midcontinent ISO from its market reports, its public display and its pricing API; see README.md in this folder. */
export const misoLmp = defineFeed({
  id: 'miso-lmp',
  family: 'lmp',
  title: 'MISO locational marginal prices',
  streams: {
    'iso.rt.lmp.miso': ['rt_lmp_prelim', 'rt_lmp_final', 'GetRealTimeFiveMinExPost', 'lmp-expost'],
    'iso.da.lmp.miso': ['da_expost_lmp'],
  },
  unknownNodes: 'register',
  decode: decodeMisoLmp,
  source: {
    kind: 'poll',
    env: MISO_ENV,
    everyMs: MINUTE_MS,
    partitions: polledReports,
    expectations: (settings) => polledReports(settings).map((name) => expectationOf(name, settings)),
    chunks: (settings, partition, asked, now) =>
      reportChunks(
        {
          vendor: 'MISO',
          reports: REPORTS,
          requestsFor: (name, range) => chunkRequests(name, nodesOf(settings), range, now),
        },
        partition,
        asked,
      ),
    open: (settings, parts) => createReportPoller(createMisoSource(settings, parts)),
  },
});

/** The pricing API is asked for one node at a time, and so not for all of them. */
function polledReports(settings: MisoSettings): readonly ReportName[] {
  const nodes = nodesOf(settings);
  if (nodes?.length === 0) return [];
  return nodes && settings.MISO_API_KEY ? REPORT_NAMES : REPORT_NAMES.filter((name) => name !== 'lmp-expost');
}

/** A day-ahead price is there before its interval begins; a real-time one as late as polls still ask for it. */
function expectationOf(partition: ReportName, settings: MisoSettings): Expectation {
  const report = REPORTS[partition];
  const nodes = (nodesOf(settings) ?? [])
    .map((name) => nodeNameFrom('MISO', name))
    .filter((node) => node !== undefined);
  const dueMs = report.run === 'DAY_AHEAD_HOURLY' ? 0 : report.settlesAfterMs;
  return { partition, run: report.run, market: 'MISO', nodes, intervalMs: intervalMsOf(report), dueMs };
}
