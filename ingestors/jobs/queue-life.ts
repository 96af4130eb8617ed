/**
 * One life of a process's workers: the session that proves them alive, and what works under its proof.
 *
 *   beginning ──session, runners──▶ working ──session lost, or a runner ended──▶ over
 *                                      └────────────── end() ──────────────────▶ over
 *
 * A life is never mended: when it is over its tasks are told to stop, and another begins, with a session, connections and
 * ids of its own. So nobody works on under an id that others hold for dead.
 */
import type { Runner } from 'graphile-worker';
import type pg from 'pg';
import type { Logger } from 'pino';
import { messageOf } from '../../domain/errors.ts';
import { createPool } from '../../prisma/pool.ts';
import { pause } from '../pause.ts';
import { freeJobsOfTheDead } from './dead-workers.ts';
import { Liveness, type LivenessTimes } from './liveness.ts';
import { type Crew, type Station, startRunner, type Unfinished } from './queue-runner.ts';

export interface QueueParts {
  readonly databaseUrl: string;
  readonly log: Logger;
  readonly crews: readonly Crew[];
  readonly times?: LivenessTimes;
  /** Whether these are the workers of ingestors: while they live, a shell leaves the work to them. */
  readonly ingestors?: boolean;
}

export interface QueueLife {
  /** Resolves, with the reason, when it is over by itself. */
  readonly over: Promise<string>;
  /** Tells the tasks to stop, waits for them and gives back what they did not do. Never throws. */
  end(): Promise<void>;
}

/** How often to look for what dead workers left. */
const SWEEP_MS = 2_000;
/** A task that is told to stop has its commit to finish, no more. */
const END_MS_MAX = 8_000;
const CLOSE_MS_MAX = 2_000;

/** @throws where the store cannot be reached. */
export async function beginLife({ databaseUrl, log, crews, times, ingestors }: QueueParts): Promise<QueueLife> {
  const liveness = await Liveness.open(databaseUrl, { times, ingestors });
  const pool = createPool({
    url: databaseUrl,
    // One each to listen with, and some to take jobs and to end them.
    max: crews.length + 3,
    pipeline: false,
    name: 'busbar queue',
    onConnectionError: (error) => log.debug({ err: error }, 'queue connection lost'),
  });
  const told = new AbortController();
  const unfinished: Unfinished[] = [];
  const runners: Runner[] = [];
  const end = async () => {
    told.abort();
    const ended = await within(END_MS_MAX, Promise.allSettled(runners.map((runner) => runner.stop())));
    if (!ended) log.warn({ endMsMax: END_MS_MAX }, 'tasks did not stop in time');
    await within(CLOSE_MS_MAX, giveBack(pool, unfinished));
    await liveness.close();
    await within(CLOSE_MS_MAX, pool.end());
  };
  try {
    const station: Station = { pool, liveness, log, told: told.signal, unfinished };
    for (const crew of crews) runners.push(await startRunner(crew, station));
    void sweep(station);
    return { over: whenOver(liveness, runners), end };
  } catch (error) {
    await end();
    throw error;
  }
}

function whenOver(liveness: Liveness, runners: readonly Runner[]): Promise<string> {
  return new Promise((over) => {
    const lost = () => over(`the session that proves the workers alive is lost: ${messageOf(liveness.lost.reason)}`);
    if (liveness.lost.aborted) lost();
    liveness.lost.addEventListener('abort', lost);
    for (const { promise } of runners) {
      promise.then(
        () => over('the workers ended'),
        (error) => over(`the workers ended: ${messageOf(error)}`),
      );
    }
  });
}

async function sweep({ pool, log, told }: Station): Promise<void> {
  while (!told.aborted) {
    await freeJobsOfTheDead(pool).then(
      (dead) => dead.length > 0 && log.warn({ dead }, 'jobs of dead workers given back'),
      (error) => log.debug({ err: error }, 'looking for dead workers failed'),
    );
    await pause(SWEEP_MS, told);
  }
}

/** What was broken off may run at once, and the try does not count. Where this fails, it runs a little later. */
async function giveBack(pool: pg.Pool, unfinished: readonly Unfinished[]): Promise<void> {
  if (unfinished.length === 0) return;
  await pool
    .query(
      `SELECT graphile_worker.reschedule_jobs(ARRAY[id], run_at => now(), attempts => tries - 1)
       FROM unnest($1::bigint[], $2::int[]) AS t(id, tries)`,
      [unfinished.map(({ id }) => id), unfinished.map(({ tries }) => tries)],
    )
    .catch(() => {});
}

/** @returns whether it settled in time. */
async function within(ms: number, work: Promise<unknown>): Promise<boolean> {
  const done = new AbortController();
  const settled = work.then(
    () => true,
    () => true,
  );
  const inTime = await Promise.race([settled, pause(ms, done.signal).then(() => false)]);
  done.abort();
  return inTime;
}
