import { isBusbarError } from '../../domain/errors.ts';
import { type JobRow, readJobs } from '../../prisma/operations/jobs.ts';
import { reachable } from '../../prisma/transaction.ts';
import { pause } from '../pause.ts';
import { type Interruption, untilInterrupted } from './interruption.ts';
import { hasEnded, jobJson, readTrouble, summaryText, type Trouble } from './job-text.ts';
import { existingJob } from './jobs/existing-job.ts';
import type { JsonOptions } from './options.ts';
import { printJson } from './output.ts';
import { createProgress, type Progress } from './progress.ts';
import type { Session } from './session.ts';
import { startWorkers } from './workers.ts';

const LOOK_EVERY_MS = 250;
/** A store that fails over is back by then. */
const AWAY_MS_MAX = 5 * 60_000;

export interface FollowOptions extends JsonOptions {
  /** Also work on jobs in this process, so that this one goes on where no ingestors run. */
  readonly work: boolean;
}

/**
 * Follows a job to its end, prints what came of it, and sets the exit code: 0 completed, 1 failed or cancelled. A signal
 * leaves the job to the ingestors that run.
 */
export async function followJob(session: Session, id: number, { json, work }: FollowOptions): Promise<void> {
  const interruption = untilInterrupted();
  const workers = work ? await startWorkers(session) : undefined;
  const progress = json ? SILENT : createProgress(process.stdout, Date.now);
  try {
    const ended = await whenEnded(session, id, progress, interruption.signal);
    progress.end();
    if (ended) report(ended, json);
    else leave(id, interruption);
  } finally {
    await workers?.stop();
    interruption.release();
  }
}

const SILENT: Progress = { show: () => {}, end: () => {} };

/** @returns undefined where it was interrupted before. */
async function whenEnded(
  session: Session,
  id: number,
  progress: Progress,
  signal: AbortSignal,
): Promise<JobRow | undefined> {
  let seenAt = performance.now();
  while (!signal.aborted) {
    const seen = await look(session, id).catch((error) => {
      if (!isBusbarError(error, 'UNAVAILABLE') || performance.now() - seenAt > AWAY_MS_MAX) throw error;
      return undefined;
    });
    if (seen) {
      if (hasEnded(seen.job)) return seen.job;
      seenAt = performance.now();
      progress.show(seen.job, seen.trouble);
    }
    await pause(LOOK_EVERY_MS, signal);
  }
  return undefined;
}

function look({ store: { pool } }: Session, id: number): Promise<{ job: JobRow; trouble: Trouble | undefined }> {
  return reachable(async () => ({
    job: existingJob(await readJobs(pool, [id]), id),
    trouble: await readTrouble(pool, id),
  }));
}

function report(job: JobRow, json: boolean | undefined): void {
  if (json) printJson(jobJson(job));
  else console.log(summaryText(job));
  process.exitCode = job.state === 'COMPLETED' ? 0 : 1;
}

function leave(id: number, { exitCode }: Interruption): void {
  console.error(
    `Job ${id} is left to the ingestors that run.\nFollow it: feeds jobs watch ${id}\nCancel it: feeds jobs cancel ${id}`,
  );
  process.exitCode = exitCode();
}
