/**
 * `npm start`: Busbar in one process. Store, log and live bus are embedded where nothing else is configured; then
 * simulated prices and trades flow as well, so that there is something to see.
 */
import './runtime/production.ts';

import { Command } from 'commander';
import { accessOf } from './gateway/auth/access.ts';
import { serveGateway } from './gateway/serve.ts';
import { FEED_SETTINGS } from './ingestors/feeds/index.ts';
import { serveIngestors } from './ingestors/serve.ts';
import { serveSimulator } from './ingestors/simulator/serve.ts';
import { isSimulated, SIMULATOR_ENV } from './ingestors/simulator/settings.ts';
import { serveStandIns } from './ingestors/stand-ins/serve.ts';
import { STAND_INS_ENV } from './ingestors/stand-ins/settings.ts';
import { createGround, openPlatform } from './prisma/platform.ts';
import { type Environment, readConfig } from './runtime/config.ts';
import { runProgram } from './runtime/lifecycle.ts';
import { createLog } from './runtime/log.ts';

const options = new Command('npm start --')
  .description(
    'Busbar in one process: ingestors, gateway and, where nothing is configured, simulated prices and trades.',
  )
  .option('--port <port>', 'port of the gateway (PORT, 4000)')
  .option('--host <address>', 'address to listen on (HOST, 127.0.0.1)')
  .option('--data <folder>', 'folder of the embedded store (BUSBAR_DATA, .data)')
  .option('--nodes <count>', 'simulated nodes (SIMULATOR_NODES, 4)')
  .option('--rate <ticks>', 'simulated ticks a second (SIMULATOR_RATE, 20)')
  .option('--accounts <count>', 'simulated accounts (SIMULATOR_ACCOUNTS, 5)')
  .option('--trades <per second>', 'simulated trades a second, 0: none (SIMULATOR_TRADES, 2)')
  .option('--no-simulator', 'no simulated prices and trades (SIMULATOR=off)')
  .option('--stand-ins', 'simulated servers of all vendors on loopback, polled by their feeds (STAND_INS=on)')
  .addHelpText('after', '\nEverything else is configured by environment variables: see .env.example.')
  .parse()
  .opts<Options>();

interface Options {
  readonly port?: string;
  readonly host?: string;
  readonly data?: string;
  readonly nodes?: string;
  readonly rate?: string;
  readonly accounts?: string;
  readonly trades?: string;
  readonly simulator: boolean;
  readonly standIns?: boolean;
}

const SETTINGS = [...FEED_SETTINGS, SIMULATOR_ENV, STAND_INS_ENV];

await runProgram(() => {
  const given = { ...process.env, ...environmentOf(options) };
  const asked = readConfig(given, SETTINGS);
  // Refused before anything is started.
  accessOf(asked.core);
  const log = createLog(asked.core.LOG_LEVEL, 'busbar');
  return {
    log,
    start: async (lifecycle) => {
      const isStoodIn = asked.settings(STAND_INS_ENV).STAND_INS === 'on';
      const config = isStoodIn
        ? readConfig(await serveStandIns(lifecycle, { given, now: Date.now, log }), SETTINGS)
        : asked;
      const platform = await openPlatform(lifecycle, createGround(config, log), 'busbar');
      const { store } = platform;
      if (store.migrated.length > 0) log.info({ migrations: store.migrated }, 'migrated');
      const eventLog = await serveIngestors(lifecycle, platform);
      const url = await serveGateway(lifecycle, platform);
      if (isSimulated(config)) {
        await serveSimulator(lifecycle, { settings: config.settings(SIMULATOR_ENV), store, eventLog, log });
      }
      log.info({ graphiql: `${url}/graphql`, simulated: isSimulated(config), standIns: isStoodIn }, 'ready');
    },
  };
});

function environmentOf({ port, host, data, nodes, rate, accounts, trades, simulator, standIns }: Options): Environment {
  return {
    ...(port && { PORT: port }),
    ...(host && { HOST: host }),
    ...(data && { BUSBAR_DATA: data }),
    ...(nodes && { SIMULATOR_NODES: nodes }),
    ...(rate && { SIMULATOR_RATE: rate }),
    ...(accounts && { SIMULATOR_ACCOUNTS: accounts }),
    ...(trades && { SIMULATOR_TRADES: trades }),
    ...(simulator ? {} : { SIMULATOR: 'off' }),
    ...(standIns ? { STAND_INS: 'on' } : {}),
  };
}
