import { MINUTE_MS } from '../../../domain/instant.ts';
import { defineFeed, type Expectation } from '../../feed.ts';
import { createReportPoller, intervalMsOf, reportChunks } from '../../sources/report-poller.ts';
import { decodeIsoneLmp } from './decode.ts';
import { nodeOfLocation } from './locations.ts';
import { REPORT_NAMES, REPORTS, type ReportName } from './reports.ts';
import { isonePlan } from './requests.ts';
import { ISONE_ENV, type IsoneSettings } from './settings.ts';
import { createIsoneSource } from './source.ts';

/** LMP of ISO New England from its web services; see README.md in this folder. */
export const isoneLmp = defineFeed({
  id: 'isone-lmp',
  family: 'lmp',
  title: 'ISO-NE locational marginal prices (web services)',
  streams: {
    'iso.rt.lmp.isone': [
      'hourlylmp-rt-prelim',
      'hourlylmp-rt-final',
      'fiveminutelmp-prelim',
      'fiveminutelmp-final',
    ] satisfies ReportName[],
    'iso.da.lmp.isone': ['hourlylmp-da-final'] satisfies ReportName[],
  },
  unknownNodes: 'register',
  decode: decodeIsoneLmp,
  source: {
    kind: 'poll',
    env: ISONE_ENV,
    // As often as there is a new price: each poll asks once for each report and location.
    everyMs: 5 * MINUTE_MS,
    partitions: polledReports,
    expectations: owedPrices,
    chunks: (settings, partition, asked) => reportChunks(isonePlan(settings), partition, asked),
    open: (settings, parts) => createReportPoller(createIsoneSource(settings, parts)),
  },
});

function polledReports({ ISONE_NODES, ISONE_USERNAME, ISONE_PASSWORD }: IsoneSettings): readonly ReportName[] {
  return ISONE_NODES.length > 0 && ISONE_USERNAME !== undefined && ISONE_PASSWORD !== undefined ? REPORT_NAMES : [];
}

/** Day-ahead prices are due when their interval begins. A location whose name nobody knows yet owes nothing. */
function owedPrices(settings: IsoneSettings): readonly Expectation[] {
  const nodes = settings.ISONE_NODES.map(nodeOfLocation).filter((node) => node !== undefined);
  if (nodes.length === 0) return [];
  return polledReports(settings).map((partition) => {
    const { run, settlesAfterMs } = REPORTS[partition];
    const dueMs = run === 'DAY_AHEAD_HOURLY' ? 0 : settlesAfterMs;
    return { partition, run, market: 'ISONE', nodes, intervalMs: intervalMsOf({ run }), dueMs };
  });
}
