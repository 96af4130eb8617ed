import type pg from 'pg';

type Queryable = Pick<pg.ClientBase, 'query'>;

/** A commit of prices that a processor has not followed yet. */
export interface NewCommit {
  readonly feed: string;
  readonly partition: string;
  readonly commitId: number;
  readonly ledgerId: number;
}

/**
 * Commits that brought something new, the oldest of each partition first. One that is not committed yet is not skipped: within
 * a partition commits have their numbers in their order.
 */
export async function readNewCommits(
  db: Queryable,
  processor: string,
  feeds: readonly string[],
  partitionCommitsMax: number,
): Promise<NewCommit[]> {
  const { rows } = await db.query<NewCommit>({
    name: 'new-commits',
    text: NEW_COMMITS,
    values: [processor, feeds, partitionCommitsMax],
  });
  return rows;
}

const NEW_COMMITS = `
  SELECT e.feed, e.partition, e."commitId", e."ledgerId"
  FROM feed_position p
  LEFT JOIN processor_position f ON f.processor = $1 AND f.feed_id = p.feed_id AND f.partition = p.partition
  CROSS JOIN LATERAL (
    SELECT feed_id AS feed, partition, commit_id AS "commitId", id AS "ledgerId"
    FROM ledger_entry
    WHERE feed_id = p.feed_id AND partition = p.partition AND commit_id > coalesce(f.commit_id, 0)
      AND commit_id <= p.last_ledger_id AND rows_written + rows_revised > 0
    ORDER BY commit_id LIMIT $3
  ) AS e
  WHERE p.feed_id = ANY($2::text[]) AND p.last_ledger_id > coalesce(f.commit_id, 0)`;

/** Notes how far a processor has come, in the transaction of what it made of them. */
export async function noteFollowed(db: Queryable, processor: string, commits: readonly NewCommit[]): Promise<void> {
  await db.query({
    name: 'note-followed',
    text: `INSERT INTO processor_position AS p (processor, feed_id, partition, commit_id)
           SELECT $1, feed, partition, max(commit_id) FROM unnest($2::text[], $3::text[], $4::int8[]) AS t(feed, partition, commit_id)
           GROUP BY feed, partition
           ON CONFLICT (processor, feed_id, partition) DO UPDATE SET commit_id = greatest(p.commit_id, excluded.commit_id)`,
    values: [
      processor,
      commits.map(({ feed }) => feed),
      commits.map(({ partition }) => partition),
      commits.map(({ commitId }) => commitId),
    ],
  });
}
