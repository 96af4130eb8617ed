import { z } from 'zod';
import { headerSecret, httpUrl, lookbackHours, spacingMs } from '../../sources/settings.ts';
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
  PJM_API_KEY: headerSecret('PJM').describe(
    'Subscription key of PJM Data Miner 2. Not set: nothing is polled, files only.',
  ),
  PJM_URL: httpUrl().default('https://api.pjm.com/api/v1').describe('Base URL of PJM Data Miner 2.'),
  PJM_REQUEST_SPACING_MS: spacingMs(10_000, 'PJM, which takes 6 a minute, 600 of a member'),
  PJM_LOOKBACK_HOURS: lookbackHours('PJM', { more: ', of verified prices at least six days' }),
});

export type PjmSettings = z.output<typeof PJM_ENV>;
