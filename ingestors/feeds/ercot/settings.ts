import { z } from 'zod';
import { Secret } from '../../../runtime/secret.ts';
import { isReportName, REPORT_NAMES, type ReportName } from './reports.ts';
import { isSettlementPoint } from './requests.ts';

const listed = (text: string) => [
  ...new Set(
    text
      .split(',')
      .map((each) => each.trim())
      .filter(Boolean),
  ),
];
const url = () => z.url({ protocol: /^https?$/, error: 'must be a URL beginning with https:// or http://' });

/** It is the same for everybody who uses the public API, and no secret. */
const PUBLIC_CLIENT = 'fec253ea-0d06-4272-a5e6-b478baeecd70';

/** Environment of the feed. */
export const ERCOT_ENV = z.object({
  ERCOT_NODES: z
    .string()
    .default('')
    .transform(listed)
    .refine((nodes) => nodes.every(isSettlementPoint), 'must be settlement points as ERCOT names them, as in HB_NORTH')
    .describe('ERCOT settlement points to poll, separated by commas. Empty: nothing is polled, files only.'),
  ERCOT_REPORTS: z
    .string()
    .default(REPORT_NAMES.join(','))
    .transform((text, context): ReportName[] => {
      const names = listed(text);
      const known = names.filter(isReportName);
      if (known.length < names.length || known.length === 0) {
        context.addIssue({ code: 'custom', message: `must be one or more of ${REPORT_NAMES.join(', ')}` });
      }
      return known;
    })
    .describe('ERCOT reports to poll, separated by commas.'),
  ERCOT_USERNAME: z
    .string()
    .optional()
    .describe('User of the ERCOT public API. Not set, or one of the next two: nothing is polled, files only.'),
  ERCOT_PASSWORD: z
    .string()
    .transform((value) => new Secret(value))
    .optional()
    .describe('Password of that user.'),
  ERCOT_SUBSCRIPTION_KEY: z
    .string()
    // It is sent as a header, which holds no other characters.
    .regex(/^[!-~]+$/, 'must be a key as ERCOT gives it, without spaces')
    .transform((value) => new Secret(value))
    .optional()
    .describe('Subscription key of the ERCOT public API.'),
  ERCOT_URL: url().default('https://api.ercot.com/api/public-reports').describe('Base URL of the ERCOT public API.'),
  ERCOT_TOKEN_URL: url()
    .default('https://ercotb2c.b2clogin.com/ercotb2c.onmicrosoft.com/B2C_1_PUBAPI-ROPC-FLOW/oauth2/v2.0/token')
    .describe('Where ERCOT gives tokens.'),
  ERCOT_CLIENT_ID: z
    .string()
    .min(1)
    .default(PUBLIC_CLIENT)
    .describe('OAuth2 client of the ERCOT public API, the same for all users.'),
  ERCOT_REQUEST_SPACING_MS: z.coerce
    .number()
    .int()
    .min(0)
    .default(2000)
    .describe('Least time between two requests to ERCOT, which takes 30 a minute. Milliseconds.'),
  ERCOT_LOOKBACK_HOURS: z.coerce
    .number()
    .min(1)
    .max(31 * 24)
    .default(24)
    .describe('How far a first poll of ERCOT goes back. Hours; for more, run a backfill.'),
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
