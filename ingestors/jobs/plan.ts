import type pg from 'pg';
import { BusbarError } from '../../domain/errors.ts';
import type { BackfillInput, JobState, ReplayInput, RetryInput } from '../../prisma/operations/jobs.ts';
import { reachable } from '../../prisma/transaction.ts';
import type { Config } from '../../runtime/config.ts';
import type { Feed, SourceParts } from '../feed.ts';
import type { EventLog } from '../sources/event-log.ts';
import type { PlannedChunk } from './chunk-entries.ts';
import { planBackfill } from './plan-backfill.ts';
import { planPayloadReplay } from './plan-payload-replay.ts';
import { planRetry } from './plan-retry.ts';
import { planTopicReplay } from './plan-topic-replay.ts';
import { isPolledFeed } from './pollers.ts';

export interface PlanParts {
  readonly pool: pg.Pool;
  readonly config: Pick<Config, 'settings'>;
  readonly eventLog: EventLog;
  readonly feeds: readonly Feed[];
  readonly sourceParts: Pick<SourceParts, 'clock'>;
}

interface JobFacts {
  readonly id: number;
  readonly feed: string;
  readonly state: JobState;
  readonly planned: boolean;
  readonly cancelled: boolean;
}

export type Job = JobFacts &
  (
    | { readonly kind: 'BACKFILL'; readonly input: BackfillInput }
    | { readonly kind: 'REPLAY'; readonly input: ReplayInput }
    | { readonly kind: 'RETRY'; readonly input: RetryInput }
  );

/** More than any range needs; a mistake in one must not fill the store. */
const CHUNKS_MAX = 100_000;

export interface Plan {
  readonly chunks: readonly PlannedChunk[];
  /** What an operator should know, though the job goes on. */
  readonly note: string | null;
}

/** Asks the log and the store what there is, outside of any transaction: either may take its time. */
export async function planOf(job: Job, parts: PlanParts): Promise<Plan> {
  const plan = await planByKind(job, parts);
  if (plan.chunks.length > CHUNKS_MAX) {
    const { length } = plan.chunks;
    throw new BusbarError(
      'LIMIT_EXCEEDED',
      `this takes ${length} chunks, more than ${CHUNKS_MAX}: ask for less at a time`,
    );
  }
  return plan;
}

async function planByKind(job: Job, { pool, config, eventLog, feeds, sourceParts }: PlanParts): Promise<Plan> {
  const feed = feeds.find((each) => each.id === job.feed);
  if (!feed) throw new BusbarError('NOT_FOUND', `the ingestors have no feed ${job.feed}`);
  if (job.kind === 'RETRY') return { chunks: await planRetry(pool, feed.id, job.input), note: null };
  if (job.kind === 'BACKFILL') {
    if (!isPolledFeed(feed)) throw new BusbarError('BAD_USER_INPUT', `${feed.id} is a topic: replay it`);
    const owed = await readOwedNodes(pool, feed.id);
    const settings = config.settings(feed.source.env);
    return { chunks: planBackfill(feed, settings, job.input, owed, sourceParts.clock.now()), note: null };
  }
  if (feed.source.kind === 'topic') {
    return { chunks: await planTopicReplay(eventLog, feed.source.topic, job.input), note: null };
  }
  const { chunks, lost } = await planPayloadReplay(pool, feed.id, job.input);
  return { chunks, note: lost === 0 ? null : `${lost} payloads of the range are no longer kept` };
}

/** By partition, what somebody is configured to ask for. Without those of whom every node of the market is owed. */
async function readOwedNodes(pool: pg.Pool, feed: string): Promise<Map<string, readonly string[]>> {
  const { rows } = await reachable(() =>
    pool.query<{ partition: string; nodes: string[] }>(
      `SELECT partition, nodes FROM feed_expectation WHERE feed_id = $1 AND cardinality(nodes) > 0 ORDER BY partition`,
      [feed],
    ),
  );
  return new Map(rows.map(({ partition, nodes }) => [partition, nodes]));
}
