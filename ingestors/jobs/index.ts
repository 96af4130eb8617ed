/** Jobs and polls on the work queue: what one process takes part in. */
import type pg from 'pg';
import type { Logger } from 'pino';
import { CHUNK_TASK, PLAN_TASK } from '../../prisma/operations/jobs.ts';
import type { Config } from '../../runtime/config.ts';
import type { Feed, Turns } from '../feed.ts';
import type { Announcer } from '../pipeline/announcer.ts';
import type { Pipeline } from '../pipeline/pipeline.ts';
import type { Claim } from '../pipeline/store/positions.ts';
import type { EventLog } from '../sources/event-log.ts';
import { createCancellations } from './cancellations.ts';
import { createPlanTask } from './plan-job.ts';
import { createPollTask, POLL_TASK, type PolledPartition, queuePolls } from './poll.ts';
import { createPollers, isPolledFeed, type Pollers } from './pollers.ts';
import { startQueue } from './queue.ts';
import type { Crew } from './queue-runner.ts';
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
  readonly turns: Turns;
  readonly log: Logger;
}

export interface WorkerParts extends JobWorkerParts {
  readonly announcer: Pick<Announcer, 'catchUp'>;
  readonly clock: () => number;
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

/** Looks so often whether all that is to be polled is queued. */
const QUEUE_POLLS_EVERY_MS = 60_000;

/** Plans and carries out jobs, as in a shell that waits for one: without polls, without retention. */
export async function startJobWorkers(parts: JobWorkerParts): Promise<Workers> {
  const pollers = createPollers(parts.config, parts.turns);
  const plans: Crew = { workers: 1, tasks: { [PLAN_TASK]: createPlanTask(parts) } };
  return started(parts, pollers, [plans, chunkCrew(parts, pollers)]);
}

/** Takes part in all there is: jobs, polls of what is configured, retention. */
export async function startWorkers(parts: WorkerParts): Promise<Workers> {
  const { pool, config, log } = parts;
  const pollers = createPollers(config, parts.turns);
  const polled = polledPartitions(parts);
  const light: Crew = {
    // Polls mostly wait; beside them there is a worker for a plan.
    workers: Math.min(polled.length, POLL_WORKERS_MAX) + 1,
    tasks: {
      [PLAN_TASK]: createPlanTask(parts),
      [POLL_TASK]: createPollTask(polled, { ...parts, pollers }),
      [RETENTION_TASK]: createRetentionTask({ ...parts, core: config.core }),
    },
    crontab: RETENTION_CRONTAB,
  };
  await queuePolls(pool, polled);
  const workers = await started(parts, pollers, [light, chunkCrew(parts, pollers)]);
  const queueing = setInterval(() => {
    queuePolls(pool, polled).catch((error) => log.warn({ err: error }, 'queueing polls failed'));
  }, QUEUE_POLLS_EVERY_MS);
  return {
    stop: async () => {
      clearInterval(queueing);
      await workers.stop();
    },
  };
}

async function started(parts: JobWorkerParts, pollers: Pollers, crews: readonly Crew[]): Promise<Workers> {
  const queue = await startQueue({ databaseUrl: parts.databaseUrl, log: parts.log, crews });
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
