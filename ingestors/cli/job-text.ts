import type pg from 'pg';
import { isoFromInstant } from '../../domain/instant.ts';
import { type JobInput, type JobRow, type JobStanding, readJobs } from '../../prisma/operations/jobs.ts';
import { durationText } from './instants.ts';
import { type JobOutcome, outcomeLines } from './job-outcome.ts';
import { type Cell, countText, printable } from './output.ts';
import { readableRange } from './past-range.ts';

/** Jobs that have not ended, newest first. */
export async function readRunningJobs(pool: pg.Pool): Promise<JobRow[]> {
  const { rows } = await pool.query<{ id: number }>(`SELECT id FROM job WHERE state IN ('PENDING', 'RUNNING')`);
  return newestFirst(pool, rows);
}

/** Jobs by their ids, newest first. */
export async function newestFirst(pool: pg.Pool, rows: readonly { readonly id: number }[]): Promise<JobRow[]> {
  const ids = rows.map(({ id }) => id);
  return (await readJobs(pool, ids)).sort((one, other) => other.id - one.id);
}

/** Head and rows of a table. */
export function jobTable(jobs: readonly JobRow[]): [head: string[], rows: Cell[][]] {
  return [
    ['job', 'kind', 'feed', 'state', 'chunks', 'rows', 'asked for by', 'at', 'error'],
    jobs.map((job) => [
      job.id,
      job.kind,
      job.feed,
      stateText(job),
      chunksText(job),
      countText(job.rowsIn),
      job.requestedBy,
      isoFromInstant(job.requestedAt),
      job.error,
    ]),
  ];
}

/** A job as JSON has it: instants as text. */
export function jobJson(job: JobRow, outcome: JobOutcome = {}) {
  return {
    ...job,
    ...outcome,
    input: readableInput(job.input),
    requestedAt: isoFromInstant(job.requestedAt),
    plannedAt: isoOrNull(job.plannedAt),
    finishedAt: isoOrNull(job.finishedAt),
    cancelRequestedAt: isoOrNull(job.cancelRequestedAt),
    estimatedEndAt: isoOrNull(job.estimatedEndAt),
  };
}

export function hasEnded({ state }: JobStanding): boolean {
  return state !== 'PENDING' && state !== 'RUNNING';
}

/** `backfill 12 of caiso-lmp`. */
export function jobName({ kind, id, feed }: JobStanding): string {
  return `${kind.toLowerCase()} ${id} of ${feed}`;
}

/** Chunks that failed and are to be tried again. */
export interface Trouble {
  readonly chunks: number;
  /** Of one of them. */
  readonly error: string;
}

/** @returns undefined where there is none. */
export async function readTrouble(pool: pg.Pool, job: number): Promise<Trouble | undefined> {
  const { rows } = await pool.query<Trouble>(
    `SELECT count(*)::int AS chunks, max(error) AS error FROM ledger_entry
     WHERE job_id = $1 AND state IN ('PENDING', 'RUNNING', 'REPLAYING') AND error IS NOT NULL HAVING count(*) > 0`,
    [job],
  );
  return rows[0];
}

/** How far a job has come, in one line: chunks, share, rows, pace, what is left of it, what holds it up. */
export function progressText(job: JobStanding, now: number, trouble?: Trouble): string {
  return progressParts(job, now, trouble)
    .map(({ text }) => text)
    .join('  ');
}

export interface ProgressPart {
  readonly text: string;
  /** What is short of room does without the least important parts; 1 is the most important. */
  readonly rank: number;
}

/** The parts of that line, in their order. */
export function progressParts(job: JobStanding, now: number, trouble?: Trouble): readonly ProgressPart[] {
  if (job.total === null) {
    return [{ text: job.cancelRequestedAt === null ? 'waiting to be planned' : 'being cancelled', rank: 1 }];
  }
  const parts = [
    { text: `${countText(job.done)}/${countText(job.total)} chunks`, rank: 1 },
    { text: `${Math.floor(100 * progressOf(job))} %`, rank: 4 },
    { text: `${countText(job.rowsIn)} rows`, rank: 5 },
  ];
  if (job.rowsPerSecond !== null) parts.push({ text: `${countText(job.rowsPerSecond)} rows/s`, rank: 6 });
  if (job.failed > 0) parts.push({ text: `${countText(job.failed)} failed`, rank: 2 });
  if (job.cancelRequestedAt !== null) parts.push({ text: 'being cancelled', rank: 3 });
  else if (job.estimatedEndAt !== null) {
    parts.push({ text: `${durationText(Math.max(0, job.estimatedEndAt - now))} left`, rank: 3 });
  }
  if (trouble) parts.push({ text: troubleText(trouble), rank: 7 });
  return parts;
}

function troubleText({ chunks, error }: Trouble): string {
  return `${countText(chunks)} to be tried again: ${printable(error).replace(/\s+/g, ' ')}`;
}

/** From 0 to 1. */
export function progressOf({ total, done }: JobStanding): number {
  return total === null ? 0 : total === 0 ? 1 : done / total;
}

/** What came of a job that has ended. */
export function summaryText(job: JobStanding, outcome: JobOutcome = {}): string {
  const took = job.finishedAt === null ? '' : ` after ${durationText(job.finishedAt - job.requestedAt)}`;
  const lines = [`${capitalised(jobName(job))}: ${job.state.toLowerCase()}${took}, ${workText(job)}`];
  if (job.rowsIn > 0) {
    lines.push(
      `  ${countText(job.rowsIn)} rows: ${countText(job.rowsWritten)} new, ${countText(job.rowsRevised)} revised, ` +
        `${countText(job.rowsUnchanged)} unchanged, ${countText(job.rowsRejected)} rejected.`,
    );
  }
  for (const line of outcomeLines(outcome)) lines.push(`  ${line}`);
  if (job.rowsRejected > 0) lines.push(`  The rejected ones: feeds dead-letters --feed ${job.feed}`);
  if (job.error !== null) lines.push(`  ${printable(job.error)}`);
  if (job.failed > 0) lines.push(`  Its chunks: feeds jobs show ${job.id}`);
  return lines.join('\n');
}

function workText({ total, done, failed }: JobStanding): string {
  if (total === null) return 'before it was planned.';
  return total === 0 ? 'there was nothing to do.' : `${countText(done - failed)} of ${countText(total)} chunks done.`;
}

function chunksText({ total, done, failed }: JobRow): string | undefined {
  if (total === null) return undefined;
  return failed > 0 ? `${done}/${total}, ${failed} failed` : `${done}/${total}`;
}

function stateText(job: JobRow): string {
  return !hasEnded(job) && job.cancelRequestedAt !== null ? `${job.state}, being cancelled` : job.state;
}

function readableInput(input: JobInput): object {
  if ('windows' in input) return { windows: input.windows.map(readableRange) };
  return 'from' in input ? readableRange(input) : input;
}

function isoOrNull(instant: number | null): string | null {
  return instant === null ? null : isoFromInstant(instant);
}

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
