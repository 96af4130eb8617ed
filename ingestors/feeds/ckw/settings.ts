import { z } from 'zod';
import { Secret } from '../../../runtime/secret.ts';
import { isPlant, isTariffName, PLANTS, TARIFF_NAMES } from './names.ts';

const listed = (text: string) =>
  text
    .split(',')
    .map((each) => each.trim())
    .filter(Boolean);

/** Environment of the three feeds. */
export const CKW_ENV = z.object({
  CKW_TARIFFS: z
    .string()
    .default('')
    .transform((text) => [...new Set(listed(text))])
    .refine((names) => names.every(isTariffName), `must be of ${TARIFF_NAMES.join(', ')}`)
    .describe(`CKW tariffs to poll, separated by commas: ${TARIFF_NAMES.join(', ')}. Empty: none, files only.`),
  CKW_PLANTS: z
    .string()
    .default('')
    .transform((text) => [...new Set(listed(text))])
    .refine((names) => names.every(isPlant), `must be of ${PLANTS.join(', ')}`)
    .describe(`CKW plants to poll the live status of: ${PLANTS.join(', ')}. Empty: none, files only.`),
  CKW_CONTROL_SIGNALS: z
    .enum(['true', 'false'])
    .default('false')
    .transform((text) => text === 'true')
    .describe('Whether to poll the ripple control signals of CKW, day by day.'),
  CKW_URL: z
    .url({ protocol: /^https?$/, error: 'must be a URL beginning with https:// or http://' })
    .default('https://e-ckw-public-data.de-c1.eu1.cloudhub.io/api/v1')
    .describe('Base URL of the data of CKW.'),
  CKW_REQUEST_SPACING_MS: z.coerce
    .number()
    .int()
    .min(0)
    .default(250_000)
    .describe('Least time between two requests to CKW, which takes 4 in about 999 seconds. Milliseconds.'),
  CKW_LOOKBACK_HOURS: z.coerce
    .number()
    .min(1)
    .max(31 * 24)
    .default(24)
    .describe('How far a first poll of CKW goes back. Hours; for more, run a backfill.'),
  CKW_TOKEN_URL: z
    .url({ protocol: /^https?$/, error: 'must be a URL beginning with https:// or http://' })
    .optional()
    .describe('Where partners of CKW get a token (OAuth2). Not set: the public endpoint, which wants none.'),
  CKW_CLIENT_ID: z.string().optional().describe('OAuth2 client of a partner of CKW.'),
  CKW_CLIENT_SECRET: z
    .string()
    .transform((value) => new Secret(value))
    .optional()
    .describe('Secret of the client: it then asks by client credentials.'),
  CKW_USERNAME: z.string().optional().describe('User of a partner of CKW whose deployment wants the password grant.'),
  CKW_PASSWORD: z
    .string()
    .transform((value) => new Secret(value))
    .optional()
    .describe('Password of the user.'),
});

export type CkwSettings = z.output<typeof CKW_ENV>;
