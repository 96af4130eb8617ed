/**
 * Runs polled feeds: one loop a (feed, partition), under a lease, so that a source is asked once however many processes
 * there are.
 *
 *   waiting ──lease──▶ claimed ──poll: fetch, ingest, fetch, ingest …──▶ resting ──▶ polling again …
 *      ▲                  └── lease lost or fenced ──┐   └── error: noted, same position, after a rest
 *      └───────────────────────────────────────────────┘
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { isBusbarError, messageOf } from '../domain/errors.ts';
import type { Feed, PolledSource, Poller } from './feed.ts';
import type { Lease } from './lease.ts';
import type { Announcer } from './pipeline/announcer.ts';
import type { Pipeline } from './pipeline/pipeline.ts';
import type { Claim } from './pipeline/store/positions.ts';

export interface PollRunnerParts {
  readonly log: Logger;
  readonly pipeline: Pipeline;
  readonly announcer: Announcer;
  readonly clock: () => number;
  claim(feed: string, partition: string): Promise<Claim>;
  tryLease(name: string): Promise<Lease | undefined>;
  noteFailure(feed: string, partition: string, error: string): Promise<void>;
}

export type PolledFeed = Feed & { readonly source: PolledSource<unknown> };

export interface Polling {
  /** Ends the fetch under way, finishes the commit under way. */
  stop(): Promise<void>;
}

/** How long a process without the lease waits before it asks for it again. */
const LEASE_RETRY_MS = 5_000;

/** Begins polling; a feed that its settings leave without partitions is not asked at all. */
export function runPolls(feed: PolledFeed, settings: unknown, parts: PollRunnerParts): Polling {
  const partitions = feed.source.partitions(settings);
  if (partitions.length === 0) return { stop: async () => {} };
  const poller = feed.source.open(settings);
  const stopped = new AbortController();
  const loops = partitions.map((partition) => loop(feed, partition, poller, parts, stopped.signal));
  return {
    stop: async () => {
      stopped.abort();
      await Promise.all(loops);
      await poller.close();
    },
  };
}

async function loop(feed: PolledFeed, partition: string, poller: Poller, parts: PollRunnerParts, stopped: AbortSignal) {
  while (!stopped.aborted) {
    const lease = await parts.tryLease(`poll ${feed.id}/${partition}`);
    if (lease) {
      await pollUnderLease(feed, partition, poller, parts, AbortSignal.any([stopped, lease.signal]));
      await lease.release().catch(() => {});
    }
    await rest(LEASE_RETRY_MS, stopped);
  }
}

async function pollUnderLease(
  feed: PolledFeed,
  partition: string,
  poller: Poller,
  parts: PollRunnerParts,
  signal: AbortSignal,
) {
  let claim: Claim | undefined;
  while (!signal.aborted) {
    try {
      if (!claim) {
        claim = await parts.claim(feed.id, partition);
        await parts.announcer.catchUp(feed.id, partition);
      }
      await pollOnce(feed, claim, poller, parts, signal);
    } catch (error) {
      if (isBusbarError(error, 'FENCED')) claim = undefined;
      if (!signal.aborted) await noteFailure(feed, partition, error, parts);
    }
    await rest(feed.source.everyMs, signal);
  }
}

async function pollOnce(feed: PolledFeed, claim: Claim, poller: Poller, parts: PollRunnerParts, signal: AbortSignal) {
  for await (const fetched of poller.poll(claim.partition, claim.position, parts.clock(), signal)) {
    const outcome = await parts.pipeline.ingest(feed, claim, {
      kind: 'FETCH',
      next: fetched.next,
      request: fetched.request,
      items: [{ payload: fetched.payload, publishedAt: fetched.publishedAt, publishedSeq: 0 }],
      lag: null,
    });
    parts.log.info({ feed: feed.id, partition: claim.partition, request: fetched.request, ...outcome }, 'fetched');
  }
}

async function noteFailure(feed: PolledFeed, partition: string, error: unknown, parts: PollRunnerParts) {
  parts.log.warn({ feed: feed.id, partition, error: messageOf(error) }, 'poll failed');
  await parts.noteFailure(feed.id, partition, messageOf(error)).catch(() => {});
}

function rest(ms: number, signal: AbortSignal): Promise<void> {
  return sleep(ms, undefined, { signal }).catch(() => {});
}
