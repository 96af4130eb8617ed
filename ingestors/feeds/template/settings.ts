import { z } from 'zod';
import { nodeNameFrom } from '../../../domain/market.ts';
import { headerSecret, httpUrl, lookbackHours, namesListed, spacingMs } from '../../sources/settings.ts';
import { MARKET } from './reports.ts';

/** Environment of the feed. */
export const TEMPLATE_ENV = z.object({
  TEMPLATE_NODES: namesListed()
    .refine((names) => names.every((name) => nodeNameFrom(MARKET, name)), 'must be names of nodes')
    .describe('Template nodes to poll, separated by commas. Empty: nothing is polled, files only.'),
  TEMPLATE_API_KEY: headerSecret('Template').describe('Key of the Template web service. Not set: nothing is polled.'),
  TEMPLATE_URL: httpUrl().default('https://api.template.example/v1').describe('Base URL of the Template web service.'),
  TEMPLATE_REQUEST_SPACING_MS: spacingMs(1000, 'Template, which states no limit'),
  TEMPLATE_LOOKBACK_HOURS: lookbackHours('Template'),
});

export type TemplateSettings = z.output<typeof TEMPLATE_ENV>;
