/** Jobs and polls on the work queue: what one process takes part in. */
import type pg from 'pg';
import type { Logger } from 'pino';
import { CHUNK_TASK, PLAN_TASK } from '../../prisma/operations/jobs.ts';
import type { Config } from '../../runtime/config.ts';
import type { Feed, SourceParts } from '../feed.ts';
import type { Announcer } from '../pipeline/announcer.ts';
import type { Pipeline } from '../pipeline/pipeline.ts';
import { renewExpectations } from '../pipeline/store/feeds.ts';
import type { Claim } from '../pipeline/store/positions.ts';
import type { EventLog } from '../sources/event-log.ts';
import { createCancellations } from './cancellations.ts';
import { createPlanTask } from './plan-job.ts';
import { type PolledPartition, pollOf } from './poll.ts';
import { createPollers, isPolledFeed, type Pollers } from './pollers.ts';
import { startQueue } from './queue.ts';
import type { Crew, QueueTask } from './queue-runner.ts';
import { createRecurringTasks, queueRecurring, type Recurring } from './recurring.ts';
import { createRetentionTask, RETENTION_CRONTAB, RETENTION_TASK } from './retention.ts';
import { createChunkTask } from './run-chunk.ts';

export interface JobWorkerParts {
  /** With the settings of every polled feed. */
  readonly config: Config;
  readonly pool: pg.Pool;
  readonly databaseUrl: string;
  readonly eventLog: EventLog;
  readonly feeds: readonly Feed[];
  readonly pipeline: Pipeline;
  readonly sourceParts: SourceParts;
  readonly log: Logger;
}

export interface WorkerParts extends JobWorkerParts {
  readonly announcer: Pick<Announcer, 'catchUp'>;
  readonly clock: () => number;
  /** How often to look after what is to be polled; a minute where nothing is said. */
  readonly upkeepEveryMs?: number;
  /** What else is done again and again. */
  readonly recurring?: readonly Recurring[];
  /** What else is done when it is asked for, by its name in the queue. */
  readonly tasks?: Readonly<Record<string, QueueTask>>;
  /** Makes this process the owner of a partition. */
  claim(feed: string, partition: string): Promise<Claim>;
  noteFailure(feed: string, partition: string, error: string): Promise<void>;
}

export interface Workers {
  /** Breaks off what is being fetched, finishes commits under way, and leaves the rest to others at once. */
  stop(): Promise<void>;
}

/** Chunks at a time in one process. Most wait for their source's turn; four commits at once keep one Postgres busy. */
const CHUNK_WORKERS = 4;

/** Each looks for work once a second. */
const POLL_WORKERS_MAX = 32;

const UPKEEP_EVERY_MS = 60_000;

/** Plans and carries out jobs, as in a shell that waits for one: without polls, without retention. */
export async function startJobWorkers(parts: JobWorkerParts): Promise<Workers> {
  const pollers = createPollers(parts.config, parts.sourceParts);
  const plans: Crew = { workers: 1, tasks: { [PLAN_TASK]: createPlanTask(parts) } };
  return started(parts, pollers, { crews: [plans, chunkCrew(parts, pollers)] });
}

/** Takes part in all there is: jobs, polls of what is configured, retention. */
export async function startWorkers(parts: WorkerParts): Promise<Workers> {
  const { pool, config, feeds, log, tasks = {}, upkeepEveryMs = UPKEEP_EVERY_MS } = parts;
  const pollers = createPollers(config, parts.sourceParts);
  const polls = polledPartitions(parts).map((polled) => pollOf(polled, { ...parts, pollers }));
  const recurring = [...polls, ...(parts.recurring ?? [])];
  const light: Crew = {
    // Polls mostly wait; beside them there is a worker for a plan.
    workers: Math.min(recurring.length, POLL_WORKERS_MAX) + 1,
    tasks: {
      [PLAN_TASK]: createPlanTask(parts),
      [RETENTION_TASK]: createRetentionTask({ ...parts, core: config.core }),
      ...tasks,
      ...createRecurringTasks(pool, recurring),
    },
    crontab: RETENTION_CRONTAB,
  };
  await queueRecurring(pool, recurring);
  const workers = await started(parts, pollers, { crews: [light, chunkCrew(parts, pollers)], ingestors: true });
  const upkeep = setInterval(() => {
    Promise.all([queueRecurring(pool, recurring), renewExpectations(pool, feeds, config)]).catch((error) =>
      log.warn({ err: error }, 'looking after what recurs failed'),
    );
  }, upkeepEveryMs);
  return {
    stop: async () => {
      clearInterval(upkeep);
      await workers.stop();
    },
  };
}

async function started(
  { databaseUrl, log }: JobWorkerParts,
  pollers: Pollers,
  work: { readonly crews: readonly Crew[]; readonly ingestors?: boolean },
): Promise<Workers> {
  const queue = await startQueue({ databaseUrl, log, ...work });
  return {
    stop: async () => {
      await queue.stop();
      await pollers.close();
    },
  };
}

function chunkCrew(parts: JobWorkerParts, pollers: Pollers): Crew {
  const cancellations = createCancellations(parts.pool);
  return { workers: CHUNK_WORKERS, tasks: { [CHUNK_TASK]: createChunkTask({ ...parts, pollers, cancellations }) } };
}

function polledPartitions({ feeds, config }: JobWorkerParts): PolledPartition[] {
  return feeds
    .filter(isPolledFeed)
    .flatMap((feed) =>
      feed.source.partitions(config.settings(feed.source.env)).map((partition) => ({ feed, partition })),
    );
}
