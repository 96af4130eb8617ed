/**
 * Work that comes again and again: one queued task that does it once and is queued anew, whatever came of it. So it is done
 * once however many processes there are, by whichever is free. Each has a name of its own among the queue's tasks, and a
 * process takes only those that it can do.
 */
import type pg from 'pg';
import { reachable } from '../../prisma/transaction.ts';
import type { QueueTask } from './queue-runner.ts';

export interface Recurring {
  /** In the queue. */
  readonly name: string;
  readonly everyMs: number;
  /**
   * Does it once. Never throws of what may happen in it.
   * @param signal aborted when it is to come to an end: another worker takes it up at once.
   * @returns `unfinished` where there is more to do at once.
   */
  run(signal: AbortSignal): Promise<'done' | 'unfinished'>;
}

/** Tasks by their names in the queue. */
export function createRecurringTasks(pool: pg.Pool, all: readonly Recurring[]): Readonly<Record<string, QueueTask>> {
  return Object.fromEntries(all.map((each) => [each.name, createTask(pool, each)]));
}

function createTask(pool: pg.Pool, recurring: Recurring): QueueTask {
  return async (_, { signal }) => {
    const outcome = await recurring.run(signal);
    await queueAgain(pool, recurring.name, outcome === 'done' ? recurring.everyMs : 0);
  };
}

/**
 * Queues what is not queued. What is keeps its time, and comes forward where that is further off than an interval: another
 * process queued it when the interval was longer.
 */
export async function queueRecurring(
  pool: pg.Pool,
  all: readonly Pick<Recurring, 'name' | 'everyMs'>[],
): Promise<void> {
  const names = all.map(({ name }) => name);
  const intervals = all.map(({ everyMs }) => everyMs);
  await reachable(() => pool.query(QUEUE, [names]));
  await reachable(() => pool.query(HASTEN, [names, intervals]));
}

async function queueAgain(pool: pg.Pool, name: string, afterMs: number): Promise<void> {
  await reachable(() =>
    pool.query(
      `SELECT graphile_worker.add_job($1, ${OPTIONS}, job_key => $1, run_at => now() + $2 * interval '1 millisecond')`,
      [name, afterMs],
    ),
  );
}

/** Ahead of chunks. It is never given up, so that no number of processes that died in it leaves it undone. */
const OPTIONS = 'priority => -10, max_attempts => 32767';

const QUEUE = `
  SELECT count(graphile_worker.add_job(task, ${OPTIONS}, job_key => task, job_key_mode => 'unsafe_dedupe'))
  FROM unnest($1::text[]) AS task`;

/** One that is under way is left alone: it queues the next. */
const HASTEN = `
  SELECT count(*)
  FROM unnest($1::text[], $2::float8[]) AS recurring (task, every_ms)
  CROSS JOIN LATERAL (SELECT now() + every_ms * interval '1 millisecond' AS at) AS latest
  JOIN graphile_worker.jobs AS job ON job.key = task AND job.run_at > latest.at
  CROSS JOIN LATERAL graphile_worker.reschedule_jobs(ARRAY[job.id], run_at => latest.at) AS hastened`;
