import type pg from 'pg';
import type { Feed } from '../../feed.ts';

/** Writes down which feeds there are, for the API: the gateway does not know the ingestors' code. */
export async function registerFeeds(pool: pg.Pool, feeds: readonly Feed[]): Promise<void> {
  await pool.query(
    `INSERT INTO feed (id, title, kind) SELECT * FROM unnest($1::text[], $2::text[], $3::text[])
     ON CONFLICT (id) DO UPDATE SET title = excluded.title, kind = excluded.kind`,
    [feeds.map((feed) => feed.id), feeds.map((feed) => feed.title), feeds.map((feed) => feed.source.kind)],
  );
}
