import { z } from 'zod';

/** What `npm start` reads of the environment for the stand-ins. */
export const STAND_INS_ENV = z.object({
  STAND_INS: z
    .enum(['on', 'off'])
    .default('off')
    .describe(
      'on: `npm start` simulates the vendors’ servers on loopback, and polls these; what is set for a feed all the same wins. The store is then BUSBAR_DATA or .data/stand-ins.',
    ),
});
