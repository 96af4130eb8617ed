import { MINUTE_MS } from '../../../domain/instant.ts';
import { defineReportFeed, nodesNamed } from '../../sources/report-feed.ts';
import { decodeLbmp } from './decode.ts';
import { REPORT_NAMES, REPORTS, type ReportName, ZONES } from './reports.ts';
import { nyisoRequests } from './requests.ts';
import { NYISO_ENV, type NyisoSettings } from './settings.ts';
import { createNyisoSource } from './source.ts';

/** LBMP of the New York ISO from its public files; see README.md in this folder. */
export const nyisoLmp = defineReportFeed({
  id: 'nyiso-lmp',
  title: 'NYISO locational based marginal prices (public files)',
  market: 'NYISO',
  streams: {
    'iso.rt.lmp.nyiso': ['realtime_zone', 'realtime_gen', 'rtlbmp_zone', 'rtlbmp_gen'],
    'iso.da.lmp.nyiso': ['damlbmp_zone', 'damlbmp_gen'],
  },
  decode: decodeLbmp,
  env: NYISO_ENV,
  everyMs: MINUTE_MS,
  reports: REPORTS,
  polled: (settings) => REPORT_NAMES.filter((name) => nodesOf(settings, name).length > 0),
  owed: (settings, name) => nodesNamed('NYISO', nodesOf(settings, name)),
  plan: (_, now) => ({
    vendor: 'NYISO',
    reports: REPORTS,
    requestsFor: (name, asked) => nyisoRequests(name, asked, now),
  }),
  open: createNyisoSource,
});

/** Those of the settings that are in the report's files. */
function nodesOf({ NYISO_NODES }: NyisoSettings, name: ReportName): readonly string[] {
  const isZones = REPORTS[name].places === 'zone';
  return NYISO_NODES.filter((node) => ZONES.has(node) === isZones);
}
