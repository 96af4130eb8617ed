import { z } from 'zod';
import type { PrismaClient } from '../../prisma/client.ts';
import type { Feed, FeedPosition } from '../../prisma/generated/client.ts';
import type { FeedPartitionRow, FeedRow, FeedStreamRow } from '../../schema/context.ts';
import type { Queryable } from './statement.ts';

const KIND = z.enum(['topic', 'poll']);
const STREAMS = z.record(z.string(), z.array(z.string()));

/** By the index of (feed, state): only what is open is looked at. */
const OPEN_DEAD_LETTERS = `
  SELECT count(d.id)::int AS open
  FROM unnest($1::text[]) WITH ORDINALITY AS asked (feed, place)
  LEFT JOIN dead_letter AS d ON d.feed_id = asked.feed AND d.state = 'OPEN'
  GROUP BY asked.place
  ORDER BY asked.place`;

/** Every feed that ingestors have registered, by id. @param within at most these. */
export async function readFeeds(prisma: PrismaClient, within?: readonly string[]): Promise<FeedRow[]> {
  const ids = within && { in: [...within] };
  const [feeds, positions] = await Promise.all([
    prisma.feed.findMany({ ...(ids && { where: { id: ids } }), orderBy: { id: 'asc' } }),
    prisma.feedPosition.findMany(ids && { where: { feedId: ids } }),
  ]);
  return feeds.map((feed) => feedRowFrom(feed, positions));
}

export async function readFeed(prisma: PrismaClient, id: string): Promise<FeedRow | null> {
  const [feed, positions] = await Promise.all([
    prisma.feed.findUnique({ where: { id } }),
    prisma.feedPosition.findMany({ where: { feedId: id } }),
  ]);
  return feed && feedRowFrom(feed, positions);
}

/** How many dead letters of each feed are open, in the order asked. */
export async function readOpenDeadLetters(db: Queryable, feeds: readonly string[]): Promise<number[]> {
  const statement = { name: 'open-dead-letters', text: OPEN_DEAD_LETTERS, values: [feeds] };
  const { rows } = await db.query<{ open: number }>(statement);
  return rows.map(({ open }) => open);
}

function feedRowFrom({ id, title, kind, streams }: Feed, positions: readonly FeedPosition[]): FeedRow {
  const partitions = positions.filter(({ feedId }) => feedId === id).map(partitionRowFrom);
  return {
    id,
    title,
    kind: KIND.parse(kind),
    streams: Object.entries(STREAMS.parse(streams)).map(streamRowFrom),
    partitions: partitions.sort(byNumberThenName),
  };
}

function streamRowFrom([name, partitions]: readonly [string, readonly string[]]): FeedStreamRow {
  return { name, partitions };
}

function partitionRowFrom(stored: FeedPosition): FeedPartitionRow {
  return {
    partition: stored.partition,
    position: stored.position === null ? null : Number(stored.position),
    watermark: stored.watermark?.getTime() ?? null,
    lag: stored.lag === null ? null : Number(stored.lag),
    owner: stored.owner,
    updatedAt: stored.updatedAt.getTime(),
    lastError: stored.lastError,
    lastErrorAt: stored.lastErrorAt?.getTime() ?? null,
  };
}

/** Log partitions are numbers as text: 2 comes before 10. */
function byNumberThenName(a: FeedPartitionRow, b: FeedPartitionRow): number {
  return a.partition.localeCompare(b.partition, 'en', { numeric: true });
}
