import { z } from 'zod';
import { Secret } from '../../../runtime/secret.ts';
import { areLocations, locationFrom } from './locations.ts';

const listed = (text: string) =>
  text
    .split(',')
    .map((each) => each.trim())
    .filter(Boolean);

/** Environment of the feed. */
export const ISONE_ENV = z.object({
  ISONE_NODES: z
    .string()
    .default('')
    .transform((text) => [...new Set(listed(text))].map(locationFrom))
    .refine(areLocations, 'must be location ids, each once, as in 4000 or 321=UN.NODE')
    .describe(
      'ISO-NE locations to poll, separated by commas: ids, as in 4000, or ids with names, as in 321=UN.FRNKLNSQ13.810CC. Empty: nothing is polled, files only.',
    ),
  ISONE_USERNAME: z.string().optional().describe('User of the ISO-NE web services. Not set: nothing is polled.'),
  ISONE_PASSWORD: z
    .string()
    .transform((value) => new Secret(value))
    .optional()
    .describe('Password of the ISO-NE web services.'),
  ISONE_URL: z
    .url({ protocol: /^https?$/, error: 'must be a URL beginning with https:// or http://' })
    .default('https://webservices.iso-ne.com/api/v1.1')
    .describe('Base URL of the ISO-NE web services.'),
  ISONE_REQUEST_SPACING_MS: z.coerce
    .number()
    .int()
    .min(0)
    .default(1000)
    .describe('Least time between two requests to ISO-NE. Milliseconds.'),
  ISONE_LOOKBACK_HOURS: z.coerce
    .number()
    .min(1)
    .max(31 * 24)
    .default(24)
    .describe(
      'How far a first poll of ISO-NE goes back; final prices at least a week. Hours; for more, run a backfill.',
    ),
});

export type IsoneSettings = z.output<typeof ISONE_ENV>;
