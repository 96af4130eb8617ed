import { MINUTE_MS } from '../../../domain/instant.ts';
import { defineReportFeed } from '../../sources/report-feed.ts';
import { decodeIsoneLmp } from './decode.ts';
import { nodeOfLocation } from './locations.ts';
import { REPORT_NAMES, REPORTS, type ReportName } from './reports.ts';
import { isonePlan } from './requests.ts';
import { ISONE_ENV, type IsoneSettings } from './settings.ts';
import { createIsoneSource } from './source.ts';

/** LMP of ISO New England from its web services; see README.md in this folder. */
export const isoneLmp = defineReportFeed({
  id: 'isone-lmp',
  title: 'ISO-NE locational marginal prices (web services)',
  market: 'ISONE',
  streams: {
    'iso.rt.lmp.isone': ['hourlylmp-rt-prelim', 'hourlylmp-rt-final', 'fiveminutelmp-prelim', 'fiveminutelmp-final'],
    'iso.da.lmp.isone': ['hourlylmp-da-final'],
  },
  decode: decodeIsoneLmp,
  env: ISONE_ENV,
  // As often as there is a new price: each poll asks once for each report and location.
  everyMs: 5 * MINUTE_MS,
  reports: REPORTS,
  polled: polledReports,
  owed: owedNodes,
  plan: isonePlan,
  open: createIsoneSource,
});

function polledReports({ ISONE_NODES, ISONE_USERNAME, ISONE_PASSWORD }: IsoneSettings): readonly ReportName[] {
  return ISONE_NODES.length > 0 && ISONE_USERNAME !== undefined && ISONE_PASSWORD !== undefined ? REPORT_NAMES : [];
}

/** A location whose name nobody knows yet owes nothing. */
function owedNodes({ ISONE_NODES }: IsoneSettings) {
  const nodes = ISONE_NODES.map(nodeOfLocation).filter((node) => node !== undefined);
  return nodes.length > 0 ? nodes : undefined;
}
