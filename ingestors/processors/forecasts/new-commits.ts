import type { Queryable } from '../../../prisma/queryable.ts';

/** What a partition has committed since a processor looked last. */
export interface NewCommits {
  readonly feed: string;
  readonly partition: string;
  /** The last commit of these. */
  readonly upTo: number;
  /** Entries that brought something, in the order of their commits. Empty: none did. */
  readonly ledgerIds: readonly number[];
}

/**
 * By partition, as far as there is something new. None is skipped that is not committed yet: within a partition commits
 * have their numbers in their order.
 */
export async function readNewCommits(
  db: Queryable,
  processor: string,
  feeds: readonly string[],
  partitionCommitsMax: number,
): Promise<NewCommits[]> {
  const { rows } = await db.query<NewCommits>({
    name: 'new-commits',
    text: NEW_COMMITS,
    values: [processor, feeds, partitionCommitsMax],
  });
  return rows;
}

const NEW_COMMITS = `
  SELECT p.feed_id AS feed, p.partition, e."ledgerIds",
         CASE WHEN e.count < $3 THEN p.last_ledger_id ELSE e.last END AS "upTo"
  FROM feed_position p
  LEFT JOIN processor_position f ON f.processor = $1 AND f.feed_id = p.feed_id AND f.partition = p.partition
  CROSS JOIN LATERAL (
    SELECT coalesce(json_agg(id ORDER BY commit_id), '[]') AS "ledgerIds", count(*) AS count, max(commit_id) AS last
    FROM (
      SELECT id, commit_id FROM ledger_entry
      WHERE feed_id = p.feed_id AND partition = p.partition AND commit_id > coalesce(f.commit_id, 0)
        AND commit_id <= p.last_ledger_id AND rows_written + rows_revised > 0
      ORDER BY commit_id LIMIT $3
    ) AS entry
  ) AS e
  WHERE p.feed_id = ANY($2::text[]) AND p.last_ledger_id > coalesce(f.commit_id, 0)`;

/** Notes how far a processor has come, in the transaction of what it made of them. */
export async function noteFollowed(db: Queryable, processor: string, commits: readonly NewCommits[]): Promise<void> {
  await db.query({
    name: 'note-followed',
    text: `INSERT INTO processor_position AS p (processor, feed_id, partition, commit_id)
           SELECT $1, * FROM unnest($2::text[], $3::text[], $4::int8[])
           ON CONFLICT (processor, feed_id, partition) DO UPDATE SET commit_id = greatest(p.commit_id, excluded.commit_id)`,
    values: [
      processor,
      commits.map(({ feed }) => feed),
      commits.map(({ partition }) => partition),
      commits.map(({ upTo }) => upTo),
    ],
  });
}
