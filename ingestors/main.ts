/** `npm run ingestors`: the ingestors alone, any number of them, beside gateways. */
import { BusbarError } from '../domain/errors.ts';
import { openStore } from '../prisma/store.ts';
import { readConfig } from '../runtime/config.ts';
import { createHealth } from '../runtime/health.ts';
import { watchDependency } from '../runtime/heartbeat.ts';
import { answerJson, answerOperations, listenHttp } from '../runtime/http-service.ts';
import { runProgram } from '../runtime/lifecycle.ts';
import { openBus } from '../runtime/live-bus/open-bus.ts';
import { createLog } from '../runtime/log.ts';
import { createMetrics } from '../runtime/metrics.ts';
import { FEED_SETTINGS } from './feeds/index.ts';
import { serveIngestors } from './serve.ts';

await runProgram(() => {
  const config = readConfig(process.env, FEED_SETTINGS);
  if (!config.core.REDIS_URL) {
    throw new BusbarError(
      'CONFIG_INVALID',
      'REDIS_URL: needed where gateway and ingestors are processes of their own, or live prices would reach nobody; `npm start` runs both in one',
    );
  }
  const log = createLog(config.core.LOG_LEVEL, 'ingestors');
  return {
    log,
    start: async (lifecycle) => {
      const metrics = createMetrics();
      const health = createHealth();
      const { HOST: host, INGESTORS_PORT: port } = config.core;
      await lifecycle.start(
        'operations',
        () =>
          listenHttp({
            host,
            port,
            metrics,
            handle: async (request, response) => {
              if (!(await answerOperations(request, response, { health, metrics })))
                answerJson(response, 404, { error: 'not found' });
            },
          }),
        (service) => service.close(1_000),
      );
      const store = await lifecycle.start(
        'store',
        () => openStore(config.core, 'busbar ingestors', (err) => log.warn({ err }, 'store connection lost')),
        (opened) => opened.close(),
      );
      metrics.watchPool('ingestors', store.pool);
      await lifecycle.start(
        'store heartbeat',
        () => watchDependency(health, 'store', () => store.pool.query('SELECT 1')),
        async (heartbeat) => heartbeat.stop(),
      );
      const bus = await lifecycle.start(
        'live bus',
        () => openBus(config.core, log),
        (opened) => opened.close(),
      );
      await lifecycle.start(
        'live bus heartbeat',
        () => watchDependency(health, 'live bus', () => bus.ping()),
        async (heartbeat) => heartbeat.stop(),
      );
      await serveIngestors(lifecycle, { config, store, bus, metrics, health, log });
    },
  };
});
