/**
 * Carrying out a chunk of a job.
 *
 *   PENDING ──taken up──▶ RUNNING, or REPLAYING ──commit──▶ COMPLETED
 *                           ▲   │    │   └── for good: refused, tried often enough, cancelled ──▶ FAILED
 *                           └───┘    └── told to stop, or killed: it stays, and another takes it up
 *                     may pass: tried again later
 *
 * Each attempt has a number, and only the newest may commit or fail the chunk. So the queue may hand a chunk to two workers
 * at once, as it does where one is cut off, and the chunk still has its effect once.
 */
import type pg from 'pg';
import type { Logger } from 'pino';
import { z } from 'zod';
import { BusbarError, messageOf } from '../../domain/errors.ts';
import { HOUR_MS } from '../../domain/instant.ts';
import { CANCELLED } from '../../prisma/operations/jobs.ts';
import { reachable } from '../../prisma/transaction.ts';
import type { Feed } from '../feed.ts';
import type { Pipeline } from '../pipeline/pipeline.ts';
import { unowned } from '../pipeline/store/positions.ts';
import type { Cancellations } from './cancellations.ts';
import { type ChunkEntry, endFailed, noteError, takeUp } from './chunk-entries.ts';
import { type UnitParts, unitOf } from './chunk-unit.ts';
import { endJobWhereDone } from './job-end.ts';
import type { QueueTask, TaskRun } from './queue-runner.ts';
import { isWorthAnotherTry, TRIES_MAX } from './tries.ts';

export interface ChunkParts extends UnitParts {
  readonly pool: pg.Pool;
  readonly feeds: readonly Feed[];
  readonly pipeline: Pipeline;
  readonly cancellations: Cancellations;
  readonly log: Logger;
}

/** Longer than a source's own patience; far below the four hours the queue grants. */
const CHUNK_MS_MAX = HOUR_MS;

const PAYLOAD = z.object({ entry: z.number() });

export function createChunkTask(parts: ChunkParts): QueueTask {
  return async (payload, run) => {
    const { entry } = PAYLOAD.parse(payload);
    const chunk = await takeUp(parts.pool, entry);
    if (chunk) await attempt(chunk, parts, run);
    const job = chunk?.jobId ?? (await jobOf(parts.pool, entry));
    if (job !== undefined) await reachable(() => endJobWhereDone(parts.pool, job));
  };
}

async function attempt(chunk: ChunkEntry, parts: ChunkParts, run: TaskRun): Promise<void> {
  if (chunk.cancelled) return fail(chunk, CANCELLED, parts);
  // Only processes that died in it leave a chunk that was tried so often.
  if (run.tries > TRIES_MAX) return fail(chunk, chunk.error ?? `${TRIES_MAX} processes ended in it`, parts);
  const watch = parts.cancellations.watch(chunk.jobId);
  try {
    await carryOut(chunk, parts, AbortSignal.any([run.signal, watch.signal]));
  } catch (error) {
    if (watch.signal.aborted) return await fail(chunk, CANCELLED, parts);
    if (run.signal.aborted) throw error;
    if (!(await isWorthAnotherTry(error, run.tries))) return await fail(chunk, error, parts);
    parts.log.info({ ...naming(chunk), error: messageOf(error) }, 'chunk is tried again');
    await noteError(parts.pool, chunk, error);
    throw error;
  } finally {
    watch.end();
  }
}

async function carryOut(chunk: ChunkEntry, parts: ChunkParts, told: AbortSignal): Promise<void> {
  const feed = parts.feeds.find((each) => each.id === chunk.feed);
  if (!feed) throw new BusbarError('NOT_FOUND', `the ingestors have no feed ${chunk.feed}`);
  const deadline = AbortSignal.timeout(CHUNK_MS_MAX);
  const signal = AbortSignal.any([told, deadline]);
  const unit = await unitOf(chunk, feed, parts, signal).catch((error) => {
    if (!deadline.aborted || told.aborted) throw error;
    throw new BusbarError('SOURCE_FAILED', `not done within ${CHUNK_MS_MAX / 60_000} minutes`, { cause: error });
  });
  signal.throwIfAborted();
  const outcome = await parts.pipeline.ingest(feed, unowned(chunk.feed, chunk.partition), unit);
  parts.log.debug({ ...naming(chunk), ...outcome }, 'chunk done');
}

/** @throws BusbarError `FENCED` where it is not ours any more; then the queue asks again, and finds it ended or taken. */
async function fail(chunk: ChunkEntry, error: unknown, { pool, log }: ChunkParts): Promise<void> {
  if (!(await endFailed(pool, chunk, error))) {
    throw new BusbarError('FENCED', `chunk ${chunk.id} was taken up by another attempt, or has ended`);
  }
  if (error !== CANCELLED) log.warn({ ...naming(chunk), error: messageOf(error) }, 'chunk failed');
}

function naming({ jobId, id, attempt, feed, partition, request }: ChunkEntry) {
  return { job: jobId, entry: id, attempt, feed, partition, request };
}

/** Of a chunk that has ended: whoever ended it may have been killed before it looked whether it was the last. */
async function jobOf(pool: pg.Pool, entry: number): Promise<number | undefined> {
  const { rows } = await reachable(() =>
    pool.query<{ job: number | null }>('SELECT job_id AS job FROM ledger_entry WHERE id = $1', [entry]),
  );
  return rows[0]?.job ?? undefined;
}
