/**
 * Polls of the queue: for each (feed, partition) one queued task, that polls once and is queued again, whatever came of it.
 * So a source is polled once however many processes there are, by whichever is free.
 */
import type pg from 'pg';
import type { Logger } from 'pino';
import { z } from 'zod';
import { isBusbarError, messageOf } from '../../domain/errors.ts';
import { HOUR_MS } from '../../domain/instant.ts';
import { reachable } from '../../prisma/transaction.ts';
import type { Announcer } from '../pipeline/announcer.ts';
import type { Pipeline } from '../pipeline/pipeline.ts';
import type { Claim } from '../pipeline/store/positions.ts';
import type { PolledFeed, Pollers } from './pollers.ts';
import type { QueueTask } from './queue-runner.ts';

export interface PollParts {
  readonly pool: pg.Pool;
  readonly log: Logger;
  readonly clock: () => number;
  readonly pipeline: Pipeline;
  readonly announcer: Pick<Announcer, 'catchUp'>;
  readonly pollers: Pollers;
  claim(feed: string, partition: string): Promise<Claim>;
  noteFailure(feed: string, partition: string, error: string): Promise<void>;
}

/** What this process is configured to poll. */
export interface PolledPartition {
  readonly feed: PolledFeed;
  readonly partition: string;
}

export const POLL_TASK = 'poll';

/** A poll that has much to catch up with goes on in a task of its own: far below the four hours the queue grants one. */
const POLL_MS_MAX = HOUR_MS;

const PAYLOAD = z.object({ feed: z.string(), partition: z.string() });

export function createPollTask(polled: readonly PolledPartition[], parts: PollParts): QueueTask {
  return async (payload, { signal }) => {
    const { feed: id, partition } = PAYLOAD.parse(payload);
    const configured = polled.find((each) => each.feed.id === id && each.partition === partition);
    // Whoever is configured to poll it queues it again within a minute.
    if (!configured) return parts.log.info({ feed: id, partition }, 'not polled any more');
    const outcome = await pollOnce(configured, parts, signal);
    await queueAgain(parts.pool, configured, outcome === 'done' ? configured.feed.source.everyMs : 0);
  };
}

/** @returns `unfinished` where there is more to ask for at once. */
async function pollOnce(
  polled: PolledPartition,
  parts: PollParts,
  signal: AbortSignal,
): Promise<'done' | 'unfinished'> {
  const { feed, partition } = polled;
  const beganAt = parts.clock();
  try {
    const claim = await parts.claim(feed.id, partition);
    await parts.announcer.catchUp(feed.id, partition);
    for await (const fetched of parts.pollers.of(feed).poll(partition, claim.position, beganAt, signal)) {
      const outcome = await parts.pipeline.ingest(feed, claim, {
        kind: 'FETCH',
        next: fetched.next,
        request: fetched.request,
        items: [{ payload: fetched.payload, publishedAt: fetched.publishedAt, publishedSeq: 0 }],
        lag: null,
      });
      parts.log.info({ feed: feed.id, partition, request: fetched.request, ...outcome }, 'fetched');
      if (parts.clock() - beganAt > POLL_MS_MAX) return 'unfinished';
    }
  } catch (error) {
    if (!signal.aborted) await noteFailure(polled, error, parts);
  }
  return signal.aborted ? 'unfinished' : 'done';
}

async function noteFailure({ feed, partition }: PolledPartition, error: unknown, parts: PollParts): Promise<void> {
  const said = messageOf(error);
  // Another process polls it: nothing failed.
  if (isBusbarError(error, 'FENCED')) return parts.log.debug({ feed: feed.id, partition, error: said }, 'poll fenced');
  parts.log.warn({ feed: feed.id, partition, error: said }, 'poll failed');
  await parts.noteFailure(feed.id, partition, said).catch(() => {});
}

/** Queues what is not queued; what is, keeps its time. */
export async function queuePolls(pool: pg.Pool, polled: readonly PolledPartition[]): Promise<void> {
  await reachable(() =>
    pool.query(
      `SELECT count(graphile_worker.add_job('${POLL_TASK}', json_build_object('feed', feed, 'partition', partition),
                ${OPTIONS}, job_key => ${keyOf('feed', 'partition')}, job_key_mode => 'unsafe_dedupe'))
       FROM unnest($1::text[], $2::text[]) AS t(feed, partition)`,
      [polled.map(({ feed }) => feed.id), polled.map(({ partition }) => partition)],
    ),
  );
}

async function queueAgain(pool: pg.Pool, { feed, partition }: PolledPartition, afterMs: number): Promise<void> {
  await reachable(() =>
    pool.query(
      `SELECT graphile_worker.add_job('${POLL_TASK}', json_build_object('feed', $1::text, 'partition', $2::text),
                ${OPTIONS}, job_key => ${keyOf('$1::text', '$2::text')}, run_at => now() + $3 * interval '1 millisecond')`,
      [feed.id, partition, afterMs],
    ),
  );
}

/** Ahead of chunks. A poll is never given up, so that no number of processes that died in it leaves a partition unpolled. */
const OPTIONS = 'priority => -10, max_attempts => 32767';

function keyOf(feed: string, partition: string): string {
  return `'${POLL_TASK}:' || ${feed} || '/' || ${partition}`;
}
