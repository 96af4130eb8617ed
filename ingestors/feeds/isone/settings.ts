import { z } from 'zod';
import { httpUrl, lookbackHours, namesListed, secret, spacingMs } from '../../sources/settings.ts';
import { areLocations, locationFrom } from './locations.ts';

/** Environment of the feed. */
export const ISONE_ENV = z.object({
  ISONE_NODES: namesListed()
    .transform((names) => names.map(locationFrom))
    .refine(areLocations, 'must be location ids, each once, as in 4000 or 321=UN.NODE')
    .describe(
      'ISO-NE locations to poll, separated by commas: ids, as in 4000, or ids with names, as in 321=UN.FRNKLNSQ13.810CC. Empty: nothing is polled, files only.',
    ),
  ISONE_USERNAME: z.string().optional().describe('User of the ISO-NE web services. Not set: nothing is polled.'),
  ISONE_PASSWORD: secret().describe('Password of the ISO-NE web services.'),
  ISONE_URL: httpUrl()
    .default('https://webservices.iso-ne.com/api/v1.1')
    .describe('Base URL of the ISO-NE web services.'),
  ISONE_REQUEST_SPACING_MS: spacingMs(1000, 'ISO-NE'),
  ISONE_LOOKBACK_HOURS: lookbackHours('ISO-NE', { more: '; final prices at least a week' }),
});

export type IsoneSettings = z.output<typeof ISONE_ENV>;
