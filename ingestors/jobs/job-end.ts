import { refusalText } from '../../prisma/operations/job-refusal.ts';
import { CANCELLED } from '../../prisma/operations/jobs.ts';
import type { Queryable } from '../../prisma/queryable.ts';
import { errorText } from './error-text.ts';

/**
 * Ends a running job of which no chunk is left to do. To be asked after the end of each chunk, in a transaction of its own:
 * of several that end at once, each sees its own end, and the last sees all.
 */
export async function endJobWhereDone(db: Queryable, job: number): Promise<void> {
  const { rows } = await db.query<{ open: boolean }>({ name: 'is-job-open', text: IS_OPEN, values: [job] });
  if (!rows[0]?.open) await db.query({ name: 'end-job', text: END, values: [job] });
}

/** Ends a job that could not be planned. */
export async function endJobUnplanned(db: Queryable, job: number, error: unknown): Promise<void> {
  await db.query(
    `UPDATE job SET state = 'FAILED', error = $2, finished_at = clock_timestamp()
     WHERE id = $1 AND state = 'PENDING' AND planned_at IS NULL`,
    [job, refusalText(error, errorText(error))],
  );
}

const IS_OPEN = `
  SELECT EXISTS (
    SELECT FROM ledger_entry WHERE job_id = $1 AND state IN ('PENDING', 'RUNNING', 'REPLAYING')
  ) AS open`;

/** A job that was cancelled when there was nothing left to cancel is a job that was done. */
const END = `
  WITH chunks AS (
    SELECT count(*) AS total, count(*) FILTER (WHERE state IN ('PENDING', 'RUNNING', 'REPLAYING')) AS open,
           count(*) FILTER (WHERE state = 'FAILED' AND error = '${CANCELLED}') AS cancelled,
           count(*) FILTER (WHERE state = 'FAILED' AND error IS DISTINCT FROM '${CANCELLED}') AS failed,
           (array_agg(error ORDER BY id) FILTER (WHERE state = 'FAILED' AND error IS DISTINCT FROM '${CANCELLED}'))[1] AS first
    FROM ledger_entry WHERE job_id = $1
  )
  UPDATE job SET
    finished_at = clock_timestamp(),
    state = (CASE WHEN cancelled > 0 THEN 'CANCELLED' WHEN failed > 0 THEN 'FAILED' ELSE 'COMPLETED' END)::job_state,
    error = nullif(concat_ws('; ',
      CASE WHEN failed > 0 THEN format('%s of %s chunks failed: %s', failed, total, first) END, error), '')
  FROM chunks WHERE id = $1 AND state = 'RUNNING' AND open = 0`;
