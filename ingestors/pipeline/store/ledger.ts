import { BusbarError } from '../../../domain/errors.ts';
import type { Queryable } from '../../../prisma/queryable.ts';
import type { Claim } from './positions.ts';

export type UnitKind = 'BATCH' | 'FETCH' | 'FILE' | 'BACKFILL' | 'REPLAY' | 'RETRY';

/** The entry of a chunk, made when its job was planned, as one attempt took it up. */
export interface PlannedEntry {
  readonly id: number;
  /** Grows each time the chunk is taken up; only the newest attempt may commit. */
  readonly attempt: number;
}

export interface LedgerFacts {
  /** From `lockPartition`: the place in the order of commits. */
  readonly commitId: number;
  /** Undefined: the entry is made now, with the commit's id as its own. */
  readonly planned: PlannedEntry | undefined;
  readonly kind: UnitKind;
  readonly state: 'COMPLETED' | 'FAILED';
  /** The entries whose payloads these are again; none leaves a planned entry those of its plan. */
  readonly originIds: readonly number[];
  /** The position after this entry; undefined leaves the partition where it is. */
  readonly next: number | undefined;
  readonly request: string | null;
  readonly checksum: Buffer;
  readonly bytes: number;
  /** Of a payload that came in one piece; milliseconds UTC. */
  readonly publishedAt: number | null;
  readonly rowsIn: number;
  readonly rowsWritten: number;
  readonly rowsUnchanged: number;
  readonly rowsRevised: number;
  readonly rowsRejected: number;
  /** Of what brought no price, the range that was asked for: it does not move the watermark. */
  readonly eventFrom: number | null;
  readonly eventTo: number | null;
  readonly startedAt: number;
  readonly error: string | null;
  readonly lag: number | null;
  /** The newest commit of the partition known to be on the live bus: noted on the way, to save a statement. */
  readonly announced: number;
}

/**
 * Writes the entry, moves the partition and counts what the commit brought it, in one statement of the caller's
 * transaction.
 * @throws BusbarError `FENCED` where a planned entry was taken up by another attempt meanwhile, or has ended.
 */
export async function writeLedger(client: Queryable, claim: Claim, entry: LedgerFacts): Promise<void> {
  const values = [
    claim.feed,
    claim.partition,
    entry.commitId,
    entry.state,
    entry.originIds,
    entry.next === undefined ? null : (claim.position ?? null),
    entry.next ?? null,
    entry.request,
    entry.checksum,
    entry.bytes,
    entry.publishedAt,
    entry.rowsIn,
    entry.rowsWritten,
    entry.rowsUnchanged,
    entry.rowsRevised,
    entry.rowsRejected,
    entry.eventFrom,
    entry.eventTo,
    entry.startedAt,
    entry.error,
    entry.lag,
    entry.announced,
  ];
  if (!entry.planned) {
    await client.query({ name: 'write-ledger', text: WRITE_NEW, values: [...values, entry.kind] });
    return;
  }
  const { id, attempt } = entry.planned;
  const { rowCount } = await client.query({
    name: 'write-planned-ledger',
    text: WRITE_PLANNED,
    values: [...values, id, attempt],
  });
  if (rowCount !== 1) {
    throw new BusbarError(
      'FENCED',
      `ledger entry ${id} of ${claim.feed} was taken up by another attempt, or has ended`,
    );
  }
}

const at = (parameter: string) => `to_timestamp(${parameter}::float8 / 1000.0)`;

/**
 * The counts are kept here because those who ask would otherwise add up the ledger, 0.8 s for a million entries, and it
 * forgets what is old.
 */
const MOVE_PARTITION = `
  UPDATE feed_position SET
    position = coalesce($7, position), last_ledger_id = $3,
    announced_ledger_id = greatest(announced_ledger_id, $22),
    watermark = greatest(watermark, CASE WHEN $12::int > $16::int THEN ${at('$18')} END),
    lag = $21, updated_at = clock_timestamp(), entries = entries + 1, rows_written = rows_written + $13,
    rows_revised = rows_revised + $15, rows_rejected = rows_rejected + $16
  WHERE feed_id = $1 AND partition = $2`;

const WRITE_NEW = `
  WITH entry AS (
    INSERT INTO ledger_entry (id, feed_id, partition, commit_id, kind, state, origin_ids, position_from, position_to, request,
      checksum, bytes, published_at, rows_in, rows_written, rows_unchanged, rows_revised, rows_rejected, event_from, event_to,
      started_at, finished_at, error)
    VALUES ($3, $1, $2, $3, $23::ledger_kind, $4::ledger_state, $5, $6, $7, $8, $9, $10, ${at('$11')}, $12, $13, $14, $15, $16,
      ${at('$17')}, ${at('$18')}, ${at('$19')}, clock_timestamp(), $20)
  )
  ${MOVE_PARTITION}`;

/** What the plan said of positions, range and origin stays where the commit has nothing to add. */
const WRITE_PLANNED = `
  WITH entry AS (
    UPDATE ledger_entry SET
      commit_id = $3, state = $4::ledger_state,
      origin_ids = CASE WHEN $5::bigint[] = '{}' THEN origin_ids ELSE $5::bigint[] END,
      position_from = coalesce($6, position_from), position_to = coalesce($7, position_to), request = coalesce($8, request),
      checksum = $9, bytes = $10, published_at = ${at('$11')}, rows_in = $12, rows_written = $13, rows_unchanged = $14,
      rows_revised = $15, rows_rejected = $16, event_from = coalesce(${at('$17')}, event_from),
      event_to = coalesce(${at('$18')}, event_to), started_at = coalesce(started_at, ${at('$19')}),
      finished_at = clock_timestamp(), error = $20
    WHERE id = $23 AND attempt = $24 AND state IN ('RUNNING', 'REPLAYING')
    RETURNING id
  )
  ${MOVE_PARTITION} AND EXISTS (SELECT FROM entry)`;
