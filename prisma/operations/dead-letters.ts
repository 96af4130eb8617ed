import { BusbarError } from '../../domain/errors.ts';
import { ms } from '../instants.ts';
import type { Queryable } from '../queryable.ts';
import { findFeed, inPartitions, requireAll } from './jobs.ts';

/** A dead letter without its bytes. Instants in milliseconds UTC. */
export interface DeadLetterRow {
  readonly id: number;
  readonly feed: string;
  readonly partition: string;
  /** Its offset in the log; null for a part of a fetched payload. */
  readonly position: number | null;
  readonly ledgerId: number;
  readonly code: string;
  readonly reason: string;
  /** How many bytes there are. */
  readonly size: number;
  readonly form: 'PAYLOAD' | 'FACT';
  readonly name: string;
  readonly publishedAt: number | null;
  readonly state: 'OPEN' | 'RETRIED' | 'DISCARDED';
  readonly receivedAt: number;
  /** How often it was tried again, and the ledger entry of the last try. */
  readonly retries: number;
  readonly retryId: number | null;
  readonly resolvedAt: number | null;
  /** Why it was discarded. */
  readonly resolution: string | null;
}

/** Which of them; undefined: any. */
export interface DeadLetterFilter {
  /** The feed's id. */
  readonly feed?: string | undefined;
  readonly feeds?: readonly string[] | undefined;
  /** The feed's own, however they were committed. */
  readonly partitions?: readonly string[] | undefined;
  readonly state?: DeadLetterRow['state'] | undefined;
}

/** Never the raw bytes: a page of them may be gigabytes, of which a list shows nothing. */
const COLUMNS = `
  id, feed_id AS feed, partition, position, ledger_id AS "ledgerId", code, reason, octet_length(raw) AS size, form, name,
  ${ms('published_at')} AS "publishedAt", state, ${ms('received_at')} AS "receivedAt", retries, retry_id AS "retryId",
  ${ms('resolved_at')} AS "resolvedAt", resolution`;

const LIST = `
  SELECT ${COLUMNS}
  FROM dead_letter
  WHERE ($1::text IS NULL OR feed_id = $1) AND ($6::text[] IS NULL OR feed_id = ANY($6)) AND ${inPartitions('$2')}
    AND ($3::dead_letter_state IS NULL OR state = $3) AND ($4::bigint IS NULL OR id < $4)
  ORDER BY id DESC
  LIMIT $5`;

const ONE = `SELECT ${COLUMNS}, raw FROM dead_letter WHERE id = $1`;

/** Newest first, at most `limit`. @param before an id: only older ones. */
export async function listDeadLetters(
  db: Queryable,
  { feed, feeds, partitions, state }: DeadLetterFilter,
  { limit, before }: { readonly limit: number; readonly before?: number | undefined },
): Promise<DeadLetterRow[]> {
  const values = [feed ?? null, partitions ?? null, state ?? null, before ?? null, limit, feeds ?? null];
  const { rows } = await db.query<DeadLetterRow>({ name: 'dead-letters', text: LIST, values });
  return rows;
}

/** One, with the record as it came. @throws BusbarError `NOT_FOUND` */
export async function readDeadLetter(
  db: Queryable,
  id: number,
): Promise<{ readonly letter: DeadLetterRow; readonly raw: Buffer }> {
  const { rows } = await db.query<DeadLetterRow & { readonly raw: Buffer }>(ONE, [id]);
  if (!rows[0]) throw new BusbarError('NOT_FOUND', `there is no dead letter ${id}`);
  const { raw, ...letter } = rows[0];
  return { letter, raw };
}

/**
 * The feed that dead letters belong to.
 * @throws BusbarError `NOT_FOUND` where one is not there; `BAD_USER_INPUT` where they are of several feeds.
 */
export async function feedOfDeadLetters(db: Queryable, ids: readonly number[]): Promise<string> {
  const { rows } = await db.query<{ id: number; feed: string }>(
    'SELECT id, feed_id AS feed FROM dead_letter WHERE id = ANY($1::bigint[])',
    [ids],
  );
  const missing = ids.filter((id) => !rows.some((row) => row.id === id));
  if (missing.length > 0) throw new BusbarError('NOT_FOUND', `there is no dead letter ${missing.join(', ')}`);
  const [feed, ...others] = new Set(rows.map((row) => row.feed));
  if (feed !== undefined && others.length === 0) return feed;
  throw new BusbarError('BAD_USER_INPUT', `these are of several feeds: ${[feed, ...others].join(', ')}`);
}

/** What most dead letters of a ledger entry are about, as the first of them says it; undefined where there is none. */
export async function commonReason(
  db: Queryable,
  ledgerId: number,
): Promise<{ readonly reason: string; readonly count: number } | undefined> {
  const { rows } = await db.query<{ reason: string; count: number }>(
    `SELECT (array_agg(reason ORDER BY id))[1] AS reason, count(*)::int AS count
     FROM dead_letter WHERE ledger_id = $1 GROUP BY code ORDER BY count(*) DESC, min(id) LIMIT 1`,
    [ledgerId],
  );
  return rows[0];
}

/**
 * Gives open dead letters up for good, with the reason; their bytes stay.
 * @param client in a transaction, which an error is to roll back.
 * @param ids undefined: every open one of the feed, or of the stream.
 * @returns how many.
 * @throws BusbarError `NOT_FOUND` where the feed, or one of the dead letters as an open one of it, is not there;
 *   `BAD_USER_INPUT` without a reason.
 */
export async function discardDeadLetters(
  client: Queryable,
  { feed, ids, reason }: { feed: string; ids: readonly number[] | undefined; reason: string },
): Promise<number> {
  if (reason.trim() === '') throw new BusbarError('BAD_USER_INPUT', 'say why they are discarded');
  const part = await findFeed(client, feed);
  const { rows } = await client.query<{ id: number }>(
    `UPDATE dead_letter SET state = 'DISCARDED', resolved_at = now(), resolution = $4
     WHERE feed_id = $1 AND state = 'OPEN' AND ${inPartitions('$2')} AND ($3::bigint[] IS NULL OR id = ANY($3))
     RETURNING id`,
    [part.feed, part.partitions ?? null, ids ?? null, reason],
  );
  const discarded = rows.map(({ id }) => id);
  requireAll(part, ids ?? [], discarded);
  return discarded.length;
}
