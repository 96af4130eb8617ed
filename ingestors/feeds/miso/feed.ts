import { MINUTE_MS } from '../../../domain/instant.ts';
import { defineReportFeed, nodesNamed } from '../../sources/report-feed.ts';
import { decodeMisoLmp } from './decode.ts';
import { REPORT_NAMES, REPORTS, type ReportName } from './reports.ts';
import { chunkRequests } from './requests.ts';
import { MISO_ENV, type MisoSettings, nodesOf } from './settings.ts';
import { createMisoSource } from './source.ts';

/** LMP of the Midcontinent ISO from its market reports, its public display and its pricing API; see README.md in this folder. */
export const misoLmp = defineReportFeed({
  id: 'miso-lmp',
  title: 'MISO locational marginal prices',
  market: 'MISO',
  streams: {
    'iso.rt.lmp.miso': ['rt_lmp_prelim', 'rt_lmp_final', 'GetRealTimeFiveMinExPost', 'lmp-expost'],
    'iso.da.lmp.miso': ['da_expost_lmp'],
  },
  decode: decodeMisoLmp,
  env: MISO_ENV,
  everyMs: MINUTE_MS,
  reports: REPORTS,
  polled: polledReports,
  owed: (settings) => nodesNamed('MISO', nodesOf(settings) ?? []),
  plan: (settings, now) => ({
    vendor: 'MISO',
    reports: REPORTS,
    requestsFor: (name, asked) => chunkRequests(name, nodesOf(settings), asked, now),
  }),
  open: createMisoSource,
});

/** The pricing API is asked for one node at a time, and so not for all of them. */
function polledReports(settings: MisoSettings): readonly ReportName[] {
  const nodes = nodesOf(settings);
  if (nodes?.length === 0) return [];
  return nodes && settings.MISO_API_KEY ? REPORT_NAMES : REPORT_NAMES.filter((name) => name !== 'lmp-expost');
}
