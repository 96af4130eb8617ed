import { z } from 'zod';
import { httpUrl, lookbackHours, namesIn, spacingMs } from '../../sources/settings.ts';
import { isLocation } from './locations.ts';

/** Every location: files hold them all, so that only what is expected differs from a list. */
const ALL = 'ALL';

/** Environment of the feed. SPP asks for no credentials. */
export const SPP_ENV = z.object({
  SPP_NODES: z
    .string()
    .default('')
    .transform((text) => (text.trim() === ALL ? ALL : namesIn(text)))
    .refine(
      (nodes) => nodes === ALL || nodes.every((node) => node !== ALL && isLocation(node)),
      'must be ALL alone, or settlement locations as in SPPNORTH_HUB, western ones as in SWPW/SWPW_HUB',
    )
    .describe(
      'SPP settlement locations to expect, separated by commas, or ALL; western ones as in SWPW/SWPW_HUB. The files bring every location. Empty: nothing is polled, files only.',
    ),
  SPP_URL: httpUrl()
    .default('https://portal.spp.org/file-browser-api/download')
    .describe('Base URL of the downloads of the SPP portal.'),
  SPP_REQUEST_SPACING_MS: spacingMs(1000, 'SPP, which states no limit'),
  SPP_LOOKBACK_HOURS: lookbackHours('SPP'),
});

export type SppSettings = z.output<typeof SPP_ENV>;
