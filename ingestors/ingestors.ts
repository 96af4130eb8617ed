/** The ingestors of one process: topic feeds, polls and jobs, and the sweep of what nobody announced. */
import { hostname } from 'node:os';
import type pg from 'pg';
import type { Logger } from 'pino';
import type { Config } from '../runtime/config.ts';
import type { LiveBus } from '../runtime/live-bus/live-bus.ts';
import type { Metrics } from '../runtime/metrics.ts';
import { TOPICS } from '../schema/events/topics.ts';
import type { Feed } from './feed.ts';
import { startWorkers } from './jobs/index.ts';
import { alertsOfSources } from './monitor/alerts.ts';
import { startMonitor } from './monitor/monitor.ts';
import { createAnnouncer } from './pipeline/announcer.ts';
import { archivesOf } from './pipeline/families/families.ts';
import { createPipeline, type Pipeline } from './pipeline/pipeline.ts';
import { createRollups } from './pipeline/rollups.ts';
import { registerFeeds } from './pipeline/store/feeds.ts';
import { claimPartition, noteFailure } from './pipeline/store/positions.ts';
import { createProcessors } from './processors/processors.ts';
import type { EventLog } from './sources/event-log.ts';
import { createSourceParts } from './sources/source-parts.ts';
import { runTopics, type TopicFeed } from './topic-runner.ts';

export interface IngestorParts {
  readonly config: Config;
  readonly pool: pg.Pool;
  readonly databaseUrl: string;
  readonly eventLog: EventLog;
  readonly bus: LiveBus;
  readonly feeds: readonly Feed[];
  readonly metrics: Metrics;
  readonly log: Logger;
  /** Called after each unit, and every two seconds while none is under way: what a health report follows. */
  readonly onIdle: () => void;
  /** Called while everything that was committed is on the live bus. */
  readonly onAnnounced: () => void;
  /** Reading the log ended for a reason that trying again will not mend. */
  readonly onEnd: (error: unknown) => void;
}

export interface Ingestors {
  /** Finishes batches under way, commits and announces them, gives partitions, polls and jobs back. */
  stop(): Promise<void>;
}

const SWEEP_EVERY_MS = 2_000;

export async function startIngestors(parts: IngestorParts): Promise<Ingestors> {
  const { config, pool, databaseUrl, eventLog, bus, feeds, metrics, log, onIdle, onAnnounced, onEnd } = parts;
  const announcer = createAnnouncer({ bus, pool, archiveOf: archivesOf(feeds), metrics, log });
  const rollups = createRollups({ pool, log, clock: Date.now });
  const keepRaw = config.core.RAW_PAYLOAD_DAYS > 0;
  const { pipeline, underWay } = counted(
    createPipeline({ pool, announcer, rollups, markRuns: config.core.MARK_RUNS, keepRaw, metrics, log }),
    onIdle,
  );
  const claim = (feed: string, partition: string) => claimPartition(pool, feed, partition, PROCESS_NAME);
  for (const other of await registerFeeds(pool, feeds, config)) {
    log.warn(
      other,
      'these nodes were polled for till now: ingestors that are configured for a feed have to be so alike',
    );
  }
  await eventLog.ensureTopics(TOPICS);
  const consumption = await runTopics(feeds.filter(isTopicFeed), { log, eventLog, pipeline, announcer, claim });
  consumption.ended.catch(onEnd);
  const processors = createProcessors({ pool, eventLog, announcer, clock: Date.now, core: config.core, feeds, log });
  const monitor = startMonitor({ pool, metrics, log, clock: Date.now });
  const workers = await startWorkers({
    ...processors,
    recurring: [...processors.recurring, alertsOfSources({ pool, log, clock: Date.now })],
    config,
    pool,
    databaseUrl,
    eventLog,
    feeds,
    pipeline,
    announcer,
    sourceParts: createSourceParts(pool, monitor),
    log,
    clock: Date.now,
    claim,
    noteFailure: (feed, partition, error) => noteFailure(pool, feed, partition, error),
  });
  const sweeping = setInterval(() => {
    if (underWay() === 0) onIdle();
    announcer.sweep().then(
      (announced) => announced && onAnnounced(),
      (error) => log.warn({ err: error }, 'sweep failed'),
    );
  }, SWEEP_EVERY_MS);
  return {
    stop: async () => {
      clearInterval(sweeping);
      await Promise.all([consumption.stop(), workers.stop()]);
      await Promise.all([announcer.sweep().catch(() => {}), rollups.settled(), monitor.stop()]);
    },
  };
}

/** A pipeline that knows how many units are in it. */
function counted(pipeline: Pipeline, onDone: () => void): { pipeline: Pipeline; underWay: () => number } {
  let units = 0;
  const ingest: Pipeline['ingest'] = async (...unit) => {
    units += 1;
    try {
      return await pipeline.ingest(...unit);
    } finally {
      units -= 1;
      onDone();
    }
  };
  return { pipeline: { ingest }, underWay: () => units };
}

const PROCESS_NAME = `${hostname()}/${process.pid}`;

function isTopicFeed(feed: Feed): feed is TopicFeed {
  return feed.source.kind === 'topic';
}
