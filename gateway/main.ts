/** `npm run gateway`: the gateway alone, any number of them, beside ingestors. */
import '../runtime/production.ts';

import { createGround, openPlatform } from '../prisma/platform.ts';
import { readConfig } from '../runtime/config.ts';
import { runProgram } from '../runtime/lifecycle.ts';
import { createLog } from '../runtime/log.ts';
import { accessOf } from './auth/access.ts';
import { serveGateway } from './serve.ts';

await runProgram(() => {
  const config = readConfig(process.env, [], 'apart');
  // Refused before anything is reached.
  accessOf(config.core);
  const log = createLog(config.core.LOG_LEVEL, 'gateway');
  return {
    log,
    start: async (lifecycle) => {
      await serveGateway(lifecycle, await openPlatform(lifecycle, createGround(config, log), 'busbar gateway'));
    },
  };
});
