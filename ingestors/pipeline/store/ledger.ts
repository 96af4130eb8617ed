import type pg from 'pg';
import type { Claim } from './positions.ts';

export interface LedgerFacts {
  readonly id: number;
  readonly kind: 'BATCH' | 'FETCH' | 'FILE';
  readonly state: 'COMPLETED' | 'FAILED';
  /** The position after this entry; undefined leaves the partition where it is. */
  readonly next: number | undefined;
  readonly request: string | null;
  readonly checksum: Buffer;
  readonly bytes: number;
  readonly rowsIn: number;
  readonly rowsWritten: number;
  readonly rowsUnchanged: number;
  readonly rowsRevised: number;
  readonly rowsRejected: number;
  readonly eventFrom: number | null;
  readonly eventTo: number | null;
  readonly startedAt: number;
  readonly error: string | null;
  readonly lag: number | null;
  /** The newest ledger entry of the partition known to be on the live bus: noted on the way, to save a statement. */
  readonly announced: number;
}

/** Writes the entry and moves the partition, in one statement of the caller's transaction. */
export async function writeLedger(client: pg.ClientBase, claim: Claim, entry: LedgerFacts): Promise<void> {
  await client.query({
    name: 'write-ledger',
    text: WRITE,
    values: [
      claim.feed,
      claim.partition,
      entry.id,
      entry.kind,
      entry.state,
      entry.next === undefined ? null : (claim.position ?? null),
      entry.next ?? null,
      entry.request,
      entry.checksum,
      entry.bytes,
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
    ],
  });
}

const at = (parameter: string) => `to_timestamp(${parameter}::float8 / 1000.0)`;

const WRITE = `
  WITH entry AS (
    INSERT INTO ledger_entry (id, feed_id, partition, kind, state, position_from, position_to, request, checksum, bytes,
      rows_in, rows_written, rows_unchanged, rows_revised, rows_rejected, event_from, event_to, started_at, finished_at, error)
    VALUES ($3, $1, $2, $4::ledger_kind, $5::ledger_state, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15,
      ${at('$16')}, ${at('$17')}, ${at('$18')}, clock_timestamp(), $19)
  )
  UPDATE feed_position SET
    position = coalesce($7, position), last_ledger_id = $3,
    announced_ledger_id = greatest(announced_ledger_id, $21), watermark = greatest(watermark, ${at('$17')}),
    lag = $20, updated_at = clock_timestamp()
  WHERE feed_id = $1 AND partition = $2`;
