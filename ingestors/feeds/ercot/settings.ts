import { z } from 'zod';
import type { Secret } from '../../../runtime/secret.ts';
import {
  headerSecret,
  httpUrl,
  lookbackHours,
  namesListed,
  secret,
  someOf,
  spacingMs,
} from '../../sources/settings.ts';
import { REPORT_NAMES } from './reports.ts';
import { isSettlementPoint } from './requests.ts';

/** It is the same for everybody who uses the public API, and no secret. */
const PUBLIC_CLIENT = 'fec253ea-0d06-4272-a5e6-b478baeecd70';

/** Environment of the feed. */
export const ERCOT_ENV = z.object({
  ERCOT_NODES: namesListed()
    .refine((nodes) => nodes.every(isSettlementPoint), 'must be settlement points as ERCOT names them, as in HB_NORTH')
    .describe('ERCOT settlement points to poll, separated by commas. Empty: nothing is polled, files only.'),
  ERCOT_REPORTS: someOf(REPORT_NAMES).describe('ERCOT reports to poll, separated by commas.'),
  ERCOT_USERNAME: z
    .string()
    .optional()
    .describe('User of the ERCOT public API. Not set, or one of the next two: nothing is polled, files only.'),
  ERCOT_PASSWORD: secret().describe('Password of that user.'),
  ERCOT_SUBSCRIPTION_KEY: headerSecret('ERCOT').describe('Subscription key of the ERCOT public API.'),
  ERCOT_URL: httpUrl()
    .default('https://api.ercot.com/api/public-reports')
    .describe('Base URL of the ERCOT public API.'),
  ERCOT_TOKEN_URL: httpUrl()
    .default('https://ercotb2c.b2clogin.com/ercotb2c.onmicrosoft.com/B2C_1_PUBAPI-ROPC-FLOW/oauth2/v2.0/token')
    .describe('Where ERCOT gives tokens.'),
  ERCOT_CLIENT_ID: z
    .string()
    .min(1)
    .default(PUBLIC_CLIENT)
    .describe('OAuth2 client of the ERCOT public API, the same for all users.'),
  ERCOT_REQUEST_SPACING_MS: spacingMs(2000, 'ERCOT, which takes 30 a minute'),
  ERCOT_LOOKBACK_HOURS: lookbackHours('ERCOT'),
});

export type ErcotSettings = z.output<typeof ERCOT_ENV>;

/** What a poll needs beyond the defaults. */
export interface Credentials {
  readonly username: string;
  readonly password: Secret;
  readonly subscriptionKey: Secret;
}

/** @returns undefined where one is missing: the feed is then not configured. */
export function credentialsIn(settings: ErcotSettings): Credentials | undefined {
  const { ERCOT_USERNAME: username, ERCOT_PASSWORD: password, ERCOT_SUBSCRIPTION_KEY: subscriptionKey } = settings;
  return username && password && subscriptionKey ? { username, password, subscriptionKey } : undefined;
}
