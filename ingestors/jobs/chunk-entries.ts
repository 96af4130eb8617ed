/** Ledger entries of chunks, from the plan to the end. The commit itself is the pipeline's. */
import type pg from 'pg';
import { BusbarError } from '../../domain/errors.ts';
import { CANCELLED, type JobKind } from '../../prisma/operations/jobs.ts';
import type { Queryable } from '../../prisma/queryable.ts';
import { reachable } from '../../prisma/transaction.ts';
import { errorText } from './error-text.ts';

/** A chunk as the plan made it. Instants in milliseconds UTC. */
export interface PlannedChunk {
  /** Of the ledger: `backfill/…`, `replay/…`, `retry/…`. */
  readonly partition: string;
  /** Everything that is needed to do it, as a person reads it. */
  readonly request?: string;
  /** The entries whose payloads are decoded again. */
  readonly originIds?: readonly number[];
  /** Offsets `[positionFrom, positionTo)`. */
  readonly positionFrom?: number;
  readonly positionTo?: number;
  /** Delivery time `[eventFrom, eventTo)`, as far as it is known before. */
  readonly eventFrom?: number;
  readonly eventTo?: number;
  /** Those that are tried again. */
  readonly deadLetters?: readonly number[];
}

/** A chunk as one attempt took it up. */
export interface ChunkEntry {
  readonly id: number;
  readonly attempt: number;
  readonly jobId: number;
  readonly feed: string;
  readonly kind: JobKind;
  readonly partition: string;
  readonly request: string | null;
  readonly originIds: readonly number[];
  readonly positionFrom: number | null;
  readonly positionTo: number | null;
  /** Of the last attempt. */
  readonly error: string | null;
  /** The job is to end. */
  readonly cancelled: boolean;
}

/** @returns their ids, in the order of the chunks. */
export async function insertChunks(
  client: Queryable,
  job: { readonly id: number; readonly kind: JobKind; readonly feed: string },
  chunks: readonly PlannedChunk[],
): Promise<readonly number[]> {
  const { rows } = await client.query<{ id: number }>(
    `SELECT nextval('ledger_entry_id_seq') AS id FROM generate_series(1, $1::int)`,
    [chunks.length],
  );
  const ids = rows.map(({ id }) => id);
  await client.query(INSERT, [
    job.feed,
    job.kind,
    job.id,
    ids,
    chunks.map(({ partition }) => partition),
    chunks.map(({ request }) => request ?? null),
    // Lists of different lengths are no array of Postgres: each comes as text.
    chunks.map(({ originIds = [] }) => `{${originIds.join(',')}}`),
    chunks.map(({ positionFrom }) => positionFrom ?? null),
    chunks.map(({ positionTo }) => positionTo ?? null),
    chunks.map(({ eventFrom }) => eventFrom ?? null),
    chunks.map(({ eventTo }) => eventTo ?? null),
  ]);
  return ids;
}

const INSERT = `
  INSERT INTO ledger_entry (feed_id, kind, job_id, state, attempt, id, partition, request, origin_ids, position_from,
    position_to, event_from, event_to)
  SELECT $1, $2::ledger_kind, $3, 'PENDING', 0, id, partition, request, origin_ids::bigint[], position_from, position_to,
         to_timestamp(event_from / 1000.0), to_timestamp(event_to / 1000.0)
  FROM unnest($4::bigint[], $5::text[], $6::text[], $7::text[], $8::bigint[], $9::bigint[], $10::float8[], $11::float8[])
       AS t(id, partition, request, origin_ids, position_from, position_to, event_from, event_to)`;

/**
 * Begins an attempt; attempts before it can no longer commit.
 * @returns undefined where the chunk has ended already.
 */
export async function takeUp(pool: pg.Pool, entry: number): Promise<ChunkEntry | undefined> {
  const { rows } = await reachable(() =>
    pool.query<ChunkEntry>({ name: 'take-up-chunk', text: TAKE_UP, values: [entry] }),
  );
  return rows[0];
}

const OPEN = `('PENDING', 'RUNNING', 'REPLAYING')`;

const TAKE_UP = `
  UPDATE ledger_entry e SET
    attempt = e.attempt + 1, started_at = coalesce(e.started_at, clock_timestamp()),
    state = (CASE e.kind WHEN 'REPLAY' THEN 'REPLAYING' ELSE 'RUNNING' END)::ledger_state
  FROM job j WHERE e.id = $1 AND j.id = e.job_id AND e.state IN ${OPEN}
  RETURNING e.id, e.attempt, e.job_id AS "jobId", e.feed_id AS feed, e.kind, e.partition, e.request,
    to_json(e.origin_ids) AS "originIds", e.position_from AS "positionFrom", e.position_to AS "positionTo", e.error,
    j.cancel_requested_at IS NOT NULL AS cancelled`;

/**
 * Leaves what lies behind an offset to a chunk of its own, which is planned as if it had been one from the beginning.
 * @returns the new chunk.
 * @throws BusbarError `FENCED` where the chunk was taken up by another attempt, or has ended.
 */
export async function splitChunk(client: Queryable, chunk: ChunkEntry, at: number): Promise<number> {
  const { id, attempt, jobId, feed, kind, partition, positionTo } = chunk;
  const { rowCount } = await client.query(
    `UPDATE ledger_entry SET position_to = $3 WHERE id = $1 AND attempt = $2 AND state IN ${OPEN} AND position_to > $3`,
    [id, attempt, at],
  );
  if (rowCount !== 1 || positionTo === null) {
    throw new BusbarError('FENCED', `chunk ${id} was taken up by another attempt, or has ended`);
  }
  const rest: PlannedChunk = { partition, positionFrom: at, positionTo };
  const [added] = await insertChunks(client, { id: jobId, kind, feed }, [rest]);
  if (added === undefined) throw new TypeError('a chunk was not inserted');
  return added;
}

/** @returns whether it did end: not where another attempt has it, or it has ended otherwise. */
export async function endFailed(pool: pg.Pool, { id, attempt }: ChunkEntry, error: unknown): Promise<boolean> {
  const { rowCount } = await reachable(() =>
    pool.query(
      `UPDATE ledger_entry SET state = 'FAILED', error = $3, finished_at = clock_timestamp()
       WHERE id = $1 AND attempt = $2 AND state IN ${OPEN}`,
      [id, attempt, errorText(error)],
    ),
  );
  return rowCount === 1;
}

/** What the last attempt failed with, while there is another to come. */
export async function noteError(pool: pg.Pool, { id, attempt }: ChunkEntry, error: unknown): Promise<void> {
  await reachable(() =>
    pool.query(`UPDATE ledger_entry SET error = $3 WHERE id = $1 AND attempt = $2 AND state IN ${OPEN}`, [
      id,
      attempt,
      errorText(error),
    ]),
  );
}

/** Ends what has not begun. @returns the entries that did not begin, and those that others are to break off. */
export async function cancelChunks(
  client: Queryable,
  job: number,
): Promise<{ readonly ended: readonly number[]; readonly begun: readonly number[] }> {
  const { rows: ended } = await client.query<{ id: number }>(
    `UPDATE ledger_entry SET state = 'FAILED', error = '${CANCELLED}', finished_at = clock_timestamp()
     WHERE job_id = $1 AND state = 'PENDING' RETURNING id`,
    [job],
  );
  const { rows: begun } = await client.query<{ id: number }>(
    `SELECT id FROM ledger_entry WHERE job_id = $1 AND state IN ${OPEN}`,
    [job],
  );
  return { ended: ended.map(({ id }) => id), begun: begun.map(({ id }) => id) };
}
