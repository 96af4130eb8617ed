import { MINUTE_MS } from '../../../domain/instant.ts';
import { nodeNameFrom } from '../../../domain/market.ts';
import { defineFeed, type Expectation } from '../../feed.ts';
import { createReportPoller, intervalMsOf, reportChunks } from '../../sources/report-poller.ts';
import { decodeLbmp } from './decode.ts';
import { REPORT_NAMES, REPORTS, type ReportName, ZONES } from './reports.ts';
import { nyisoRequests } from './requests.ts';
import { NYISO_ENV, type NyisoSettings } from './settings.ts';
import { createNyisoSource } from './source.ts';

/** LBMP of the New York ISO from its public files; see README.md in this folder. */
export const nyisoLmp = defineFeed({
  id: 'nyiso-lmp',
  family: 'lmp',
  title: 'NYISO locational based marginal prices (public files)',
  streams: {
    'iso.rt.lmp.nyiso': ['realtime_zone', 'realtime_gen', 'rtlbmp_zone', 'rtlbmp_gen'],
    'iso.da.lmp.nyiso': ['damlbmp_zone', 'damlbmp_gen'],
  },
  unknownNodes: 'register',
  decode: decodeLbmp,
  source: {
    kind: 'poll',
    env: NYISO_ENV,
    everyMs: MINUTE_MS,
    partitions: (settings) => REPORT_NAMES.filter((name) => nodesOf(settings, name).length > 0),
    expectations: (settings) =>
      REPORT_NAMES.map((name) => owedBy(settings, name)).filter(({ nodes }) => nodes.length > 0),
    chunks: (_, partition, asked, now) =>
      reportChunks(
        { vendor: 'NYISO', reports: REPORTS, requestsFor: (name, range) => nyisoRequests(name, range, now) },
        partition,
        asked,
      ),
    open: (settings, parts) => createReportPoller(createNyisoSource(settings, parts)),
  },
});

/** A day-ahead price is there before its interval begins; a real-time one may come as late as the polls ask for it. */
function owedBy(settings: NyisoSettings, name: ReportName): Expectation {
  const report = REPORTS[name];
  return {
    partition: name,
    run: report.run,
    market: 'NYISO',
    nodes: nodesOf(settings, name)
      .map((node) => nodeNameFrom('NYISO', node))
      .filter((node) => node !== undefined),
    intervalMs: intervalMsOf(report),
    dueMs: report.run === 'DAY_AHEAD_HOURLY' ? 0 : report.settlesAfterMs,
  };
}

/** Those of the settings that are in the report's files. */
function nodesOf({ NYISO_NODES }: NyisoSettings, name: ReportName): readonly string[] {
  const isZones = REPORTS[name].places === 'zone';
  return NYISO_NODES.filter((node) => ZONES.has(node) === isZones);
}
