import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createPool } from '../../prisma/pool.ts';
import { freshDatabase, type TestDatabase } from '../../tests/support/postgres.ts';
import type { Clock } from '../feed.ts';
import { systemClock } from './system-clock.ts';
import { createTurns } from './turns.ts';

let database: TestDatabase;
let other: TestDatabase['pool'];
beforeAll(async () => {
  database = await freshDatabase();
  other = createPool({ url: database.url, max: 4 });
});
afterAll(async () => {
  await other.end();
  await database.drop();
});
afterEach(() => database.pool.query('TRUNCATE source_pace'));

/** Asks so often at once and says when each turn came, after the first asking, in the order of time. */
async function grantsOf(pools: readonly TestDatabase['pool'][], spacingMs: number, each: number): Promise<number[]> {
  const begun = performance.now();
  const pacers = pools.map((pool) => createTurns(pool).of('vendor', spacingMs));
  const turns = pacers.flatMap((pacer) =>
    Array.from({ length: each }, () => pacer.turn().then(() => performance.now() - begun)),
  );
  return (await Promise.all(turns)).sort((a, b) => a - b);
}

/** Node's timers and the store's milliseconds may each be one off. */
const ROUNDING_MS = 3;

describe('turns at a source', () => {
  test.each([
    { spacingMs: 40, each: 4 },
    { spacingMs: 150, each: 2 },
  ])('are $spacingMs ms apart for two processes that ask $each times at once', async ({ spacingMs, each }) => {
    const grants = await grantsOf([database.pool, other], spacingMs, each);
    expect(grants).toHaveLength(2 * each);
    // No turn comes before its place in the queue, whoever has it: five late ones do not make a sixth early.
    for (const [place, at] of grants.entries()) expect(at).toBeGreaterThanOrEqual(place * spacingMs - ROUNDING_MS);
  });

  test('are not held up by turns at another source', async () => {
    const turns = createTurns(database.pool);
    await turns.of('vendor', 60_000).turn();
    await expect(turns.of('other vendor', 60_000).turn()).resolves.toBeUndefined();
  });

  test('are given at once where the source was not asked for a while', async () => {
    const clock = recordingClock();
    const pacer = createTurns(database.pool, clock).of('vendor', 50);
    await pacer.turn();
    await database.pool.query(`UPDATE source_pace SET next_at = now() - interval '1 hour'`);
    await createTurns(database.pool, clock).of('vendor', 50).turn();
    expect(Math.max(...clock.slept)).toBeLessThanOrEqual(ROUNDING_MS);
  });

  test('within a process stay apart when the process wakes up late', async () => {
    const clock = handClock();
    const pacer = createTurns(database.pool, clock).of('vendor', 50);
    const given: number[] = [];
    const turns = [1, 2].map(() => pacer.turn().then(() => given.push(clock.now())));
    await expect.poll(() => clock.sleepers()).toBe(2);
    // Both were due within 50 ms; a blocked event loop wakes them together.
    clock.advance(500);
    await expect.poll(() => given).toEqual([500]);
    await expect.poll(() => clock.sleepers()).toBe(1);
    clock.advance(50);
    await Promise.all(turns);
    expect(given).toEqual([500, 550]);
  });
});

describe('a turn', () => {
  test('that is aborted while it is waited for ends with the reason of its signal, and is lost', async () => {
    const turns = createTurns(database.pool);
    const pacer = turns.of('vendor', 60_000);
    await pacer.turn();
    const ending = new AbortController();
    const waiting = pacer.turn(ending.signal);
    await expect.poll(reservedAheadMs).toBeGreaterThan(60_000);
    ending.abort(new Error('shutting down'));
    await expect(waiting).rejects.toThrow('shutting down');
    expect(await reservedAheadMs()).toBeGreaterThan(60_000);
  });

  test('is not reserved for a signal that is aborted already', async () => {
    const pacer = createTurns(database.pool).of('vendor', 60_000);
    await expect(pacer.turn(AbortSignal.abort(new Error('gone')))).rejects.toThrow('gone');
    expect((await database.pool.query('SELECT * FROM source_pace')).rows).toEqual([]);
  });

  test('is waited for at most 200 spacings long, whatever the clock of the store was', async () => {
    await database.pool.query(`INSERT INTO source_pace VALUES ('vendor', now() + interval '1 day')`);
    const clock = recordingClock();
    await createTurns(database.pool, clock).of('vendor', 50).turn();
    expect(clock.slept[0]).toBeGreaterThan(9_000);
    expect(clock.slept[0]).toBeLessThanOrEqual(10_001);
  });

  test('is waited for one spacing where the clock of the process was set back', async () => {
    const clock = recordingClock();
    const pacer = createTurns(database.pool, clock).of('vendor', 50);
    await pacer.turn();
    clock.setBack(3_600_000);
    clock.slept.length = 0;
    await pacer.turn();
    expect(clock.slept.reduce((sum, ms) => sum + ms, 0)).toBeLessThanOrEqual(101);
  });

  test('without a store is UNAVAILABLE', async () => {
    const away = createPool({ url: 'postgres://nobody@127.0.0.1:1/nowhere', max: 1 });
    const turn = createTurns(away).of('vendor', 10).turn();
    await expect(turn).rejects.toMatchObject({ code: 'UNAVAILABLE', retriable: true });
    await away.end();
  });
});

async function reservedAheadMs(): Promise<number> {
  const { rows } = await database.pool.query<{ ms: number }>(
    'SELECT 1000 * extract(epoch FROM next_at - clock_timestamp())::float8 AS ms FROM source_pace',
  );
  return rows[0]?.ms ?? 0;
}

interface RecordingClock extends Clock {
  readonly slept: number[];
  setBack(ms: number): void;
}

/** Sleeping takes no time and moves the clock on. */
function recordingClock(): RecordingClock {
  let now = systemClock.now();
  const slept: number[] = [];
  return {
    slept,
    now: () => now,
    deadline: systemClock.deadline,
    setBack: (ms) => {
      now -= ms;
    },
    sleep: async (ms, signal) => {
      signal?.throwIfAborted();
      slept.push(ms);
      now += ms;
    },
  };
}

/** Begins at 0 and stands still until it is advanced, which wakes all whose time has come. */
function handClock() {
  let now = 0;
  let asleep: { readonly at: number; readonly wake: () => void }[] = [];
  return {
    now: () => now,
    sleep: (ms: number) => new Promise<void>((wake) => asleep.push({ at: now + ms, wake })),
    deadline: systemClock.deadline,
    sleepers: () => asleep.length,
    advance: (ms: number) => {
      now += ms;
      const due = asleep.filter(({ at }) => at <= now);
      asleep = asleep.filter(({ at }) => at > now);
      for (const { wake } of due) wake();
    },
  };
}
