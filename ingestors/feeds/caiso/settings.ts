import { z } from 'zod';
import { httpUrl, lookbackHours, namesListed, someOf, spacingMs } from '../../sources/settings.ts';
import { REPORT_NAMES } from './reports.ts';
import { isOasisNode } from './requests.ts';

/** Environment of the feed. */
export const CAISO_ENV = z.object({
  CAISO_NODES: namesListed()
    .refine((nodes) => nodes.every(isOasisNode), 'must be node names as OASIS has them, as in TH_NP15_GEN-APND')
    .describe('CAISO nodes to poll, separated by commas, as OASIS names them. Empty: nothing is polled, files only.'),
  CAISO_REPORTS: someOf(REPORT_NAMES).describe('CAISO reports to poll, separated by commas.'),
  CAISO_OASIS_URL: httpUrl().default('https://oasis.caiso.com/oasisapi').describe('Base URL of OASIS.'),
  CAISO_REQUEST_SPACING_MS: spacingMs(5000, 'OASIS, which throttles anything below 5000'),
  CAISO_LOOKBACK_HOURS: lookbackHours('CAISO'),
  CAISO_CORRECTIONS_DAYS: z.coerce
    .number()
    .int()
    .min(0)
    .max(60)
    .default(14)
    .describe('For how many past operating days CAISO is asked once a day what it corrected. 0: never.'),
});

export type CaisoSettings = z.output<typeof CAISO_ENV>;
