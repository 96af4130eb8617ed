/** `npm run simulate`: the simulator alone, as a foreign producer to the configured log. */
import { Command } from 'commander';
import { openStore } from '../../prisma/store.ts';
import { readConfig } from '../../runtime/config.ts';
import { runProgram } from '../../runtime/lifecycle.ts';
import { createLog } from '../../runtime/log.ts';
import { openEventLog } from '../sources/open-log.ts';
import { serveSimulator } from './serve.ts';
import { SIMULATOR_ENV } from './settings.ts';

const options = new Command('simulate')
  .description(
    'Write simulated prices and trades to the configured log until interrupted. Same seed, same prices and trades.',
  )
  .option('--nodes <count>', 'nodes; the first four are the hubs (SIMULATOR_NODES)')
  .option('--rate <ticks>', 'ticks a second over all nodes (SIMULATOR_RATE)')
  .option('--accounts <count>', 'accounts that trade (SIMULATOR_ACCOUNTS)')
  .option('--trades <per second>', 'trades a second over all accounts; 0: none (SIMULATOR_TRADES)')
  .option('--seed <number>', 'seed of the prices and trades (SIMULATOR_SEED)')
  .parse()
  .opts<{ nodes?: string; rate?: string; accounts?: string; trades?: string; seed?: string }>();

await runProgram(() => {
  const config = readConfig(
    {
      ...process.env,
      ...(options.nodes && { SIMULATOR_NODES: options.nodes }),
      ...(options.rate && { SIMULATOR_RATE: options.rate }),
      ...(options.accounts && { SIMULATOR_ACCOUNTS: options.accounts }),
      ...(options.trades && { SIMULATOR_TRADES: options.trades }),
      ...(options.seed && { SIMULATOR_SEED: options.seed }),
    },
    [SIMULATOR_ENV],
  );
  const log = createLog(config.core.LOG_LEVEL, 'simulator');
  return {
    log,
    start: async (lifecycle) => {
      const store = await lifecycle.start(
        'store',
        () => openStore(config.core, 'busbar simulator', (err) => log.warn({ err }, 'store connection lost')),
        (opened) => opened.close(),
      );
      const eventLog = await lifecycle.start(
        'event log',
        () => openEventLog(config.core, store, log),
        (opened) => opened.close(),
      );
      await serveSimulator(lifecycle, { settings: config.settings(SIMULATOR_ENV), store, eventLog, log });
    },
  };
});
