import { EventEmitter } from 'node:events';
import { parseCrontab, type Runner, run, type Task, type TaskList, type WorkerEvents } from 'graphile-worker';
import type pg from 'pg';
import type { Logger } from 'pino';
import { aborted } from './aborted.ts';
import type { Liveness } from './liveness.ts';
import { queueLog } from './queue-log.ts';

/** @throws what makes the queue try again, later each time. What it throws once `signal` is aborted goes back untried. */
export type QueueTask = (payload: unknown, run: TaskRun) => Promise<void>;

export interface TaskRun {
  /** Aborted when the task is to come to an end: another worker takes it up. */
  readonly signal: AbortSignal;
  /** This one included. */
  readonly tries: number;
}

/** Workers that take the same kinds of tasks. */
export interface Crew {
  readonly workers: number;
  readonly tasks: Readonly<Record<string, QueueTask>>;
  /** Lines of a crontab, in UTC: tasks that are queued by the clock, once each however many processes there are. */
  readonly crontab?: string;
}

/** What the workers of one life share. */
export interface Station {
  readonly pool: pg.Pool;
  readonly liveness: Liveness;
  readonly log: Logger;
  /** Aborted when they are to come to an end. */
  readonly told: AbortSignal;
  /** Added to by those that do. */
  readonly unfinished: Unfinished[];
}

/** A job whose task was broken off. */
export interface Unfinished {
  readonly id: string;
  readonly tries: number;
}

/** A notification wakes the workers; this finds what became due by the clock. */
const POLL_INTERVAL_MS = 1_000;

/** Begins to take jobs, as soon as others can see that these workers live. */
export async function startRunner(crew: Crew, station: Station): Promise<Runner> {
  const { pool, liveness, log, told } = station;
  const events: WorkerEvents = new EventEmitter();
  const vouched = new Promise<string>((created) => {
    events.once('pool:create', ({ workerPool }) => created(workerPool.id));
  }).then((id) => liveness.vouchFor(id));
  const runner = await run({
    pgPool: pool,
    events,
    logger: queueLog(log),
    noHandleSignals: true,
    concurrency: crew.workers,
    pollInterval: POLL_INTERVAL_MS,
    taskList: tasksOf(crew, station),
    parsedCronItems: parseCrontab(crew.crontab ?? ''),
    // Asked before each job is taken: none is by workers that cannot be seen to live.
    forbiddenFlags: async () => {
      if (!(await vouched) || liveness.lost.aborted) await aborted(told);
      return null;
    },
    // Batched, an end of a job that cannot be written ends these workers; unbatched, it would reject unheard and end the process.
    preset: { worker: { completeJobBatchDelay: 0, failJobBatchDelay: 0 } },
  });
  runner.promise.catch(() => {});
  return runner;
}

function tasksOf({ tasks }: Crew, { told, unfinished }: Station): TaskList {
  const wrapped = (work: QueueTask): Task => {
    return async (payload, { job }) => {
      try {
        await work(payload, { signal: told, tries: job.attempts });
      } catch (error) {
        if (told.aborted) unfinished.push({ id: job.id, tries: job.attempts });
        throw error;
      }
    };
  };
  return Object.fromEntries(Object.entries(tasks).map(([name, work]) => [name, wrapped(work)]));
}
