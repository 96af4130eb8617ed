import { z } from 'zod';
import type { Config } from '../../runtime/config.ts';

/** What the simulator reads of the environment. */
export const SIMULATOR_ENV = z.object({
  SIMULATOR: z
    .enum(['auto', 'on', 'off'])
    .default('auto')
    .describe('Simulated prices in `npm start`. auto: only where neither a database nor brokers are configured.'),
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
  SIMULATOR_SEED: z.coerce.number().int().min(0).default(1).describe('The same seed simulates the same prices.'),
});

export type SimulatorSettings = z.output<typeof SIMULATOR_ENV>;

/** Simulated prices never go into somebody's own store or brokers unless they were asked for. */
export function isSimulated(config: Config): boolean {
  const { SIMULATOR } = config.settings(SIMULATOR_ENV);
  return SIMULATOR === 'on' || (SIMULATOR === 'auto' && !config.core.DATABASE_URL && !config.core.KAFKA_BROKERS);
}
