import type pg from 'pg';
import { BusbarError } from '../../../domain/errors.ts';
import type { Queryable } from '../../../prisma/queryable.ts';

/** A partition as this process holds it: what it may commit, and from where. */
export interface Claim {
  readonly feed: string;
  readonly partition: string;
  /** Grows with every claim of the partition, whoever makes it; only the newest may commit. Null: nobody owns it. */
  readonly epoch: number | null;
  /** The next offset, or the instant up to which a source was asked. Undefined: nothing yet. */
  position: number | undefined;
}

/**
 * A partition that anybody may commit to at any time, one after the other: of files and of chunks of jobs, which have no
 * position and are fenced by their own ledger entries.
 */
export function unowned(feed: string, partition: string): Claim {
  return { feed, partition, epoch: null, position: undefined };
}

/** Takes a partition over. Whoever held it can no longer commit. */
export async function claimPartition(
  pool: pg.Pool,
  feed: string,
  partition: string,
  owner: string,
): Promise<Claim & { readonly epoch: number }> {
  const { rows } = await pool.query<{ epoch: number; position: number | null }>(
    `INSERT INTO feed_position AS p (feed_id, partition, epoch, owner) VALUES ($1, $2, 1, $3)
     ON CONFLICT (feed_id, partition) DO UPDATE SET epoch = p.epoch + 1, owner = excluded.owner, updated_at = now()
     RETURNING epoch, position`,
    [feed, partition, owner],
  );
  const row = rows[0];
  if (!row) throw new TypeError('INSERT … RETURNING returned no row');
  return { feed, partition, epoch: row.epoch, position: row.position ?? undefined };
}

/**
 * Locks the partition for the rest of the transaction and gives the id of its next commit. Ids are given out under the
 * lock, so that they grow in commit order within the partition: that order is the order of announcing.
 * @throws BusbarError `FENCED` where the claim is no longer the newest.
 */
export async function lockPartition(client: Queryable, claim: Claim): Promise<number> {
  return claim.epoch === null ? lockUnowned(client, claim) : lockOwned(client, claim);
}

async function lockUnowned(client: Queryable, { feed, partition }: Claim): Promise<number> {
  const { rows } = await client.query<{ id: number }>({
    name: 'lock-unowned-partition',
    text: `INSERT INTO feed_position (feed_id, partition) VALUES ($1, $2)
           ON CONFLICT (feed_id, partition) DO UPDATE SET updated_at = clock_timestamp()
           RETURNING nextval('ledger_entry_id_seq') AS id`,
    values: [feed, partition],
  });
  const row = rows[0];
  if (!row) throw new TypeError('INSERT … RETURNING returned no row');
  return row.id;
}

async function lockOwned(client: Queryable, claim: Claim): Promise<number> {
  const { rows } = await client.query<{ epoch: number; position: number | null; id: number }>({
    name: 'lock-partition',
    text: `SELECT epoch, position, nextval('ledger_entry_id_seq') AS id
           FROM (SELECT epoch, position FROM feed_position WHERE feed_id = $1 AND partition = $2 FOR UPDATE) AS locked`,
    values: [claim.feed, claim.partition],
  });
  const row = rows[0];
  if (row?.epoch !== claim.epoch || (row.position ?? undefined) !== claim.position) {
    throw new BusbarError('FENCED', `partition ${claim.partition} of ${claim.feed} was taken over by another process`, {
      details: { held: claim.epoch, current: row?.epoch },
    });
  }
  return row.id;
}

/** What went wrong outside any transaction of the partition, for `feeds status` and the API. */
export async function noteFailure(pool: pg.Pool, feed: string, partition: string, error: string): Promise<void> {
  await pool.query(
    `INSERT INTO feed_position (feed_id, partition, last_error, last_error_at) VALUES ($1, $2, $3, now())
     ON CONFLICT (feed_id, partition) DO UPDATE SET last_error = excluded.last_error, last_error_at = excluded.last_error_at`,
    [feed, partition, error.slice(0, 2_000)],
  );
}
