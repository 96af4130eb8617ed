import type pg from 'pg';
import { reachable } from '../../prisma/transaction.ts';
import type { Clock, Turns } from '../feed.ts';
import { systemClock } from './system-clock.ts';

/**
 * A clock of the store that was set back, or a spacing that was made shorter, must not make anybody wait for hours. So
 * many never wait at once: a process asks with a handful of partitions and chunks.
 */
const QUEUE_MAX = 200;

/**
 * Turns at sources, spaced over all processes that share the store: each turn is reserved in the table `source_pace`, in
 * the order of asking, then waited for. Its `turn` throws `UNAVAILABLE` where the store is away.
 *
 * Who gives up while waiting loses the turn, and so does a process that ends: the source is then asked a little less
 * than it would allow, which costs the others one spacing. A turn handed back could only be given to somebody who is
 * not asleep until a later one already.
 */
export function createTurns(pool: pg.Pool, clock: Clock = systemClock): Turns {
  const given: GivenTurns = new Map();
  return {
    of: (source, spacingMs) => ({
      turn: async (signal) => {
        signal?.throwIfAborted();
        await clock.sleep(await reserve(pool, source, spacingMs), signal);
        await keepApart(given, source, spacingMs, clock, signal);
      },
    }),
  };
}

/** When this process last had its turn at each source. */
type GivenTurns = Map<string, number>;

/** A busy process wakes up late for its turn; the one after it must not be the closer for that. */
async function keepApart(
  given: GivenTurns,
  source: string,
  spacingMs: number,
  clock: Clock,
  signal: AbortSignal | undefined,
): Promise<void> {
  for (;;) {
    const now = clock.now();
    // A clock that was set back makes the last turn one of the future.
    const lastAt = Math.min(given.get(source) ?? Number.NEGATIVE_INFINITY, now);
    if (now >= lastAt + spacingMs) break;
    given.set(source, lastAt);
    await clock.sleep(lastAt + spacingMs - now, signal);
  }
  given.set(source, clock.now());
}

/** @returns how long to wait for the turn that is now reserved. */
async function reserve(pool: pg.Pool, source: string, spacingMs: number): Promise<number> {
  const { rows } = await reachable(() =>
    pool.query<{ wait_ms: number }>(
      `INSERT INTO source_pace AS pace (source, next_at)
       VALUES ($1, clock_timestamp() + $2::float8 * interval '1 millisecond')
       ON CONFLICT (source) DO UPDATE SET next_at = $2::float8 * interval '1 millisecond' + least(
         greatest(pace.next_at, clock_timestamp()),
         clock_timestamp() + $2::float8 * $3::int * interval '1 millisecond')
       RETURNING 1000 * extract(epoch FROM next_at - clock_timestamp())::float8 - $2::float8 AS wait_ms`,
      [source, spacingMs, QUEUE_MAX],
    ),
  );
  return Math.max(0, Math.ceil(rows[0]?.wait_ms ?? 0));
}
