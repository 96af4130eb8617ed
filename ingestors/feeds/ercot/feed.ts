import { MINUTE_MS } from '../../../domain/instant.ts';
import { defineReportFeed, nodesNamed } from '../../sources/report-feed.ts';
import { decodeErcotLmp, publishedAtOf } from './decode.ts';
import { REPORTS } from './reports.ts';
import { credentialsIn, ERCOT_ENV } from './settings.ts';
import { createErcotSource, ercotPlan } from './source.ts';

/** Settlement point prices and LMP of ERCOT's public API; see README.md in this folder. */
export const ercotLmp = defineReportFeed({
  id: 'ercot-lmp',
  title: 'ERCOT settlement point prices (public API)',
  market: 'ERCOT',
  streams: {
    'iso.rt.lmp.ercot': ['np6-905-cd', 'np6-788-cd'],
    'iso.da.lmp.ercot': ['np4-190-cd'],
  },
  decode: decodeErcotLmp,
  publishedAt: publishedAtOf,
  env: ERCOT_ENV,
  everyMs: 2 * MINUTE_MS,
  reports: REPORTS,
  polled: (settings) => (settings.ERCOT_NODES.length > 0 && credentialsIn(settings) ? settings.ERCOT_REPORTS : []),
  // SCED runs at no fixed second: no interval of np6-788-cd could be told to be missing.
  owed: ({ ERCOT_NODES }, report) => (report === 'np6-788-cd' ? undefined : nodesNamed('ERCOT', ERCOT_NODES)),
  plan: ercotPlan,
  open: createErcotSource,
});
