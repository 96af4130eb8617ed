import type pg from 'pg';
import { BusbarError } from '../../domain/errors.ts';
import { ms } from '../../prisma/instants.ts';
import type { ReplayInput } from '../../prisma/operations/jobs.ts';
import { chunkPartition, ownPartitionSql } from '../../prisma/operations/partitions.ts';
import { reachable } from '../../prisma/transaction.ts';
import type { PlannedChunk } from './chunk-entries.ts';
import { type PartLimits, partsOf } from './plan-parts.ts';

export interface PayloadReplay {
  readonly chunks: PlannedChunk[];
  /** Payloads of the range that retention has dropped. */
  readonly lost: number;
}

/** Payloads that are decoded and committed together: polls of every minute bring many small ones. */
const CHUNK_LIMITS: PartLimits = { thingsMax: 100, bytesMax: 8 * 1024 * 1024 };

/** What is kept compressed counts as if to that part, so that what compresses well cannot fill the memory. */
const COMPRESSED_TO = 1 / 4;

/**
 * Chunks of the kept payloads that brought prices of `[from, to)`, or were asked for it and brought none, each of consecutive
 * payloads of one partition in the order they were committed; one that came twice as the same version is decoded once. Of half a
 * million payloads, a quarter of polls of every minute in four partitions, they are 5,000, and planned in 12 s.
 *
 * Nobody asked for what is in a file: one that brought no price is of no range, and is loaded again by `feeds ingest --again`.
 * @throws BusbarError `NOT_FOUND` where there were some and none is kept.
 */
export async function planPayloadReplay(
  pool: pg.Pool,
  feed: string,
  input: ReplayInput,
  limits = CHUNK_LIMITS,
): Promise<PayloadReplay> {
  const { rows } = await reachable(() =>
    pool.query<Payload>(PAYLOADS, [feed, input.from, input.to, input.partitions ?? null]),
  );
  const kept = rows.filter(({ stored }) => stored !== null);
  const lost = rows.length - kept.length;
  if (lost > 0 && kept.length === 0) {
    throw new BusbarError('NOT_FOUND', `none of the ${lost} payloads of the range is kept any more`);
  }
  const chunks = [...byPartition(kept)].flatMap(([partition, payloads]) =>
    partsOf(payloads, weightOf, limits).map((part) => chunkOf(partition, part)),
  );
  return { chunks: chunks.sort((a, b) => (a.originIds?.[0] ?? 0) - (b.originIds?.[0] ?? 0)), lost };
}

interface Payload {
  readonly id: number;
  /** As it was polled, without where it was committed. */
  readonly partition: string;
  readonly request: string;
  readonly eventFrom: number;
  readonly eventTo: number;
  readonly bytes: number;
  /** Bytes as they are kept; null: no longer. */
  readonly stored: number | null;
}

function byPartition(payloads: readonly Payload[]): Map<string, Payload[]> {
  const grouped = new Map<string, Payload[]>();
  for (const payload of payloads) {
    const group = grouped.get(payload.partition);
    if (group) group.push(payload);
    else grouped.set(payload.partition, [payload]);
  }
  return grouped;
}

function weightOf({ bytes, stored }: Payload): number {
  return Math.max(stored ?? 0, bytes * COMPRESSED_TO);
}

function chunkOf(partition: string, payloads: readonly Payload[]): PlannedChunk {
  const originIds = payloads.map(({ id }) => id);
  const [first] = payloads;
  return {
    partition: chunkPartition('REPLAY', partition),
    ...(first && { request: payloads.length === 1 ? first.request : requestOf(originIds) }),
    originIds,
    eventFrom: payloads.reduce((from, { eventFrom }) => Math.min(from, eventFrom), Number.POSITIVE_INFINITY),
    eventTo: payloads.reduce((to, { eventTo }) => Math.max(to, eventTo), Number.NEGATIVE_INFINITY),
  };
}

function requestOf(entries: readonly number[]): string {
  return `payloads of ledger entries ${entries[0]}–${entries.at(-1)} (${entries.length})`;
}

/**
 * A payload belongs to the partition that asked for it, and to the one it is named after: a correction is asked for by one
 * partition and brings the report of another. A file belongs to none: it is decoded again where none is asked for.
 */
const PAYLOADS = `
  SELECT * FROM (
    SELECT DISTINCT ON (e.checksum, e.published_at)
           e.id, e.commit_id, ${ownPartitionSql('e.partition')} AS partition, e.request,
           ${ms('e.event_from')} AS "eventFrom", ${ms('e.event_to')} AS "eventTo", e.bytes, octet_length(r.bytes) AS stored
    FROM ledger_entry e LEFT JOIN raw_payload r ON r.feed_id = e.feed_id AND r.checksum = e.checksum
    WHERE e.feed_id = $1 AND e.state = 'COMPLETED' AND e.kind IN ('FETCH', 'BACKFILL', 'FILE')
      AND e.event_from < to_timestamp($3::float8 / 1000.0) AND e.event_to > to_timestamp($2::float8 / 1000.0)
      AND ($4::text[] IS NULL OR (e.kind <> 'FILE' AND (${ownPartitionSql('e.partition')} = ANY($4) OR r.name = ANY($4))))
    ORDER BY e.checksum, e.published_at, e.commit_id
  ) AS payload ORDER BY commit_id`;
