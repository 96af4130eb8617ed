import type { DeadLetterRow, DeadLetterState, Page, RawRequest, Slice } from '../../schema/context.ts';
import { sliceFrom } from './slice.ts';
import type { Queryable } from './statement.ts';

interface StoredDeadLetter {
  readonly id: number;
  readonly feed_id: string;
  readonly partition: string;
  readonly position: number | null;
  readonly ledger_id: number;
  readonly code: string;
  readonly reason: string;
  readonly size: number;
  readonly state: DeadLetterState;
  readonly received_at: Date;
  readonly published_at: Date | null;
  readonly retries: number;
  readonly retry_id: number | null;
  readonly resolved_at: Date | null;
  readonly resolution: string | null;
}

/** Without the raw bytes: a page of them may be gigabytes, of which a list shows nothing. */
const LIST = `
  SELECT id, feed_id, partition, position, ledger_id, code, reason, octet_length(raw) AS size, state, received_at,
    published_at, retries, retry_id, resolved_at, resolution
  FROM dead_letter
  WHERE ($1::text IS NULL OR feed_id = $1) AND ($2::dead_letter_state IS NULL OR state = $2)
    AND ($3::bigint IS NULL OR id < $3)
  ORDER BY id DESC
  LIMIT $4`;

const RAWS = `
  SELECT substring(d.raw FROM 1 FOR asked.bytes) AS raw
  FROM unnest($1::bigint[], $2::int[]) WITH ORDINALITY AS asked (id, bytes, place)
  LEFT JOIN dead_letter AS d ON d.id = asked.id
  ORDER BY asked.place`;

/** A page of dead letters, newest first. `after`: the id of the last one seen. */
export async function readDeadLetters(
  db: Queryable,
  { feed, state }: { feed?: string; state?: DeadLetterState },
  page: Page<number>,
): Promise<Slice<DeadLetterRow>> {
  const values = [feed ?? null, state ?? null, page.after ?? null, page.first + 1];
  const { rows } = await db.query<StoredDeadLetter>({ name: 'dead-letters', text: LIST, values });
  return sliceFrom(rows.map(deadLetterRowFrom), page);
}

/** The first bytes of each record, in the order asked; empty where the dead letter is gone. */
export async function readDeadLetterRaws(db: Queryable, requests: readonly RawRequest[]): Promise<Buffer[]> {
  const values = [requests.map(({ id }) => id), requests.map(({ bytes }) => bytes)];
  const { rows } = await db.query<{ raw: Buffer | null }>({ name: 'dead-letter-raws', text: RAWS, values });
  return rows.map(({ raw }) => raw ?? Buffer.alloc(0));
}

function deadLetterRowFrom(stored: StoredDeadLetter): DeadLetterRow {
  return {
    id: stored.id,
    feed: stored.feed_id,
    partition: stored.partition,
    position: stored.position,
    ledgerId: stored.ledger_id,
    code: stored.code,
    reason: stored.reason,
    size: stored.size,
    state: stored.state,
    receivedAt: stored.received_at.getTime(),
    publishedAt: stored.published_at?.getTime() ?? null,
    retries: stored.retries,
    retryId: stored.retry_id,
    resolvedAt: stored.resolved_at?.getTime() ?? null,
    resolution: stored.resolution,
  };
}
