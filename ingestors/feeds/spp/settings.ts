import { z } from 'zod';
import { isLocation } from './locations.ts';

/** Every location: files hold them all, so that only what is expected differs from a list. */
const ALL = 'ALL';

/** Environment of the feed. SPP asks for no credentials. */
export const SPP_ENV = z.object({
  SPP_NODES: z
    .string()
    .default('')
    .transform((text) => (text.trim() === ALL ? ALL : listed(text)))
    .refine(
      (nodes) => nodes === ALL || nodes.every((node) => node !== ALL && isLocation(node)),
      'must be ALL alone, or settlement locations as in SPPNORTH_HUB, western ones as in SWPW/SWPW_HUB',
    )
    .describe(
      'SPP settlement locations to expect, separated by commas, or ALL; western ones as in SWPW/SWPW_HUB. The files bring every location. Empty: nothing is polled, files only.',
    ),
  SPP_URL: z
    .url({ protocol: /^https?$/, error: 'must be a URL beginning with https:// or http://' })
    .default('https://portal.spp.org/file-browser-api/download')
    .describe('Base URL of the downloads of the SPP portal.'),
  SPP_REQUEST_SPACING_MS: z.coerce
    .number()
    .int()
    .min(0)
    .default(1000)
    .describe('Least time between two requests to SPP, which states no limit. Milliseconds.'),
  SPP_LOOKBACK_HOURS: z.coerce
    .number()
    .min(1)
    .max(31 * 24)
    .default(24)
    .describe('How far a first poll of SPP goes back. Hours; for more, run a backfill.'),
});

export type SppSettings = z.output<typeof SPP_ENV>;

function listed(text: string): string[] {
  const names = text.split(',').map((each) => each.trim());
  return [...new Set(names.filter(Boolean))];
}
