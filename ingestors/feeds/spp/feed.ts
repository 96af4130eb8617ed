import { MINUTE_MS } from '../../../domain/instant.ts';
import { nodeNameFrom } from '../../../domain/market.ts';
import { defineFeed, type Expectation } from '../../feed.ts';
import { createReportPoller, intervalMsOf, reportChunks } from '../../sources/report-poller.ts';
import { decodeSppLmp } from './decode.ts';
import { REPORT_NAMES, REPORTS, type ReportName } from './reports.ts';
import { SPP_ENV, type SppSettings } from './settings.ts';
import { createSppSource, SPP_REPORTS } from './source.ts';

/** LMP of the Southwest Power Pool from the files of its portal; see README.md in this folder. */
export const sppLmp = defineFeed({
  id: 'spp-lmp',
  family: 'lmp',
  title: 'SPP locational marginal prices (portal files)',
  streams: {
    'iso.rt.lmp.spp': ['rtbm-lmp-by-location'] satisfies ReportName[],
    'iso.da.lmp.spp': ['da-lmp-by-settlement-location'] satisfies ReportName[],
  },
  unknownNodes: 'register',
  decode: decodeSppLmp,
  source: {
    kind: 'poll',
    env: SPP_ENV,
    // Twice in an interval. Each poll asks again for what is not settled, five files of 150 kB.
    everyMs: 2.5 * MINUTE_MS,
    partitions: polledReports,
    expectations: owedPrices,
    chunks: (_, partition, asked) => reportChunks(SPP_REPORTS, partition, asked),
    open: (settings, parts) => createReportPoller(createSppSource(settings, parts)),
  },
});

function polledReports({ SPP_NODES }: SppSettings): readonly ReportName[] {
  return SPP_NODES.length > 0 ? REPORT_NAMES : [];
}

/** Of ALL, the locations that have prices. Day-ahead prices are due when their interval begins. */
function owedPrices(settings: SppSettings): readonly Expectation[] {
  const { SPP_NODES } = settings;
  const names = SPP_NODES === 'ALL' ? [] : SPP_NODES;
  const nodes = names.map((name) => nodeNameFrom('SPP', name)).filter((node) => node !== undefined);
  return polledReports(settings).map((partition) => {
    const { run, settlesAfterMs } = REPORTS[partition];
    return { partition, run, market: 'SPP', nodes, intervalMs: intervalMsOf({ run }), dueMs: settlesAfterMs };
  });
}
