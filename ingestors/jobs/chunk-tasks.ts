/** The queued tasks of chunks: one for each, found again by its key. */
import { CHUNK_TASK } from '../../prisma/operations/jobs.ts';
import type { Queryable } from '../../prisma/queryable.ts';

/** Behind polls and plans. */
const CHUNK_PRIORITY = 100;
const PRIORITY_MAX = 32_767;

/** Queues chunks in the transaction that writes them: the first of each call go first, and those of two jobs in turns. */
export async function queueChunks(client: Queryable, entries: readonly number[]): Promise<void> {
  if (entries.length === 0) return;
  const tasks = entries.map((entry, place) => ({
    identifier: CHUNK_TASK,
    payload: { entry },
    job_key: keyOf(entry),
    priority: Math.min(PRIORITY_MAX, CHUNK_PRIORITY + place),
  }));
  await client.query(
    `SELECT count(*) FROM graphile_worker.add_jobs(
       ARRAY(SELECT json_populate_recordset(null::graphile_worker.job_spec, $1::json)))`,
    [JSON.stringify(tasks)],
  );
}

/** Takes the tasks of chunks that did not begin from the queue. */
export async function removeChunks(client: Queryable, entries: readonly number[]): Promise<void> {
  await client.query('SELECT count(graphile_worker.remove_job(key)) FROM unnest($1::text[]) AS key', [
    entries.map(keyOf),
  ]);
}

/** Lets chunks that wait for their next try have it at once. Those under way are locked and left to whoever has them. */
export async function hastenChunks(client: Queryable, entries: readonly number[]): Promise<void> {
  await client.query(
    `SELECT count(*) FROM graphile_worker.reschedule_jobs(
       ARRAY(SELECT id FROM graphile_worker.jobs WHERE key = ANY($1::text[]) AND locked_by IS NULL), run_at => now())`,
    [entries.map(keyOf)],
  );
}

function keyOf(entry: number): string {
  return `${CHUNK_TASK}:${entry}`;
}
