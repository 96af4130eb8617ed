import type pg from 'pg';
import { inTransaction } from '../../../prisma/transaction.ts';
import type { Config } from '../../../runtime/config.ts';
import type { Expectation, Feed } from '../../feed.ts';

/**
 * Writes down which feeds there are and what they owe, for the API: the gateway does not know the ingestors' code.
 * @param config undefined: what they owe stays as it is. A process that does not poll need not know the settings of those
 *   that do.
 */
export async function registerFeeds(
  pool: pg.Pool,
  feeds: readonly Feed[],
  config?: Pick<Config, 'settings'>,
): Promise<void> {
  await inTransaction(pool, async (client) => {
    await client.query(REGISTER, [
      feeds.map((feed) => feed.id),
      feeds.map((feed) => feed.title),
      feeds.map((feed) => feed.source.kind),
      feeds.map((feed) => JSON.stringify(feed.streams ?? {})),
    ]);
    if (!config) return;
    const owed = feeds.flatMap((feed) => expectationsOf(feed, config).map((each) => ({ feed: feed.id, ...each })));
    await client.query(EXPECT, [JSON.stringify(owed)]);
    await client.query(FORGET, [feeds.map((feed) => feed.id), JSON.stringify(owed)]);
  });
}

/** A feed that is not configured to be polled owes nothing. */
function expectationsOf({ source }: Feed, config: Pick<Config, 'settings'>): readonly Expectation[] {
  if (source.kind !== 'poll') return [];
  const settings = config.settings(source.env);
  return source.partitions(settings).length === 0 ? [] : source.expectations(settings);
}

const REGISTER = `
  INSERT INTO feed (id, title, kind, streams) SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::jsonb[])
  ON CONFLICT (id) DO UPDATE SET title = excluded.title, kind = excluded.kind, streams = excluded.streams`;

const OWED = `
  jsonb_to_recordset($OWED::jsonb) AS owed(feed text, partition text, run market_run, market text, nodes text[],
    "intervalMs" int, "dueMs" int)`;

/** Several processes may say the same at once. */
const EXPECT = `
  INSERT INTO feed_expectation (feed_id, partition, run, market_id, nodes, interval_ms, due_ms)
  SELECT feed, partition, run, market, nodes, "intervalMs", "dueMs" FROM ${OWED.replace('$OWED', '$1')}
  ON CONFLICT (feed_id, partition) DO UPDATE SET run = excluded.run, market_id = excluded.market_id,
    nodes = excluded.nodes, interval_ms = excluded.interval_ms, due_ms = excluded.due_ms`;

const FORGET = `
  DELETE FROM feed_expectation e WHERE feed_id = ANY($1)
    AND NOT EXISTS (SELECT FROM ${OWED.replace('$OWED', '$2')} WHERE owed.feed = e.feed_id AND owed.partition = e.partition)`;
