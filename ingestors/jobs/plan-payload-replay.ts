import type pg from 'pg';
import { BusbarError } from '../../domain/errors.ts';
import { ms } from '../../prisma/instants.ts';
import type { ReplayInput } from '../../prisma/operations/jobs.ts';
import { reachable } from '../../prisma/transaction.ts';
import type { PlannedChunk } from './chunk-entries.ts';

export interface PayloadReplay {
  readonly chunks: PlannedChunk[];
  /** Payloads of the range that retention has dropped. */
  readonly lost: number;
}

/**
 * One chunk for each kept payload that brought prices of `[from, to)`, in the order they were committed; one that came twice
 * as the same version is decoded once.
 * @throws BusbarError `NOT_FOUND` where there were some and none is kept.
 */
export async function planPayloadReplay(pool: pg.Pool, feed: string, input: ReplayInput): Promise<PayloadReplay> {
  const { rows } = await reachable(() =>
    pool.query<Payload>(PAYLOADS, [feed, input.from, input.to, input.partitions ?? null]),
  );
  const kept = rows.filter((row) => row.kept);
  const lost = rows.length - kept.length;
  if (lost > 0 && kept.length === 0) {
    throw new BusbarError('NOT_FOUND', `none of the ${lost} payloads of the range is kept any more`);
  }
  return { chunks: kept.map(chunkOf), lost };
}

interface Payload {
  readonly id: number;
  /** As it was polled, without where it was committed. */
  readonly partition: string;
  readonly request: string;
  readonly eventFrom: number;
  readonly eventTo: number;
  readonly kept: boolean;
}

function chunkOf({ id, partition, request, eventFrom, eventTo }: Payload): PlannedChunk {
  return { partition: `replay/${partition}`, request, originId: id, eventFrom, eventTo };
}

/**
 * A payload belongs to the partition that asked for it, and to the one it is named after: a correction is asked for by one
 * partition and brings the report of another. A file belongs to none: it is decoded again where none is asked for.
 */
const PAYLOADS = `
  SELECT * FROM (
    SELECT DISTINCT ON (checksum, published_at)
           id, commit_id, regexp_replace(partition, '^backfill/', '') AS partition, request,
           ${ms('event_from')} AS "eventFrom", ${ms('event_to')} AS "eventTo",
           EXISTS (SELECT FROM raw_payload r WHERE r.feed_id = e.feed_id AND r.checksum = e.checksum) AS kept
    FROM ledger_entry e
    WHERE feed_id = $1 AND state = 'COMPLETED' AND kind IN ('FETCH', 'BACKFILL', 'FILE')
      AND event_from < to_timestamp($3::float8 / 1000.0) AND event_to > to_timestamp($2::float8 / 1000.0)
      AND ($4::text[] IS NULL OR (kind <> 'FILE' AND (regexp_replace(partition, '^backfill/', '') = ANY($4) OR EXISTS (
             SELECT FROM raw_payload r WHERE r.feed_id = e.feed_id AND r.checksum = e.checksum AND r.name = ANY($4)))))
    ORDER BY checksum, published_at, commit_id
  ) AS payload ORDER BY commit_id`;
