import type pg from 'pg';
import type { JobStanding } from '../../prisma/operations/jobs.ts';
import { reachable } from '../../prisma/transaction.ts';
import { countText } from './output.ts';

/** What came of a job beside its counts of chunks and rows. */
export interface JobOutcome {
  /** Chunks of a backfill for which the source had nothing. */
  readonly noDataChunks?: number;
  /** Dead letters that a retry took through the pipeline again. */
  readonly lettersTried?: number;
  /** Those of them that are open still. */
  readonly lettersOpen?: number;
  /** That what a replay decoded again held no row at all. */
  readonly nothingFound?: true;
}

/** @throws BusbarError `UNAVAILABLE` */
export async function readOutcome(pool: pg.Pool, job: JobStanding): Promise<JobOutcome> {
  const { id, kind } = job;
  if (kind === 'REPLAY') return isEmpty(job) ? { nothingFound: true } : {};
  const statement = kind === 'BACKFILL' ? NO_DATA : kind === 'RETRY' ? LETTERS : undefined;
  if (!statement) return {};
  const { rows } = await reachable(() => pool.query<JobOutcome>(statement, [id]));
  return rows[0] ?? {};
}

function isEmpty({ state, total, rowsIn }: JobStanding): boolean {
  return state === 'COMPLETED' && total !== null && total > 0 && rowsIn === 0;
}

/** What an entry that is completed says of its payload: that the source had nothing. */
const NO_DATA = `
  SELECT count(*)::int AS "noDataChunks" FROM ledger_entry WHERE job_id = $1 AND state = 'COMPLETED' AND error IS NOT NULL`;

const LETTERS = `
  SELECT count(*)::int AS "lettersTried", count(*) FILTER (WHERE d.state = 'OPEN')::int AS "lettersOpen"
  FROM dead_letter d JOIN ledger_entry e ON e.id = d.retry_id WHERE e.job_id = $1 AND e.state = 'COMPLETED'`;

/** Lines for a person, none where there is nothing to say. */
export function outcomeLines({
  noDataChunks = 0,
  lettersTried = 0,
  lettersOpen = 0,
  nothingFound,
}: JobOutcome): string[] {
  const lines: string[] = [];
  if (nothingFound) lines.push('Nothing was found in what was decoded again: not a row.');
  if (noDataChunks > 0) {
    lines.push(`The source had no data for ${countText(noDataChunks)} ${noDataChunks === 1 ? 'chunk' : 'chunks'}.`);
  }
  if (lettersOpen > 0) {
    lines.push(`${countText(lettersOpen)} of ${countText(lettersTried)} dead letters failed again and are open still.`);
  }
  return lines;
}

/** Whether a job did what was asked for. A retry did not where nothing at all came of its dead letters. */
export function succeeded(
  { state, rowsIn, rowsRejected }: JobStanding,
  { lettersTried = 0, lettersOpen = 0 }: JobOutcome,
) {
  const isRetryInVain = lettersTried > 0 && lettersOpen === lettersTried && rowsIn === rowsRejected;
  return state === 'COMPLETED' && !isRetryInVain;
}
