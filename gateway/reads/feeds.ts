import type { PrismaClient } from '../../prisma/client.ts';
import type { Feed, FeedPosition } from '../../prisma/generated/client.ts';
import type { FeedPartitionRow, FeedRow } from '../../schema/context.ts';

/** Every feed that ingestors have registered, by id. */
export async function readFeeds(prisma: PrismaClient): Promise<FeedRow[]> {
  const [feeds, positions] = await Promise.all([
    prisma.feed.findMany({ orderBy: { id: 'asc' } }),
    prisma.feedPosition.findMany(),
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

function feedRowFrom({ id, title }: Feed, positions: readonly FeedPosition[]): FeedRow {
  const partitions = positions.filter(({ feedId }) => feedId === id).map(partitionRowFrom);
  return { id, title, partitions: partitions.sort(byNumberThenName) };
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
