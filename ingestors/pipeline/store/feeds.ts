import type pg from 'pg';
import { inTransaction, reachable } from '../../../prisma/transaction.ts';
import type { Config } from '../../../runtime/config.ts';
import type { Expectation, Feed } from '../../feed.ts';

type Settings = Pick<Config, 'settings'>;

/**
 * Writes down which feeds there are and what they owe, for the API: the gateway does not know the ingestors' code. What a
 * feed owed before and does not owe by these settings ends; of a feed that they do not configure nothing changes, since
 * another process may be configured for it.
 * @param config undefined: what they owe stays as it is. A process that does not poll need not know the settings of those
 *   that do.
 * @returns partitions that others renewed within five minutes for other nodes: those are forgotten.
 */
export async function registerFeeds(
  pool: pg.Pool,
  feeds: readonly Feed[],
  config?: Settings,
): Promise<readonly OtherNodes[]> {
  return inTransaction(pool, async (client) => {
    await client.query(REGISTER, [
      feeds.map((feed) => feed.id),
      feeds.map((feed) => feed.title),
      feeds.map((feed) => feed.source.kind),
      feeds.map((feed) => JSON.stringify(feed.streams ?? {})),
    ]);
    if (!config) return [];
    const owed = JSON.stringify(owedBy(feeds, config));
    const { rows } = await client.query<OtherNodes>(OTHER_NODES, [owed]);
    await client.query(EXPECT, [owed]);
    await client.query(FORGET, [configuredOf(feeds, config), owed]);
    return rows;
  });
}

/** A partition that somebody is, or was minutes ago, configured to poll for other nodes. */
export interface OtherNodes {
  readonly feed: string;
  readonly partition: string;
  readonly nodes: readonly string[];
}

/**
 * Says again what the feeds owe that are configured; to be done every so often, since what nobody renews for a day is owed
 * no longer. It takes nothing away: of processes that are configured for different partitions each renews its own.
 */
export async function renewExpectations(pool: pg.Pool, feeds: readonly Feed[], config: Settings): Promise<void> {
  await reachable(() => pool.query(EXPECT, [JSON.stringify(owedBy(feeds, config))]));
}

function owedBy(feeds: readonly Feed[], config: Settings): readonly (Expectation & { readonly feed: string })[] {
  return feeds.flatMap((feed) => {
    const { id, source } = feed;
    if (source.kind !== 'poll' || !isConfigured(feed, config)) return [];
    return source.expectations(config.settings(source.env)).map((each) => ({ feed: id, ...each }));
  });
}

function configuredOf(feeds: readonly Feed[], config: Settings): string[] {
  return feeds.filter((feed) => isConfigured(feed, config)).map(({ id }) => id);
}

/** Whether these settings say that the feed is to be polled. */
function isConfigured({ source }: Feed, config: Settings): boolean {
  return source.kind === 'poll' && source.partitions(config.settings(source.env)).length > 0;
}

const REGISTER = `
  INSERT INTO feed (id, title, kind, streams) SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::jsonb[])
  ON CONFLICT (id) DO UPDATE SET title = excluded.title, kind = excluded.kind, streams = excluded.streams`;

const OWED = `
  jsonb_to_recordset($OWED::jsonb) AS owed(feed text, partition text, run market_run, market text, nodes text[],
    "intervalMs" int, "dueMs" int)`;

const OTHER_NODES = `
  SELECT e.feed_id AS feed, e.partition, e.nodes
  FROM feed_expectation e JOIN ${OWED.replace('$OWED', '$1')} ON owed.feed = e.feed_id AND owed.partition = e.partition
  WHERE e.renewed_at > now() - INTERVAL '5 minutes' AND NOT (e.nodes @> owed.nodes AND e.nodes <@ owed.nodes)
  ORDER BY 1, 2`;

/** Several processes may say the same at once: in one order, none waits for one that waits for it. */
const EXPECT = `
  INSERT INTO feed_expectation (feed_id, partition, run, market_id, nodes, interval_ms, due_ms)
  SELECT feed, partition, run, market, nodes, "intervalMs", "dueMs" FROM ${OWED.replace('$OWED', '$1')}
  ORDER BY feed, partition
  ON CONFLICT (feed_id, partition) DO UPDATE SET run = excluded.run, market_id = excluded.market_id,
    nodes = excluded.nodes, interval_ms = excluded.interval_ms, due_ms = excluded.due_ms, renewed_at = now()`;

const FORGET = `
  DELETE FROM feed_expectation e WHERE feed_id = ANY($1)
    AND NOT EXISTS (SELECT FROM ${OWED.replace('$OWED', '$2')} WHERE owed.feed = e.feed_id AND owed.partition = e.partition)`;
