import { z } from 'zod';
import { nodeNameFrom } from '../../../domain/market.ts';
import { httpUrl, lookbackHours, namesListed, spacingMs } from '../../sources/settings.ts';

/** Environment of the feed. */
export const NYISO_ENV = z.object({
  NYISO_NODES: namesListed()
    .refine(
      (nodes) => nodes.every((name) => !name.includes(':') && nodeNameFrom('NYISO', name)),
      'must be names as NYISO has them, as in N.Y.C.',
    )
    .describe(
      'NYISO zones and generators that are owed, separated by commas, as its files name them. A zone has the zone files polled, any other name the generator files. Empty: nothing is polled, files only.',
    ),
  NYISO_URL: httpUrl().default('http://mis.nyiso.com/public/csv').describe('Base URL of NYISO’s public files.'),
  NYISO_REQUEST_SPACING_MS: spacingMs(1000, 'NYISO, which states no limit'),
  NYISO_LOOKBACK_HOURS: lookbackHours('NYISO', { hoursMax: 7 * 24 }),
});

export type NyisoSettings = z.output<typeof NYISO_ENV>;
