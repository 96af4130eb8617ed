import { z } from 'zod';
import { httpUrl, lookbackHours, namesListed, secret, spacingMs } from '../../sources/settings.ts';
import { isMisoNode } from './requests.ts';

/** Every node there is, as `MISO_NODES` says it. */
const ALL = 'ALL';

/** Environment of the feed. */
export const MISO_ENV = z.object({
  MISO_NODES: namesListed()
    .refine((nodes) => nodes.every(isMisoNode), 'must be node names as MISO has them, as in INDIANA.HUB')
    .refine((nodes) => nodes.length === 1 || !nodes.includes(ALL), `must be ${ALL} alone or names`)
    .describe(
      'MISO nodes to poll, separated by commas, as MISO names them; ALL: every node. Empty: nothing is polled, files only.',
    ),
  MISO_API_KEY: secret().describe(
    'Subscription key of MISO’s pricing API. Not set: final five-minute prices are not polled.',
  ),
  MISO_REPORTS_URL: httpUrl().default('https://docs.misoenergy.org').describe('Base URL of MISO’s market reports.'),
  MISO_DISPLAY_URL: httpUrl()
    .default('https://public-api.misoenergy.org')
    .describe('Base URL of MISO’s public five-minute prices.'),
  MISO_PRICING_URL: httpUrl().default('https://apim.misoenergy.org').describe('Base URL of MISO’s pricing API.'),
  MISO_REQUEST_SPACING_MS: spacingMs(1000, 'MISO, which allows 100 a minute to its pricing API'),
  MISO_LOOKBACK_HOURS: lookbackHours('MISO', { more: ', at least' }),
});

export type MisoSettings = z.output<typeof MISO_ENV>;

/** The nodes to ask for; undefined: all. */
export function nodesOf({ MISO_NODES }: Pick<MisoSettings, 'MISO_NODES'>): readonly string[] | undefined {
  return MISO_NODES.includes(ALL) ? undefined : MISO_NODES;
}
