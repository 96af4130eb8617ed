/**
 * Planning a job: its chunks go into the ledger and onto the queue in one transaction, so that a process that is killed in
 * the middle leaves either nothing or the whole plan. Asked again, a planned job is left as it is; one that is to be cancelled
 * ends what has not begun.
 */
import type pg from 'pg';
import type { Logger } from 'pino';
import { z } from 'zod';
import { messageOf } from '../../domain/errors.ts';
import type { Queryable } from '../../prisma/queryable.ts';
import { inTransaction, reachable } from '../../prisma/transaction.ts';
import { cancelChunks, insertChunks } from './chunk-entries.ts';
import { hastenChunks, queueChunks, removeChunks } from './chunk-tasks.ts';
import { endJobUnplanned, endJobWhereDone } from './job-end.ts';
import { type Job, type Plan, type PlanParts, planOf } from './plan.ts';
import { assignDeadLetters } from './plan-retry.ts';
import type { QueueTask } from './queue-runner.ts';
import { isWorthAnotherTry, TRIES_MAX } from './tries.ts';

export interface PlanTaskParts extends PlanParts {
  readonly log: Logger;
}

const PAYLOAD = z.object({ job: z.number() });

export function createPlanTask(parts: PlanTaskParts): QueueTask {
  const { pool, log } = parts;
  return async (payload, { tries }) => {
    const { job: id } = PAYLOAD.parse(payload);
    const job = await readJob(pool, id);
    if (!job) return;
    const toPlan = isToPlan(job);
    // Only processes that died in it leave a plan that was tried so often.
    if (toPlan && tries > TRIES_MAX)
      return reachable(() => endJobUnplanned(pool, id, `${TRIES_MAX} processes ended in its plan`));
    try {
      const plan = toPlan ? await planOf(job, parts) : undefined;
      await inTransaction(pool, (client) => carryOn(client, id, plan));
      // After the commit: a chunk that ends meanwhile sees what was cancelled, or is seen here.
      await reachable(() => endJobWhereDone(pool, id));
      if (plan) log.info({ job: id, kind: job.kind, feed: job.feed, chunks: plan.chunks.length }, 'job planned');
    } catch (error) {
      // A job that is planned, or cancelled, cannot end unplanned: what is left to do is a cancel, and nobody else would do it.
      if (!toPlan || (await isWorthAnotherTry(error, tries))) throw error;
      log.warn({ job: id, feed: job.feed, error: messageOf(error) }, 'job cannot be planned');
      await reachable(() => endJobUnplanned(pool, id, error));
    }
  };
}

const READ = `
  SELECT id, kind, feed_id AS feed, input, state, planned_at IS NOT NULL AS planned,
         cancel_requested_at IS NOT NULL AS cancelled
  FROM job WHERE id = $1`;

async function readJob(pool: pg.Pool, id: number): Promise<Job | undefined> {
  const { rows } = await reachable(() => pool.query<Job>(READ, [id]));
  return rows[0];
}

function isToPlan({ state, planned, cancelled }: Job): boolean {
  return state === 'PENDING' && !planned && !cancelled;
}

async function carryOn(client: Queryable, id: number, plan: Plan | undefined): Promise<void> {
  const { rows } = await client.query<Job>(`${READ} FOR UPDATE`, [id]);
  const job = rows[0];
  if (!job || (job.state !== 'PENDING' && job.state !== 'RUNNING')) return;
  if (job.cancelled) await cancel(client, job);
  else if (plan && isToPlan(job)) await writePlan(client, job, plan);
}

async function writePlan(client: Queryable, job: Job, { chunks, note }: Plan): Promise<void> {
  const ids = await insertChunks(client, job, chunks);
  await assignDeadLetters(client, ids, chunks);
  await queueChunks(client, ids);
  await client.query(`UPDATE job SET state = 'RUNNING', planned_at = clock_timestamp(), error = $2 WHERE id = $1`, [
    job.id,
    note,
  ]);
}

async function cancel(client: Queryable, job: Job): Promise<void> {
  if (!job.planned) {
    await client.query(`UPDATE job SET state = 'CANCELLED', finished_at = clock_timestamp() WHERE id = $1`, [job.id]);
    return;
  }
  const { ended, begun } = await cancelChunks(client, job.id);
  await removeChunks(client, ended);
  // One that waits for its next try would end only then.
  await hastenChunks(client, begun);
}
