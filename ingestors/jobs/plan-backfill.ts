import { BusbarError } from '../../domain/errors.ts';
import { type NodeName, parseNodeName } from '../../domain/market.ts';
import type { BackfillInput, Window } from '../../prisma/operations/jobs.ts';
import { chunkPartition } from '../../prisma/operations/partitions.ts';
import type { PlannedChunk } from './chunk-entries.ts';
import type { PolledFeed } from './pollers.ts';

/**
 * Cuts windows into requests that the source takes, oldest first. What two windows ask for in the same words is asked once.
 * @param owed nodes by partition, as ingestors that are configured for the feed wrote them down: a process that is not plans by
 *   these what a window does not name.
 * @throws BusbarError `BAD_USER_INPUT` where the feed cannot be asked for that, with the reason.
 */
export function planBackfill(
  feed: PolledFeed,
  settings: unknown,
  { windows }: BackfillInput,
  owed: ReadonlyMap<string, readonly string[]>,
  now: number,
): PlannedChunk[] {
  const isConfigured = feed.source.partitions(settings).length > 0;
  const chunks = new Map<string, PlannedChunk>();
  for (const window of windows) {
    for (const partition of partitionsOf(feed, settings, window, owed)) {
      const nodes = (window.nodes ?? (isConfigured ? undefined : owed.get(partition)))?.map(nodeNameFrom);
      for (const { from, to, request } of feed.source.chunks(settings, partition, { ...window, nodes }, now)) {
        const chunk = { partition: chunkPartition('BACKFILL', partition), request, eventFrom: from, eventTo: to };
        chunks.set(`${partition} ${request}`, chunk);
      }
    }
  }
  return [...chunks.values()].sort((a, b) => (a.eventFrom ?? 0) - (b.eventFrom ?? 0));
}

function partitionsOf(
  feed: PolledFeed,
  settings: unknown,
  { partitions }: Window,
  owed: ReadonlyMap<string, readonly string[]>,
): readonly string[] {
  const configured = feed.source.partitions(settings);
  const asked = partitions ?? (configured.length > 0 ? configured : [...owed.keys()]);
  if (asked.length > 0) return asked;
  throw new BusbarError('BAD_USER_INPUT', `${feed.id} is not configured to be asked: name its partitions and nodes`);
}

function nodeNameFrom(text: string): NodeName {
  const node = parseNodeName(text);
  if (!node) throw new BusbarError('BAD_USER_INPUT', `"${text}" is not a node: it must be MARKET:NAME`);
  return node;
}
