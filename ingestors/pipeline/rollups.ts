import type pg from 'pg';
import type { Logger } from 'pino';
import { DAY_MS, HOUR_MS, isoFromInstant } from '../../domain/instant.ts';

export interface Rollups {
  /** Prices of `[from, to)` were written, milliseconds UTC. Returns at once. */
  touched(from: number, to: number): void;
  /** Resolves when nothing is left to refresh. */
  settled(): Promise<void>;
}

/**
 * What is younger is read from the prices themselves: the refresh policies keep so much unmaterialised. A bucket that were
 * refreshed while prices of it still come would show none of them until the policy has passed it.
 */
const REAL_TIME_MS = { lmp_hour: 2 * HOUR_MS, lmp_day: 2 * DAY_MS };

/**
 * Keeps the rollups true where history is written. On TimescaleDB `lmp_hour` and `lmp_day` are materialised up to a
 * moving line, behind which a late price would show only after the next scheduled refresh; so the range it touched is
 * refreshed right after the commit, one refresh at a time, neighbouring ranges together. On plain Postgres the rollups are
 * views and always true.
 */
export function createRollups({ pool, log, clock }: { pool: pg.Pool; log: Logger; clock: () => number }): Rollups {
  let materialised: Promise<boolean> | undefined;
  let pending: { from: number; to: number } | undefined;
  let running: Promise<void> | undefined;

  const run = async () => {
    materialised ??= hasContinuousAggregates(pool).catch((error) => {
      materialised = undefined;
      throw error;
    });
    if (!(await materialised)) pending = undefined;
    while (pending) {
      const { from, to } = pending;
      pending = undefined;
      await refresh(pool, 'lmp_hour', { from, to, bucketMs: HOUR_MS, now: clock() });
      await refresh(pool, 'lmp_day', { from, to, bucketMs: DAY_MS, now: clock() });
    }
  };
  return {
    touched: (from, to) => {
      if (from >= clock() - REAL_TIME_MS.lmp_hour) return;
      pending = { from: Math.min(from, pending?.from ?? from), to: Math.max(to, pending?.to ?? to) };
      running ??= run()
        // The scheduled refresh makes it good; until then the rollup of that range is stale, which is worth a line.
        .catch((error) => log.warn({ err: error }, 'rollup refresh failed'))
        .finally(() => {
          running = undefined;
        });
    },
    settled: async () => {
      await running;
    },
  };
}

async function hasContinuousAggregates(pool: pg.Pool): Promise<boolean> {
  const { rowCount } = await pool.query(`SELECT 1 FROM pg_extension WHERE extname = 'timescaledb'`);
  return rowCount === 1;
}

interface Touched {
  readonly from: number;
  readonly to: number;
  readonly bucketMs: number;
  readonly now: number;
}

/**
 * The window is widened to whole buckets, for TimescaleDB refreshes no part of one, and ends where what is read from the
 * prices begins. Cannot run in a transaction.
 */
async function refresh(
  pool: pg.Pool,
  rollup: keyof typeof REAL_TIME_MS,
  { from, to, bucketMs, now }: Touched,
): Promise<void> {
  const bucketOf = (instant: number) => Math.floor(instant / bucketMs) * bucketMs;
  const start = bucketOf(from);
  const end = Math.min(bucketOf(to) + bucketMs, bucketOf(now - REAL_TIME_MS[rollup]));
  if (start >= end) return;
  await pool.query('CALL refresh_continuous_aggregate($1::regclass, $2::timestamptz, $3::timestamptz)', [
    rollup,
    isoFromInstant(start),
    isoFromInstant(end),
  ]);
}
