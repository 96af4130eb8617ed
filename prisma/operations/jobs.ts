/**
 * Jobs: work on a feed's past that an operator asks for, from the gateway or from a shell alike.
 *
 * - A **backfill** asks a source again for delivery intervals of `[from, to)`.
 * - A **replay** decodes again what came: records of the log by when they were appended, or payloads kept of a source by
 *   the delivery time of what they brought.
 * - A **retry** takes dead letters through the pipeline again.
 *
 *   PENDING ──plan: chunks into the ledger──▶ RUNNING ──all chunks done──▶ COMPLETED, or FAILED where some failed
 *      └──────────────── cancelled ─────────────┴────────────────────────▶ CANCELLED
 *
 * A job is written here and carried out by the ingestors (`ingestors/jobs/`). It is queued in the transaction that writes
 * it down, so that there is no job nobody works on and no work without a job.
 */
import { BusbarError } from '../../domain/errors.ts';
import { isoFromInstant } from '../../domain/instant.ts';
import { ms } from '../instants.ts';
import type { Queryable } from '../queryable.ts';
import { ownPartitionSql } from './partitions.ts';

export type JobKind = 'BACKFILL' | 'REPLAY' | 'RETRY';
export type JobState = 'PENDING' | 'RUNNING' | 'COMPLETED' | 'FAILED' | 'CANCELLED';

/** A part of a feed's past. Instants in milliseconds UTC; `nodes` and `partitions` undefined: all of them. */
export interface Window {
  readonly from: number;
  readonly to: number;
  readonly partitions?: readonly string[];
  /** `MARKET:NAME`. */
  readonly nodes?: readonly string[];
}

export interface BackfillInput {
  readonly windows: readonly Window[];
}

export interface ReplayInput {
  readonly from: number;
  readonly to: number;
  readonly partitions?: readonly string[];
  /** Narrows the replay of a topic to these offsets of one partition: `[fromOffset, toOffset)`. */
  readonly offsets?: { readonly partition: number; readonly fromOffset: number; readonly toOffset: number };
}

export interface RetryInput {
  /** Undefined: every open dead letter of the feed. */
  readonly ids?: readonly number[];
}

export type JobInput = BackfillInput | ReplayInput | RetryInput;

/** What stands as the error of a chunk that a cancelled job did not do. */
export const CANCELLED = 'cancelled';

/** The task of the queue that plans a job; `ingestors/jobs/` carries it out. */
export const PLAN_TASK = 'plan-job';
/** The task of the queue that carries out one chunk. */
export const CHUNK_TASK = 'run-chunk';

/** A feed, or the part of one that a stream's name stands for. */
export interface FeedPart {
  readonly feed: string;
  readonly kind: 'topic' | 'poll';
  readonly partitions: readonly string[] | undefined;
}

/** @throws BusbarError `NOT_FOUND`, with the names there are. */
export async function findFeed(db: Queryable, name: string): Promise<FeedPart> {
  const { rows } = await db.query<{
    id: string;
    kind: 'topic' | 'poll';
    streams: Readonly<Record<string, readonly string[]>>;
  }>('SELECT id, kind, streams FROM feed ORDER BY id');
  for (const { id, kind, streams } of rows) {
    if (id === name) return { feed: id, kind, partitions: undefined };
    if (Object.hasOwn(streams, name)) return { feed: id, kind, partitions: streams[name] };
  }
  const names = rows.flatMap(({ id, streams }) => [id, ...Object.keys(streams)]);
  throw new BusbarError('NOT_FOUND', `there is no feed "${name}"; there are ${names.join(', ') || 'none yet'}`);
}

/**
 * @throws BusbarError `NOT_FOUND` for a feed or a stream's partition that is not there; `BAD_USER_INPUT` for a range that
 *   is empty or a topic, which cannot be asked again.
 */
export async function requestBackfill(
  client: Queryable,
  { feed, windows, by }: { feed: string; windows: readonly Window[]; by: string },
): Promise<number> {
  const part = await findFeed(client, feed);
  if (part.kind === 'topic') {
    throw new BusbarError(
      'BAD_USER_INPUT',
      `${feed} is a topic: its records are read again by a replay, not a backfill`,
    );
  }
  for (const window of windows) requireRange(window);
  const input: BackfillInput = { windows: windows.map((window) => ({ ...window, ...narrowed(part, window) })) };
  return insertJob(client, 'BACKFILL', part.feed, input, by);
}

/**
 * @throws BusbarError `NOT_FOUND` for a feed or a stream's partition that is not there; `BAD_USER_INPUT` for a range that
 *   is empty, or offsets of a feed that is not a topic.
 */
export async function requestReplay(
  client: Queryable,
  { feed, by, ...asked }: ReplayInput & { feed: string; by: string },
): Promise<number> {
  const part = await findFeed(client, feed);
  requireRange(asked);
  if (asked.offsets) requireOffsets(part, asked.offsets);
  return insertJob(client, 'REPLAY', part.feed, { ...asked, ...narrowed(part, asked) }, by);
}

