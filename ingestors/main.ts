/** `npm run ingestors`: the ingestors alone, any number of them, beside gateways. */
import { createGround, openPlatform } from '../prisma/platform.ts';
import { readConfig } from '../runtime/config.ts';
import { answerJson, answerOperations, directlyFrom, listenHttp } from '../runtime/http-service.ts';
import { runProgram } from '../runtime/lifecycle.ts';
import { createLog } from '../runtime/log.ts';
import { FEED_SETTINGS } from './feeds/index.ts';
import { serveIngestors } from './serve.ts';

await runProgram(() => {
  const config = readConfig(process.env, FEED_SETTINGS, 'apart');
  const log = createLog(config.core.LOG_LEVEL, 'ingestors');
  return {
    log,
    start: async (lifecycle) => {
      const ground = createGround(config, log);
      const isInsider = directlyFrom(config.core.OPERATIONS_FROM);
      await lifecycle.start(
        'operations',
        () =>
          listenHttp({
            host: config.core.HOST,
            port: config.core.INGESTORS_PORT,
            metrics: ground.metrics,
            handle: async (request, response) => {
              const answered = await answerOperations(request, response, { ...ground, isInsider });
              if (!answered) answerJson(response, 404, { error: 'not found' });
            },
          }),
        (service) => service.close(1_000),
      );
      await serveIngestors(lifecycle, await openPlatform(lifecycle, ground, 'busbar ingestors'));
    },
  };
});
