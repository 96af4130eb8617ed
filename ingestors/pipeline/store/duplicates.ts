import type pg from 'pg';
import { isInstant } from '../../../domain/instant.ts';
import { ms } from '../../../prisma/instants.ts';
import { FILE_PARTITION, ownPartition, ownPartitionSql } from '../../../prisma/operations/partitions.ts';

/** The entry that brought a payload first. */
export interface Original {
  readonly id: number;
  readonly rowsIn: number;
  readonly rowsRejected: number;
  /** Delivery time of its rows, milliseconds UTC. */
  readonly eventFrom: number | null;
  readonly eventTo: number | null;
  /** The source's own words that it has nothing. */
  readonly noData: string | null;
}

export interface Sought {
  readonly feed: string;
  readonly partition: string;
  /** The file's name, where it is one. */
  readonly request: string | null;
  readonly checksum: Buffer;
  /** When the source published it, milliseconds UTC. */
  readonly publishedAt: number;
}

/**
 * Looks for an entry that brought the same bytes of the same thing as the same version: then every fact in them has been
 * offered to the store already, and need not be decoded to know that it changes nothing.
 *
 * The thing is the partition, or the file's name. Some bytes mean another thing under another: two tariffs of one utility that
 * cost the same differ in nothing else, and neither do NYISO's day-ahead and real-time files.
 *
 * The same bytes published later are another matter: they say that what came in between was taken back, and that nothing
 * published before them can be news. Those are decoded.
 */
export async function findOriginal(
  pool: pg.Pool,
  { feed, partition, request, checksum, publishedAt }: Sought,
): Promise<Original | undefined> {
  if (!isInstant(publishedAt)) return undefined;
  const own = ownPartition(partition);
  const { rows } = await pool.query<Original>({
    name: 'find-original',
    text: FIND,
    values: [feed, checksum, publishedAt, own, own === FILE_PARTITION ? request : null],
  });
  return rows[0];
}

const FIND = `
  SELECT id, rows_in AS "rowsIn", rows_rejected AS "rowsRejected", ${ms('event_from')} AS "eventFrom",
         ${ms('event_to')} AS "eventTo", CASE WHEN rows_in = 0 THEN error END AS "noData"
  FROM ledger_entry
  WHERE feed_id = $1 AND checksum = $2 AND state = 'COMPLETED' AND kind IN ('FETCH', 'BACKFILL', 'FILE')
    AND ${ownPartitionSql('partition')} = $4 AND ($5::text IS NULL OR request = $5)
    AND cardinality(origin_ids) = 0 AND published_at = to_timestamp($3::float8 / 1000.0)::timestamptz(3)
  ORDER BY commit_id LIMIT 1`;