/**
 * @param ids undefined: every open one of the feed by the time the job is planned; of a stream, those open now.
 * @throws BusbarError `NOT_FOUND` where the feed, or one of the dead letters as an open one of it, is not there.
 */
export async function requestRetry(
  client: Queryable,
  { feed, ids, by }: RetryInput & { feed: string; by: string },
): Promise<number> {
  const part = await findFeed(client, feed);
  if (!ids && !part.partitions) return insertJob(client, 'RETRY', part.feed, {}, by);
  const open = await openDeadLetters(client, part, ids);
  requireAll(part, ids ?? [], open);
  return insertJob(client, 'RETRY', part.feed, { ids: open }, by);
}

/**
 * Asks a job to end. Chunks under way are broken off, those not begun are not.
 * @throws BusbarError `NOT_FOUND`; `BAD_USER_INPUT` where it has ended already.
 */
export async function requestCancel(client: Queryable, id: number): Promise<void> {
  const { rows } = await client.query<{ state: JobState }>(`SELECT state FROM job WHERE id = $1 FOR UPDATE`, [id]);
  const state = rows[0]?.state;
  if (!state) throw new BusbarError('NOT_FOUND', `there is no job ${id}`);
  if (state !== 'PENDING' && state !== 'RUNNING') {
    throw new BusbarError('BAD_USER_INPUT', `job ${id} has ended already: it is ${state}`);
  }
  await client.query('UPDATE job SET cancel_requested_at = coalesce(cancel_requested_at, now()) WHERE id = $1', [id]);
  // Planned anew, a job that is to be cancelled ends what has not begun.
  await enqueuePlan(client, id);
}

async function insertJob(client: Queryable, kind: JobKind, feed: string, input: JobInput, by: string): Promise<number> {
  const { rows } = await client.query<{ id: number }>(
    `INSERT INTO job (kind, feed_id, input, requested_by) VALUES ($1::job_kind, $2, $3, $4) RETURNING id`,
    [kind, feed, JSON.stringify(input), by],
  );
  const id = rows[0]?.id;
  if (id === undefined) throw new TypeError('INSERT … RETURNING returned no row');
  await enqueuePlan(client, id);
  return id;
}

async function enqueuePlan(client: Queryable, job: number): Promise<void> {
  await client.query(`SELECT graphile_worker.add_job($1, json_build_object('job', $2::bigint), job_key => $3)`, [
    PLAN_TASK,
    job,
    `${PLAN_TASK}:${job}`,
  ]);
}

async function openDeadLetters(
  client: Queryable,
  { feed, partitions }: FeedPart,
  ids: readonly number[] | undefined,
): Promise<number[]> {
  const { rows } = await client.query<{ id: number }>(
    `SELECT id FROM dead_letter
     WHERE feed_id = $1 AND state = 'OPEN' AND ${inPartitions('$2')} AND ($3::bigint[] IS NULL OR id = ANY($3)) ORDER BY id`,
    [feed, partitions ?? null, ids ?? null],
  );
  return rows.map(({ id }) => id);
}

/**
 * SQL: whether the row's `partition` is one of these, or any where they are null. Chunks of jobs commit under names of
 * their own, as in `backfill/PRC_LMP`; a file's rows could be of any partition and are of none.
 */
export function inPartitions(parameter: string): string {
  return `(${parameter}::text[] IS NULL OR ${ownPartitionSql('partition')} = ANY(${parameter}))`;
}

/** @throws BusbarError `NOT_FOUND`, with those asked for that were not found as open dead letters of the feed. */
export function requireAll({ feed }: FeedPart, asked: readonly number[], found: readonly number[]): void {
  const open = new Set(found);
  const missing = asked.filter((id) => !open.has(id));
  if (missing.length === 0) return;
  throw new BusbarError('NOT_FOUND', `${feed} has no open dead letter ${missing.join(', ')}`);
}

function narrowed(part: FeedPart, asked: { partitions?: readonly string[] }): { partitions?: readonly string[] } {
  const partitions = partitionsOf(part, asked.partitions);
  return partitions ? { partitions } : {};
}

/**
 * The partitions that are asked for, of a stream at most its own; undefined: all of the feed.
 * @throws BusbarError `NOT_FOUND` for one that is not the stream's, with those that are.
 */
export function partitionsOf(
  { feed, partitions: own }: FeedPart,
  asked: readonly string[] | undefined,
): readonly string[] | undefined {
  const foreign = own && asked?.filter((partition) => !own.includes(partition));
  if (foreign && foreign.length > 0) {
    const names = `${foreign.join(', ')}; there are ${own.join(', ')}`;
    throw new BusbarError('NOT_FOUND', `this part of ${feed} has no partition ${names}`);
  }
  return asked ?? own;
}

