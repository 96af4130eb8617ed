import type { PrismaClient } from '../../prisma/client.ts';
import type { FeedPosition } from '../../prisma/generated/client.ts';
import type { FeedPartitionRow, FeedRow } from '../../schema/context.ts';

/** All feeds that have ever claimed a partition, by id. */
export async function readFeeds(prisma: PrismaClient): Promise<FeedRow[]> {
  return feedRows(await prisma.feedPosition.findMany({ orderBy: { feedId: 'asc' } }));
}

export async function readFeed(prisma: PrismaClient, id: string): Promise<FeedRow | null> {
  return feedRows(await prisma.feedPosition.findMany({ where: { feedId: id } })).at(0) ?? null;
}

function feedRows(positions: readonly FeedPosition[]): FeedRow[] {
  const byFeed = new Map<string, FeedPartitionRow[]>();
  for (const position of positions) {
    const partitions = byFeed.get(position.feedId);
    if (partitions) partitions.push(partitionRowFrom(position));
    else byFeed.set(position.feedId, [partitionRowFrom(position)]);
  }
  return [...byFeed].map(([id, partitions]) => ({ id, title: null, partitions: partitions.sort(byNumberThenName) }));
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
