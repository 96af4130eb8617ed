import type pg from 'pg';
import { isInstant } from '../../../domain/instant.ts';
import { ms } from '../../../prisma/instants.ts';

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

/**
 * Looks for an entry of the feed that brought the same bytes as the same version: then every fact in them has been offered to
 * the store already, and need not be decoded to know that it changes nothing.
 *
 * The same bytes published later are another matter: they say that what came in between was taken back, and that nothing
 * published before them can be news. Those are decoded.
 * @param publishedAt when the source published them, milliseconds UTC.
 */
export async function findOriginal(
  pool: pg.Pool,
  feed: string,
  checksum: Buffer,
  publishedAt: number,
): Promise<Original | undefined> {
  if (!isInstant(publishedAt)) return undefined;
  const { rows } = await pool.query<Original>({
    name: 'find-original',
    text: FIND,
    values: [feed, checksum, publishedAt],
  });
  return rows[0];
}

const FIND = `
  SELECT id, rows_in AS "rowsIn", rows_rejected AS "rowsRejected", ${ms('event_from')} AS "eventFrom",
         ${ms('event_to')} AS "eventTo", CASE WHEN rows_in = 0 THEN error END AS "noData"
  FROM ledger_entry
  WHERE feed_id = $1 AND checksum = $2 AND state = 'COMPLETED' AND kind IN ('FETCH', 'BACKFILL', 'FILE')
    AND cardinality(origin_ids) = 0 AND published_at = to_timestamp($3::float8 / 1000.0)::timestamptz(3)
  ORDER BY commit_id LIMIT 1`;
