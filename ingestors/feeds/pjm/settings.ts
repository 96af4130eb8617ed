import { z } from 'zod';
import { Secret } from '../../../runtime/secret.ts';
import { isNodeList, nodesFrom } from './nodes.ts';

/** Environment of the feed. */
export const PJM_ENV = z.object({
  PJM_NODES: z
    .string()
    .default('')
    .refine(isNodeList, 'must be pnode_ids, each once, with or without a name, as in 51288=WESTERN HUB,1')
    .transform(nodesFrom)
    .describe(
      'PJM nodes to poll, separated by commas: the pnode_id, and after = its name, as in 51288=WESTERN HUB. Empty: nothing is polled, files only.',
    ),
  PJM_API_KEY: z
    .string()
    // It is sent as a header, which holds no other characters.
    .regex(/^[!-~]+$/, 'must be a key as PJM gives it, without spaces')
    .transform((value) => new Secret(value))
    .optional()
    .describe('Subscription key of PJM Data Miner 2. Not set: nothing is polled, files only.'),
  PJM_URL: z
    .url({ protocol: /^https?$/, error: 'must be a URL beginning with https:// or http://' })
    .default('https://api.pjm.com/api/v1')
    .describe('Base URL of PJM Data Miner 2.'),
  PJM_REQUEST_SPACING_MS: z.coerce
    .number()
    .int()
    .min(0)
    .default(10_000)
    .describe('Least time between two requests to PJM, which takes 6 a minute, 600 of a member. Milliseconds.'),
  PJM_LOOKBACK_HOURS: z.coerce
    .number()
    .min(1)
    .max(31 * 24)
    .default(24)
    .describe(
      'How far a first poll of PJM goes back, of verified prices at least six days. Hours; for more, run a backfill.',
    ),
});

export type PjmSettings = z.output<typeof PJM_ENV>;
