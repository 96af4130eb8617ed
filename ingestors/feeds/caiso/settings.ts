import { z } from 'zod';
import { isReportName, REPORT_NAMES, type ReportName } from './reports.ts';
import { isOasisNode } from './requests.ts';

const listed = (text: string) =>
  text
    .split(',')
    .map((each) => each.trim())
    .filter(Boolean);

/** Environment of the feed. */
export const CAISO_ENV = z.object({
  CAISO_NODES: z
    .string()
    .default('')
    .transform((text) => [...new Set(listed(text))])
    .refine((nodes) => nodes.every(isOasisNode), 'must be node names as OASIS has them, as in TH_NP15_GEN-APND')
    .describe('CAISO nodes to poll, separated by commas, as OASIS names them. Empty: nothing is polled, files only.'),
  CAISO_REPORTS: z
    .string()
    .default(REPORT_NAMES.join(','))
    .transform((text, context): ReportName[] => {
      const names = [...new Set(listed(text))];
      const known = names.filter(isReportName);
      if (known.length < names.length || known.length === 0) {
        context.addIssue({ code: 'custom', message: `must be one or more of ${REPORT_NAMES.join(', ')}` });
      }
      return known;
    })
    .describe('CAISO reports to poll, separated by commas.'),
  CAISO_OASIS_URL: z
    .url({ protocol: /^https?$/, error: 'must be a URL beginning with https:// or http://' })
    .default('https://oasis.caiso.com/oasisapi')
    .describe('Base URL of OASIS.'),
  CAISO_REQUEST_SPACING_MS: z.coerce
    .number()
    .int()
    .min(0)
    .default(5000)
    .describe('Least time between two requests to OASIS, which throttles anything below 5000. Milliseconds.'),
  CAISO_LOOKBACK_HOURS: z.coerce
    .number()
    .min(1)
    .max(31 * 24)
    .default(24)
    .describe('How far a first poll of CAISO goes back. Hours; for more, run a backfill.'),
  CAISO_CORRECTIONS_DAYS: z.coerce
    .number()
    .int()
    .min(0)
    .max(60)
    .default(14)
    .describe('For how many past operating days CAISO is asked once a day what it corrected. 0: never.'),
});

export type CaisoSettings = z.output<typeof CAISO_ENV>;