/** @throws BusbarError `BAD_USER_INPUT` where `[from, to)`, in milliseconds UTC, is empty. */
export function requireRange({ from, to }: { readonly from: number; readonly to: number }): void {
  if (from >= to) {
    throw new BusbarError('BAD_USER_INPUT', `the range ${isoFromInstant(from)} to ${isoFromInstant(to)} is empty`);
  }
}

function requireOffsets({ feed, kind }: FeedPart, offsets: NonNullable<ReplayInput['offsets']>): void {
  if (kind !== 'topic') throw new BusbarError('BAD_USER_INPUT', `${feed} is not a topic: it has no offsets`);
  const { fromOffset, toOffset } = offsets;
  if (fromOffset >= toOffset) {
    throw new BusbarError('BAD_USER_INPUT', `the range of offsets ${fromOffset} to ${toOffset} is empty`);
  }
}

/** A job as it stands. Instants in milliseconds UTC. */
export interface JobRow {
  readonly id: number;
  readonly kind: JobKind;
  readonly state: JobState;
  readonly feed: string;
  readonly input: JobInput;
  readonly requestedBy: string;
  readonly requestedAt: number;
  readonly plannedAt: number | null;
  readonly finishedAt: number | null;
  readonly cancelRequestedAt: number | null;
  readonly error: string | null;
  /** Chunks; null until it is planned. */
  readonly total: number | null;
  /** Chunks that ended, the failed ones included; not those that were cancelled. */
  readonly done: number;
  readonly failed: number;
  readonly rowsIn: number;
  readonly rowsWritten: number;
  readonly rowsRevised: number;
  readonly rowsUnchanged: number;
  readonly rowsRejected: number;
  /** Since the first chunk began; null before the first ended. */
  readonly rowsPerSecond: number | null;
  /** By the pace so far; null where there is none yet, or the job has ended. */
  readonly estimatedEndAt: number | null;
}

/**
 * Jobs by id, in no order; those that do not exist are left out. All their chunks are added up, each time: 40 ms for
 * 100,000 of them, and more while they are worked on. Counters would have every chunk's commit wait for the one before.
 */
export async function readJobs(db: Queryable, ids: readonly number[]): Promise<JobRow[]> {
  const { rows } = await db.query<JobRow>({ name: 'jobs-by-id', text: READ_JOBS, values: [ids] });
  return rows;
}

/** A job without what was asked for, which never changes and may be megabytes. */
export type JobStanding = Omit<JobRow, 'input'>;

/** As `readJobs`, of one job that is looked at again and again. */
export async function readJobStanding(db: Queryable, id: number): Promise<JobStanding | undefined> {
  const { rows } = await db.query<JobStanding>({ name: 'job-standing', text: READ_STANDINGS, values: [[id]] });
  return rows[0];
}

const READ_STANDINGS = `
  SELECT j.id, j.kind, j.state, j.feed_id AS feed, j.requested_by AS "requestedBy",
         ${ms('j.requested_at')} AS "requestedAt", ${ms('j.planned_at')} AS "plannedAt",
         ${ms('j.finished_at')} AS "finishedAt", ${ms('j.cancel_requested_at')} AS "cancelRequestedAt", j.error,
         CASE WHEN j.planned_at IS NOT NULL THEN e.total END AS total, e.done, e.failed,
         e.rows_in AS "rowsIn", e.rows_written AS "rowsWritten", e.rows_revised AS "rowsRevised",
         e.rows_unchanged AS "rowsUnchanged", e.rows_rejected AS "rowsRejected",
         CASE WHEN e.done > 0 AND e.seconds IS NOT NULL THEN e.rows_in / greatest(e.seconds, 0.001) END AS "rowsPerSecond",
         CASE WHEN j.state = 'RUNNING' AND e.done > 0
              THEN ${ms(`now()`)} + e.seconds / e.done * (e.total - e.done) * 1000 END AS "estimatedEndAt"
  FROM job j CROSS JOIN LATERAL (
    SELECT count(*)::int AS total,
           count(*) FILTER (WHERE state = 'COMPLETED' OR (state = 'FAILED' AND error IS DISTINCT FROM '${CANCELLED}'))::int AS done,
           count(*) FILTER (WHERE state = 'FAILED' AND error IS DISTINCT FROM '${CANCELLED}')::int AS failed,
           coalesce(sum(rows_in), 0)::float8 AS rows_in, coalesce(sum(rows_written), 0)::float8 AS rows_written,
           coalesce(sum(rows_revised), 0)::float8 AS rows_revised, coalesce(sum(rows_unchanged), 0)::float8 AS rows_unchanged,
           coalesce(sum(rows_rejected), 0)::float8 AS rows_rejected,
           extract(epoch FROM coalesce(j.finished_at, now()) - min(started_at))::float8 AS seconds
    FROM ledger_entry WHERE job_id = j.id
  ) AS e WHERE j.id = ANY($1::bigint[])`;

const READ_JOBS = READ_STANDINGS.replace('SELECT j.id,', 'SELECT j.id, j.input,');
