import type pg from 'pg';
import { BusbarError } from '../../../domain/errors.ts';

/** A dead letter as the CLI shows it, without its bytes. */
export interface DeadLetter {
  readonly id: number;
  readonly feed: string;
  readonly partition: string;
  /** Its offset in the log; null for a part of a fetched payload. */
  readonly position: number | null;
  readonly ledgerId: number;
  readonly code: string;
  readonly reason: string;
  /** How many there are. */
  readonly bytes: number;
  readonly form: 'PAYLOAD' | 'FACT';
  readonly name: string;
  readonly publishedAt: Date | null;
  readonly state: 'OPEN' | 'RETRIED' | 'DISCARDED';
  readonly receivedAt: Date;
  readonly retries: number;
  readonly retryId: number | null;
  readonly resolvedAt: Date | null;
  readonly resolution: string | null;
}

const COLUMNS = `
  id, feed_id AS feed, partition, position, ledger_id AS "ledgerId", code, reason, octet_length(raw) AS bytes, form, name,
  published_at AS "publishedAt", state, received_at AS "receivedAt", retries, retry_id AS "retryId",
  resolved_at AS "resolvedAt", resolution`;

export const SELECT_DEAD_LETTERS = `SELECT ${COLUMNS} FROM dead_letter`;

/** @throws BusbarError `NOT_FOUND` */
export async function readDeadLetter(
  pool: pg.Pool,
  id: number,
): Promise<{ readonly letter: DeadLetter; readonly raw: Buffer }> {
  const { rows } = await pool.query<DeadLetter & { readonly raw: Buffer }>(
    `SELECT ${COLUMNS}, raw FROM dead_letter WHERE id = $1`,
    [id],
  );
  const row = rows[0];
  if (!row) throw new BusbarError('NOT_FOUND', `there is no dead letter ${id}`);
  const { raw, ...letter } = row;
  return { letter, raw };
}

/**
 * The feed that dead letters belong to.
 * @throws BusbarError `NOT_FOUND` where one is not there; `BAD_USER_INPUT` where they are of several feeds.
 */
export async function feedOfDeadLetters(pool: pg.Pool, ids: readonly number[]): Promise<string> {
  const { rows } = await pool.query<{ id: number; feed: string }>(
    'SELECT id, feed_id AS feed FROM dead_letter WHERE id = ANY($1::bigint[])',
    [ids],
  );
  const missing = ids.filter((id) => !rows.some((row) => row.id === id));
  if (missing.length > 0) throw new BusbarError('NOT_FOUND', `there is no dead letter ${missing.join(', ')}`);
  const [feed, ...others] = new Set(rows.map((row) => row.feed));
  if (feed !== undefined && others.length === 0) return feed;
  throw new BusbarError('BAD_USER_INPUT', `these are of several feeds: ${[feed, ...others].join(', ')}`);
}
