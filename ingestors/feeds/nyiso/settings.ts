import { z } from 'zod';
import { nodeNameFrom } from '../../../domain/market.ts';

/** Environment of the feed. */
export const NYISO_ENV = z.object({
  NYISO_NODES: z
    .string()
    .default('')
    .transform((text) => [...new Set(text.split(',').map((each) => each.trim()))].filter(Boolean))
    .refine(
      (nodes) => nodes.every((name) => !name.includes(':') && nodeNameFrom('NYISO', name)),
      'must be names as NYISO has them, as in N.Y.C.',
    )
    .describe(
      'NYISO zones and generators that are owed, separated by commas, as its files name them. A zone has the zone files polled, any other name the generator files. Empty: nothing is polled, files only.',
    ),
  NYISO_URL: z
    .url({ protocol: /^https?$/, error: 'must be a URL beginning with https:// or http://' })
    .default('http://mis.nyiso.com/public/csv')
    .describe('Base URL of NYISO’s public files.'),
  NYISO_REQUEST_SPACING_MS: z.coerce
    .number()
    .int()
    .min(0)
    .default(1000)
    .describe('Least time between two requests to NYISO, which states no limit. Milliseconds.'),
  NYISO_LOOKBACK_HOURS: z.coerce
    .number()
    .min(1)
    .max(7 * 24)
    .default(24)
    .describe('How far a first poll of NYISO goes back. Hours; for more, run a backfill.'),
});

export type NyisoSettings = z.output<typeof NYISO_ENV>;
