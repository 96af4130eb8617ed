import type pg from 'pg';
import { type JobInput, readJobs, type JobRow as StoredJob } from '../../prisma/operations/jobs.ts';
import type { FeedFilter, JobRow, JobState, Page, Slice } from '../../schema/context.ts';
import { sliceFrom } from './slice.ts';

const LIST = `
  SELECT id
  FROM job
  WHERE ($1::text IS NULL OR feed_id = $1) AND ($2::job_state IS NULL OR state = $2) AND ($3::bigint IS NULL OR id < $3)
    AND ($5::text[] IS NULL OR feed_id = ANY($5))
  ORDER BY id DESC
  LIMIT $4`;

/** A page of jobs, newest first, in two statements. `after`: the id of the last one seen. */
export async function readJobList(
  pool: pg.Pool,
  { feed, feeds, state }: FeedFilter<JobState>,
  page: Page<number>,
): Promise<Slice<JobRow>> {
  const values = [feed ?? null, state ?? null, page.after ?? null, page.first + 1, feeds ?? null];
  const { rows } = await pool.query<{ id: number }>({ name: 'job-list', text: LIST, values });
  const { rows: ids, hasNextPage } = sliceFrom(
    rows.map(({ id }) => id),
    page,
  );
  const jobs = await readJobsById(pool, ids);
  return { rows: jobs.filter((job) => job !== null), hasNextPage };
}

/** @returns in the order asked; null where there is no such job. */
export async function readJobsById(pool: pg.Pool, ids: readonly number[]): Promise<(JobRow | null)[]> {
  const stored = await readJobs(pool, ids);
  const byId = new Map(stored.map((job) => [job.id, jobRowFrom(job)]));
  return ids.map((id) => byId.get(id) ?? null);
}

function jobRowFrom({ input, cancelRequestedAt, ...job }: StoredJob): JobRow {
  return { ...job, ...askedRange(input), cancelRequested: cancelRequestedAt !== null };
}

/** From the earliest to the latest instant of all that was asked for. */
function askedRange(input: JobInput): Pick<JobRow, 'from' | 'to'> {
  const windows = 'windows' in input ? input.windows : 'from' in input ? [input] : [];
  if (windows.length === 0) return { from: null, to: null };
  // Not by spreading them: a repair may have a hundred thousand windows.
  return {
    from: windows.reduce((from, window) => Math.min(from, window.from), Number.POSITIVE_INFINITY),
    to: windows.reduce((to, window) => Math.max(to, window.to), Number.NEGATIVE_INFINITY),
  };
}
