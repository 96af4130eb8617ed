import type pg from 'pg';
import { livenessLock } from './liveness.ts';

/**
 * Gives back what dead workers hold in the queue, so that others take it up: those whose lock anybody can have.
 * @returns their ids.
 */
export async function freeJobsOfTheDead(pool: pg.Pool): Promise<readonly string[]> {
  const { rows } = await pool.query<{ dead: readonly string[] }>({ name: 'free-jobs-of-the-dead', text: FREE });
  return rows[0]?.dead ?? [];
}

/** The lock is held to the end of the statement: of several processes that look at once, one frees. */
const FREE = `
  WITH held AS MATERIALIZED (
    SELECT DISTINCT locked_by AS workers FROM graphile_worker.jobs WHERE locked_by IS NOT NULL
  ), dead AS MATERIALIZED (
    SELECT workers FROM held WHERE pg_try_advisory_xact_lock(${livenessLock('workers')})
  )
  SELECT coalesce(array_agg(workers), '{}') AS dead, graphile_worker.force_unlock_workers(array_agg(workers)) FROM dead`;
