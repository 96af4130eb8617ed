import type { Logger } from 'pino';
import type { Store } from '../prisma/store.ts';
import type { Config } from '../runtime/config.ts';
import type { Health } from '../runtime/health.ts';
import { watchDependency } from '../runtime/heartbeat.ts';
import type { Lifecycle } from '../runtime/lifecycle.ts';
import type { LiveBus } from '../runtime/live-bus/live-bus.ts';
import type { Metrics } from '../runtime/metrics.ts';
import { FEEDS } from './feeds/index.ts';
import { startIngestors } from './ingestors.ts';
import type { EventLog } from './sources/event-log.ts';
import { openEventLog } from './sources/open-log.ts';

export interface IngestorPlatform {
  readonly config: Config;
  readonly store: Store;
  readonly bus: LiveBus;
  readonly metrics: Metrics;
  readonly health: Health;
  readonly log: Logger;
}

/** A batch takes milliseconds; one that has been under way for a minute is stuck. */
const BATCH_MS_MAX = 60_000;

/** Starts the ingestors as parts of a process. @returns the log they read, for whoever writes to it in the same process. */
export async function serveIngestors(lifecycle: Lifecycle, platform: IngestorPlatform): Promise<EventLog> {
  const { config, store, bus, metrics, health, log } = platform;
  const eventLog = await lifecycle.start(
    'event log',
    () => openEventLog(config.core, store, log),
    (opened) => opened.close(),
  );
  await lifecycle.start(
    'event log heartbeat',
    () => watchDependency(health, 'event log', () => eventLog.ping()),
    async (heartbeat) => heartbeat.stop(),
  );
  const progress = health.progress('ingest', BATCH_MS_MAX);
  await lifecycle.start(
    'ingestors',
    () =>
      startIngestors({
        config,
        pool: store.pool,
        databaseUrl: store.url,
        eventLog,
        bus,
        feeds: FEEDS,
        metrics,
        log,
        onIdle: progress.succeeded,
        onEnd: (error) => {
          // Nothing here can mend it, and a process that reads nothing must not look alive.
          log.fatal({ err: error }, 'reading the event log ended');
          process.kill(process.pid, 'SIGTERM');
        },
      }),
    (ingestors) => ingestors.stop(),
  );
  return eventLog;
}
