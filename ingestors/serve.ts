import { type Platform, watched } from '../prisma/platform.ts';
import type { Lifecycle } from '../runtime/lifecycle.ts';
import { FEEDS } from './feeds/index.ts';
import { startIngestors } from './ingestors.ts';
import type { EventLog } from './sources/event-log.ts';
import { openEventLog } from './sources/open-log.ts';

/** A batch takes milliseconds; one that has been under way for a minute is stuck. */
const BATCH_MS_MAX = 60_000;
/** Prices that nobody sees live for so long are an outage. */
const ANNOUNCE_MS_MAX = 15_000;

/** Starts the ingestors as parts of a process. @returns the log they read, for whoever writes to it in the same process. */
export async function serveIngestors(lifecycle: Lifecycle, platform: Platform): Promise<EventLog> {
  const { config, store, bus, metrics, health, log } = platform;
  const eventLog = await lifecycle.start(
    'event log',
    () => openEventLog(config.core, store, log),
    (opened) => opened.close(),
  );
  await watched(lifecycle, health, 'event log', () => eventLog.ping());
  const progress = health.progress('ingest', BATCH_MS_MAX);
  const announcing = health.progress('announcing', ANNOUNCE_MS_MAX);
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
        onAnnounced: announcing.succeeded,
        onEnd: (error) => lifecycle.fail('reading the event log ended', error),
      }),
    (ingestors) => ingestors.stop(),
  );
  return eventLog;
}
