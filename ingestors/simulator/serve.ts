import type { Logger } from 'pino';
import { HOUR_MS } from '../../domain/instant.ts';
import type { Store } from '../../prisma/store.ts';
import type { Lifecycle } from '../../runtime/lifecycle.ts';
import { createNodeDirectory } from '../pipeline/store/nodes.ts';
import type { EventLog } from '../sources/event-log.ts';
import { nodesFor } from './market-model.ts';
import type { SimulatorSettings } from './settings.ts';
import { createSimulator } from './simulator.ts';

export interface SimulatorPlatform {
  readonly settings: SimulatorSettings;
  readonly store: Store;
  readonly eventLog: EventLog;
  readonly log: Logger;
}

/** Enough to draw a chart of right after the first start. */
const HISTORY_MS = 6 * HOUR_MS;

/** Starts the simulator as a part of a process. Its nodes join the reference data first: topics are held to it. */
export async function serveSimulator(
  lifecycle: Lifecycle,
  { settings, store, eventLog, log }: SimulatorPlatform,
): Promise<void> {
  const nodes = nodesFor(settings.SIMULATOR_NODES);
  await createNodeDirectory(store.pool).register(new Set(nodes));
  await lifecycle.start(
    'simulator',
    async () => {
      const simulator = createSimulator({
        log: eventLog,
        clock: Date.now,
        seed: settings.SIMULATOR_SEED,
        nodes,
        ratePerSecond: settings.SIMULATOR_RATE,
        trades: { accounts: settings.SIMULATOR_ACCOUNTS, perSecond: settings.SIMULATOR_TRADES },
        historyMs: HISTORY_MS,
        logger: log,
      });
      const { ended } = await simulator.start();
      ended.catch((error) => lifecycle.fail('the simulator ended', error));
      return simulator;
    },
    (simulator) => simulator.stop(),
  );
}
