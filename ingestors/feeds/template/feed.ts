import { MINUTE_MS } from '../../../domain/instant.ts';
import { defineReportFeed, nodesNamed } from '../../sources/report-feed.ts';
import { decodeTemplateLmp } from './decode.ts';
import { MARKET, REPORT_NAMES, REPORTS } from './reports.ts';
import { templatePlan } from './requests.ts';
import { TEMPLATE_ENV } from './settings.ts';
import { createTemplateSource } from './source.ts';

/** LMP of Template from its web service; see README.md in this folder. */
export const templateLmp = defineReportFeed({
  id: 'template-lmp',
  title: 'Template locational marginal prices (web service)',
  market: MARKET,
  streams: {
    'iso.rt.lmp.template': ['real-time'],
    'iso.da.lmp.template': ['day-ahead'],
  },
  decode: decodeTemplateLmp,
  env: TEMPLATE_ENV,
  everyMs: 5 * MINUTE_MS,
  reports: REPORTS,
  polled: ({ TEMPLATE_NODES, TEMPLATE_API_KEY }) => (TEMPLATE_NODES.length > 0 && TEMPLATE_API_KEY ? REPORT_NAMES : []),
  owed: ({ TEMPLATE_NODES }) => nodesNamed(MARKET, TEMPLATE_NODES),
  plan: templatePlan,
  open: createTemplateSource,
});
