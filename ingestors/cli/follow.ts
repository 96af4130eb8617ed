import type pg from 'pg';
import { isBusbarError } from '../../domain/errors.ts';
import { wasRefused } from '../../prisma/operations/job-refusal.ts';
import { type JobRow, type JobStanding, readJobStanding, readJobs } from '../../prisma/operations/jobs.ts';
import { reachable } from '../../prisma/transaction.ts';
import { FEEDS } from '../feeds/index.ts';
import { isPolledFeed } from '../jobs/pollers.ts';
import { pause } from '../pause.ts';
import { followText, Hands, nobodyText } from './hands.ts';
import { type Interruption, untilInterrupted } from './interruption.ts';
import { type JobOutcome, readOutcome, succeeded } from './job-outcome.ts';
import { hasEnded, jobJson, readTrouble, summaryText, type Trouble } from './job-text.ts';
import { existingJob } from './jobs/existing-job.ts';
import { createNotes } from './notes.ts';
import type { JsonOptions } from './options.ts';
import { printJson, printLine } from './output.ts';
import { createProgress, type Progress } from './progress.ts';
import type { Session } from './session.ts';
import type { Terminal } from './terminal.ts';

const LOOK_EVERY_MS = 250;
/** A store that fails over is back by then. */
const AWAY_MS_MAX = 5 * 60_000;

export interface FollowOptions extends JsonOptions {
  /** Work on jobs in this process while no ingestors run. */
  readonly work: boolean;
}

/**
 * Follows a job to its end, prints what came of it, and sets the exit code: 0 completed, 1 failed, in vain or cancelled,
 * 2 refused by its plan. A signal leaves the job to the ingestors that run.
 */
export async function followJob(session: Session, id: number, { json, work }: FollowOptions): Promise<void> {
  const interruption = untilInterrupted();
  const { terminal } = session;
  const notes = createNotes(terminal.stderr);
  const hands = new Hands({ session, job: id, work, say: (line) => notes.warn(line) });
  const progress = json ? SILENT : createProgress(terminal.stdout, Date.now);
  try {
    const ended = await whenEnded(session, id, { hands, progress, signal: interruption.signal });
    progress.end();
    if (!ended) return leave(terminal, { id, hands, interruption });
    report(terminal, ended, json);
    if (hands.worked && isUnplannable(session, ended.job)) notes.warn(unplannableText(ended.job));
  } finally {
    await hands.stop();
    interruption.release();
  }
}

const SILENT: Progress = { show: () => {}, end: () => {} };

interface Following {
  readonly hands: Hands;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

interface Seen {
  readonly job: JobStanding;
  readonly trouble: Trouble | undefined;
}

interface Ended {
  readonly job: JobRow;
  readonly outcome: JobOutcome;
}

/** @returns undefined where it was interrupted before. */
async function whenEnded(
  session: Session,
  id: number,
  { hands, progress, signal }: Following,
): Promise<Ended | undefined> {
  let seenAt = performance.now();
  while (!signal.aborted) {
    const seen = await look(session, id, hands).catch((error) => {
      if (!isBusbarError(error, 'UNAVAILABLE') || performance.now() - seenAt > AWAY_MS_MAX) throw error;
      return undefined;
    });
    if (seen) {
      if ('outcome' in seen) return seen;
      seenAt = performance.now();
      progress.show(seen.job, seen.trouble);
    }
    await pause(LOOK_EVERY_MS, signal);
  }
  return undefined;
}

async function look({ store: { pool } }: Session, id: number, hands: Hands): Promise<Seen | Ended> {
  const standing = await reachable(() => readJobStanding(pool, id));
  if (!standing || hasEnded(standing)) return readEnded(pool, id);
  await hands.look();
  return { job: standing, trouble: await reachable(() => readTrouble(pool, id)) };
}

/** @throws BusbarError `NOT_FOUND`, `UNAVAILABLE` */
async function readEnded(pool: pg.Pool, id: number): Promise<Ended> {
  const job = existingJob(await reachable(() => readJobs(pool, [id])), id);
  return { job, outcome: await readOutcome(pool, job) };
}

function report(terminal: Terminal, { job, outcome }: Ended, json: boolean | undefined): void {
  if (json) printJson(terminal, jobJson(job, outcome));
  else printLine(terminal, summaryText(job, outcome));
  terminal.exitCode = wasRefused(job) ? 2 : succeeded(job, outcome) ? 0 : 1;
}

/** Whether a job failed in its plan that needs settings which this shell does not have. */
function isUnplannable({ config }: Session, { input, state, total, feed: id }: JobRow): boolean {
  const feed = FEEDS.filter(isPolledFeed).find((each) => each.id === id);
  const takesSettings = 'windows' in input && input.windows.some(({ nodes, partitions }) => !nodes || !partitions);
  if (!feed || !takesSettings || state !== 'FAILED' || total !== null) return false;
  return feed.source.partitions(config.settings(feed.source.env)).length === 0;
}

function unplannableText({ feed }: JobRow): string {
  return (
    `no ingestors run, so this shell planned it, and ${feed} is not configured here: start the ingestors, give this shell ` +
    'their settings, or name partitions and nodes'
  );
}

interface Left {
  readonly id: number;
  readonly hands: Hands;
  readonly interruption: Interruption;
}

function leave(terminal: Terminal, { id, hands, interruption }: Left): void {
  terminal.stderr.write(`Job ${id} is left as it is. ${hands.areIngestors ? followText(id) : nobodyText(id)}\n`);
  terminal.stderr.write(`Cancel it: feeds jobs cancel ${id}\n`);
  terminal.exitCode = interruption.exitCode();
}
