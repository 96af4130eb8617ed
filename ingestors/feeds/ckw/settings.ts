import { z } from 'zod';
import { httpUrl, lookbackHours, namesListed, secret, spacingMs } from '../../sources/settings.ts';
import { isPlant, isTariffName, PLANTS, TARIFF_NAMES } from './names.ts';

/** Environment of the three feeds. */
export const CKW_ENV = z.object({
  CKW_TARIFFS: namesListed()
    .refine((names) => names.every(isTariffName), `must be of ${TARIFF_NAMES.join(', ')}`)
    .describe(`CKW tariffs to poll, separated by commas: ${TARIFF_NAMES.join(', ')}. Empty: none, files only.`),
  CKW_PLANTS: namesListed()
    .refine((names) => names.every(isPlant), `must be of ${PLANTS.join(', ')}`)
    .describe(`CKW plants to poll the live status of: ${PLANTS.join(', ')}. Empty: none, files only.`),
  CKW_CONTROL_SIGNALS: z
    .enum(['true', 'false'])
    .default('false')
    .transform((text) => text === 'true')
    .describe('Whether to poll the ripple control signals of CKW, day by day.'),
  CKW_URL: httpUrl()
    .default('https://e-ckw-public-data.de-c1.eu1.cloudhub.io/api/v1')
    .describe('Base URL of the data of CKW.'),
  CKW_REQUEST_SPACING_MS: spacingMs(250_000, 'CKW, which takes 4 in about 999 seconds'),
  CKW_LOOKBACK_HOURS: lookbackHours('CKW'),
  CKW_TOKEN_URL: httpUrl()
    .optional()
    .describe('Where partners of CKW get a token (OAuth2). Not set: the public endpoint, which wants none.'),
  CKW_CLIENT_ID: z.string().optional().describe('OAuth2 client of a partner of CKW.'),
  CKW_CLIENT_SECRET: secret().describe('Secret of the client: it then asks by client credentials.'),
  CKW_USERNAME: z.string().optional().describe('User of a partner of CKW whose deployment wants the password grant.'),
  CKW_PASSWORD: secret().describe('Password of the user.'),
});

export type CkwSettings = z.output<typeof CKW_ENV>;
