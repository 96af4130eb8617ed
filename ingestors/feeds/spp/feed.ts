import { MINUTE_MS } from '../../../domain/instant.ts';
import { defineReportFeed, nodesNamed } from '../../sources/report-feed.ts';
import { decodeSppLmp } from './decode.ts';
import { REPORT_NAMES, REPORTS } from './reports.ts';
import { SPP_ENV } from './settings.ts';
import { createSppSource, SPP_REPORTS } from './source.ts';

/** LMP of the Southwest Power Pool from the files of its portal; see README.md in this folder. */
export const sppLmp = defineReportFeed({
  id: 'spp-lmp',
  title: 'SPP locational marginal prices (portal files)',
  market: 'SPP',
  streams: {
    'iso.rt.lmp.spp': ['rtbm-lmp-by-location'],
    'iso.da.lmp.spp': ['da-lmp-by-settlement-location'],
  },
  decode: decodeSppLmp,
  env: SPP_ENV,
  // Twice in an interval. Each poll asks again for what is not settled, five files of 150 kB.
  everyMs: 2.5 * MINUTE_MS,
  reports: REPORTS,
  polled: ({ SPP_NODES }) => (SPP_NODES.length > 0 ? REPORT_NAMES : []),
  // Of ALL, the locations that have prices.
  owed: ({ SPP_NODES }) => (SPP_NODES === 'ALL' ? [] : nodesNamed('SPP', SPP_NODES)),
  plan: () => SPP_REPORTS,
  open: createSppSource,
});
