/** Polls: each partition of a polled source is asked again and again. */
import type { Logger } from 'pino';
import { isBusbarError, messageOf } from '../../domain/errors.ts';
import { HOUR_MS } from '../../domain/instant.ts';
import type { Announcer } from '../pipeline/announcer.ts';
import type { Pipeline } from '../pipeline/pipeline.ts';
import type { Claim } from '../pipeline/store/positions.ts';
import { oneLine } from '../sources/one-line.ts';
import type { PolledFeed, Pollers } from './pollers.ts';
import type { Recurring } from './recurring.ts';

export interface PollParts {
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

/** A poll that has much to catch up with goes on in a task of its own: far below the four hours the queue grants one. */
const POLL_MS_MAX = HOUR_MS;

export function pollOf(polled: PolledPartition, parts: PollParts): Recurring {
  const { feed, partition } = polled;
  return {
    name: `poll/${feed.id}/${partition}`,
    everyMs: feed.source.everyMs,
    run: (signal) => pollOnce(polled, parts, signal),
  };
}

/** SQL: whether the row of `graphile_worker.jobs` is a poll. Once all polls were one task, named `poll`. */
export const IS_POLL = `task_identifier ~ '^poll(/|$)'`;

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
        ...(fetched.asked && { asked: fetched.asked }),
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
  const said = oneLine(messageOf(error));
  // Another process polls it: nothing failed.
  if (isBusbarError(error, 'FENCED')) return parts.log.debug({ feed: feed.id, partition, error: said }, 'poll fenced');
  parts.log.warn({ feed: feed.id, partition, error: said }, 'poll failed');
  await parts.noteFailure(feed.id, partition, said).catch(() => {});
}
