import { z } from 'zod';
import type { Config } from '../../runtime/config.ts';

/** What the simulator reads of the environment. */
export const SIMULATOR_ENV = z.object({
  SIMULATOR: z
    .enum(['auto', 'on', 'off'])
    .default('auto')
    .describe(
      'Simulated prices and trades in `npm start`. auto: only where neither a database nor brokers are configured.',
    ),
  SIMULATOR_NODES: z.coerce
    .number()
    .int()
    .min(1)
    .max(10_000)
    .default(4)
    .describe('Simulated nodes; the first four are the hubs.'),
  SIMULATOR_RATE: z.coerce
    .number()
    .min(0.1)
    .max(100_000)
    .default(20)
    .describe('Simulated ticks a second over all nodes.'),
  SIMULATOR_ACCOUNTS: z.coerce
    .number()
    .int()
    .min(1)
    .max(10_000)
    .default(5)
    .describe('Simulated accounts; each trades three nodes.'),
  SIMULATOR_TRADES: z.coerce
    .number()
    .max(10_000)
    .refine((rate) => rate === 0 || rate >= 0.001, 'must be 0 or at least 0.001')
    .default(2)
    .describe('Simulated trades a second over all accounts; 0: none.'),
  SIMULATOR_SEED: z.coerce
    .number()
    .int()
    .min(0)
    .default(1)
    .describe('The same seed simulates the same prices and trades.'),
});

export type SimulatorSettings = z.output<typeof SIMULATOR_ENV>;

/** What is simulated never goes into somebody's own store or brokers unless they were asked for. */
export function isSimulated(config: Config): boolean {
  const { SIMULATOR } = config.settings(SIMULATOR_ENV);
  return SIMULATOR === 'on' || (SIMULATOR === 'auto' && !config.core.DATABASE_URL && !config.core.KAFKA_BROKERS);
}
