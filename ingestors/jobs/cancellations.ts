import type pg from 'pg';
import { pause } from '../pause.ts';

/** Tells chunks under way that their job is to end. Looks once a second, and only while there are any. */
export interface Cancellations {
  watch(job: number): Watch;
}

export interface Watch {
  /** Aborted within about a second of the request to cancel. */
  readonly signal: AbortSignal;
  end(): void;
}

const LOOK_EVERY_MS = 1_000;

export function createCancellations(pool: pg.Pool): Cancellations {
  const watched = new Map<AbortController, number>();
  let looking = false;
  const look = async () => {
    looking = true;
    while (watched.size > 0) {
      // A store that is away says nothing; whoever watches will hear of that by itself.
      const cancelled = await readCancelled(pool, [...new Set(watched.values())]).catch((): readonly number[] => []);
      for (const [controller, job] of watched) if (cancelled.includes(job)) controller.abort(new Error('cancelled'));
      await pause(LOOK_EVERY_MS, NEVER);
    }
    looking = false;
  };
  return {
    watch: (job) => {
      const controller = new AbortController();
      watched.set(controller, job);
      if (!looking) void look();
      return { signal: controller.signal, end: () => void watched.delete(controller) };
    },
  };
}

const NEVER = new AbortController().signal;

async function readCancelled(pool: pg.Pool, jobs: readonly number[]): Promise<readonly number[]> {
  const { rows } = await pool.query<{ id: number }>({
    name: 'cancelled-jobs',
    text: 'SELECT id FROM job WHERE id = ANY($1::bigint[]) AND cancel_requested_at IS NOT NULL',
    values: [jobs],
  });
  return rows.map(({ id }) => id);
}
