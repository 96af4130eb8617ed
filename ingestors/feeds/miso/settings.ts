import { z } from 'zod';
import { Secret } from '../../../runtime/secret.ts';
import { isMisoNode } from './requests.ts';

const base = (url: string) =>
  z.url({ protocol: /^https?$/, error: 'must be a URL beginning with https:// or http://' }).default(url);

const listed = (text: string) =>
  text
    .split(',')
    .map((each) => each.trim())
    .filter(Boolean);

/** Every node there is, as `MISO_NODES` says it. */
const ALL = 'ALL';

/** Environment of the feed. */
export const MISO_ENV = z.object({
  MISO_NODES: z
    .string()
    .default('')
    .transform((text) => [...new Set(listed(text))])
    .refine((nodes) => nodes.every(isMisoNode), 'must be node names as MISO has them, as in INDIANA.HUB')
    .refine((nodes) => nodes.length === 1 || !nodes.includes(ALL), `must be ${ALL} alone or names`)
    .describe(
      'MISO nodes to poll, separated by commas, as MISO names them; ALL: every node. Empty: nothing is polled, files only.',
    ),
  MISO_API_KEY: z
    .string()
    .transform((key) => new Secret(key))
    .optional()
    .describe('Subscription key of MISO’s pricing API. Not set: final five-minute prices are not polled.'),
  MISO_REPORTS_URL: base('https://docs.misoenergy.org').describe('Base URL of MISO’s market reports.'),
  MISO_DISPLAY_URL: base('https://public-api.misoenergy.org').describe('Base URL of MISO’s public five-minute prices.'),
  MISO_PRICING_URL: base('https://apim.misoenergy.org').describe('Base URL of MISO’s pricing API.'),
  MISO_REQUEST_SPACING_MS: z.coerce
    .number()
    .int()
    .min(0)
    .default(1000)
    .describe('Least time between two requests to MISO, which allows 100 a minute to its pricing API. Milliseconds.'),
  MISO_LOOKBACK_HOURS: z.coerce
    .number()
    .min(1)
    .max(31 * 24)
    .default(24)
    .describe('How far a first poll of MISO goes back, at least. Hours; for more, run a backfill.'),
});

export type MisoSettings = z.output<typeof MISO_ENV>;

/** The nodes to ask for; undefined: all. */
export function nodesOf({ MISO_NODES }: Pick<MisoSettings, 'MISO_NODES'>): readonly string[] | undefined {
  return MISO_NODES.includes(ALL) ? undefined : MISO_NODES;
}
