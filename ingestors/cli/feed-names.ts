import { BusbarError } from '../../domain/errors.ts';
import { isSourcePartitionSql } from '../../prisma/operations/partitions.ts';
import type { Queryable } from '../../prisma/queryable.ts';
import type { Feed } from '../feed.ts';
import { FEEDS } from '../feeds/index.ts';
import type { Session } from './session.ts';

/** A feed as it was named: by its id, or by the name of a stream, which stands for some of its partitions. */
export interface NamedFeed {
  readonly name: string;
  readonly feed: Feed;
  /** Undefined: all of them. */
  readonly partitions: readonly string[] | undefined;
}

/** @throws BusbarError `BAD_USER_INPUT`, with the names there are. */
export function feedNamed(name: string): NamedFeed {
  const found = NAMED.get(name);
  if (found) return found;
  throw new BusbarError('BAD_USER_INPUT', `there is no feed "${name}"; there are ${[...NAMED.keys()].join(', ')}`);
}

const NAMED: ReadonlyMap<string, NamedFeed> = new Map(
  FEEDS.flatMap((feed): NamedFeed[] => [
    { name: feed.id, feed, partitions: undefined },
    ...Object.entries(feed.streams ?? {}).map(([name, partitions]) => ({ name, feed, partitions })),
  ]).map((named) => [named.name, named]),
);

/** Where the partitions of feeds are known. */
export interface FeedStore extends Pick<Session, 'config'> {
  readonly db: Queryable;
}

/**
 * A misspelt partition would find nothing to do, and look like success.
 * @throws BusbarError `BAD_USER_INPUT` for one that the feed, or the stream, does not have.
 */
export async function requirePartitions(
  store: FeedStore,
  named: NamedFeed,
  asked: readonly string[] | undefined,
): Promise<void> {
  if (!asked) return;
  const known = named.partitions ?? (await partitionsOf(store, named.feed));
  const strange = asked.find((each) => !(known ? known.includes(each) : /^\d+$/.test(each)));
  if (strange === undefined) return;
  const there = known ? `there are ${known.join(', ')}` : 'those of a topic are numbers';
  throw new BusbarError('BAD_USER_INPUT', `${named.name} has no partition "${strange}"; ${there}`);
}

/** What can be known of them: those of the streams, those that are polled, and those that ever were. */
async function partitionsOf({ config, db }: FeedStore, feed: Feed): Promise<readonly string[] | undefined> {
  if (feed.source.kind === 'topic') return undefined;
  const { rows } = await db.query<{ partition: string }>(
    `SELECT partition FROM feed_position WHERE feed_id = $1 AND ${isSourcePartitionSql('partition')}`,
    [feed.id],
  );
  const polled = feed.source.partitions(config.settings(feed.source.env));
  const streams = Object.values(feed.streams ?? {}).flat();
  return [...new Set([...streams, ...polled, ...rows.map(({ partition }) => partition)])];
}
