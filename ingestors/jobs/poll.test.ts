import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BusbarError } from '../../domain/errors.ts';
import {
  createJobBench,
  type InventedParts,
  inventedFeed,
  type JobBench,
  priceOf,
  type Vendor,
} from '../../tests/support/job-bench.ts';
import { freshDatabase, type TestDatabase } from '../../tests/support/postgres.ts';
import type { Fetched } from '../feed.ts';
import { aborted } from './aborted.ts';
import { queueRecurring } from './recurring.ts';

describe('polls', () => {
  let db: TestDatabase;
  let bench: JobBench;
  beforeEach(async () => {
    db = await freshDatabase();
  });
  afterEach(async () => {
    await bench.close();
    await db.drop();
  });

  const benchOf = async (poll: Vendor['poll'], more: InventedParts = {}) => {
    const vendor = { asked: [], answer: () => '', ...(poll && { poll }) };
    const feed = inventedFeed(vendor, { partitions: ['A'], everyMs: 200, ...more });
    bench = await createJobBench(db, [feed]);
    return feed;
  };
  const position = async (partition: string) =>
    (
      await db.pool.query(
        'SELECT position, last_error AS error FROM feed_position WHERE feed_id = $1 AND partition = $2',
        ['invented', partition],
      )
    ).rows[0];
  const queued = async () =>
    (
      await db.pool.query<{ key: string; inMs: number }>(
        `SELECT key, (extract(epoch FROM run_at - now()) * 1000)::float8 AS "inMs" FROM graphile_worker.jobs
       WHERE key IS NOT NULL ORDER BY key`,
      )
    ).rows;

  const untouched = async (key: string) =>
    (
      await db.pool.query<{ untouched: boolean }>(
        'SELECT attempts = 0 AND locked_by IS NULL AS untouched FROM graphile_worker.jobs WHERE key = $1',
        [key],
      )
    ).rows[0]?.untouched;

  it('bring what is new since the last one, each from where it ended', async () => {
    const from: (number | undefined)[] = [];
    await benchOf(async function* (partition, at) {
      from.push(at);
      yield fetched(partition, (at ?? 0) + 1);
    });
    await bench.startWorkers();
    await expect.poll(() => from.slice(0, 3)).toEqual([undefined, 1, 2]);
    const { rows } = await db.pool.query(`SELECT kind, state, request FROM ledger_entry ORDER BY id LIMIT 1`);
    expect(rows).toEqual([{ kind: 'FETCH', state: 'COMPLETED', request: `A ${START}` }]);
  });

  it('of one partition come one at a time, from however many processes', async () => {
    let underWay = 0;
    let most = 0;
    const beganAt: number[] = [];
    await benchOf(async function* (partition, at) {
      beganAt.push(performance.now());
      underWay += 1;
      most = Math.max(most, underWay);
      yield fetched(partition, (at ?? 0) + 1);
      underWay -= 1;
    });
    const processes = await Promise.all([1, 2, 3].map(() => bench.startWorkers()));
    expect(processes).toHaveLength(3);
    await expect.poll(() => beganAt.length).toBeGreaterThan(5);
    expect(most).toBe(1);
    const gaps = beganAt.slice(1).map((at, place) => at - (beganAt[place] ?? 0));
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(195);
  });

  it('that fail say why in one line, and are queued again', async () => {
    let polls = 0;
    await benchOf(async function* () {
      polls += 1;
      yield* [];
      throw new BusbarError('SOURCE_FAILED', 'the vendor\nis \0away');
    });
    await bench.startWorkers();
    await expect.poll(() => polls).toBeGreaterThan(1);
    expect(await position('A')).toEqual({ position: null, error: 'the vendor is away' });
  });

  it('that another process took over are not a failure', async () => {
    let polls = 0;
    await benchOf(async function* (partition, at) {
      polls += 1;
      if (polls === 1) await bench.parts.claim('invented', partition);
      yield fetched(partition, (at ?? 0) + 1);
    });
    await bench.startWorkers();
    await expect.poll(async () => (await position('A'))?.position).toBeGreaterThan(0);
    expect(await position('A')).toMatchObject({ error: null });
    expect(polls).toBeGreaterThan(1);
  });

  it('that are stopped end what they fetch, and go on elsewhere at once', async () => {
    const events: string[] = [];
    await benchOf(
      async function* (partition, at, signal) {
        events.push('began');
        if (events.length === 1) {
          await aborted(signal);
          events.push('told');
          return;
        }
        yield fetched(partition, (at ?? 0) + 1);
      },
      { everyMs: 3_600_000 },
    );
    const workers = await bench.startWorkers();
    await expect.poll(() => events).toEqual(['began']);
    await workers.stop();
    expect(events).toEqual(['began', 'told']);
    await bench.startWorkers();
    await expect.poll(() => events, { timeout: 5_000 }).toEqual(['began', 'told', 'began']);
  });

  it('that have much to catch up with go on in tasks of an hour at most', async () => {
    let now = 0;
    const polls: (number | undefined)[] = [];
    await benchOf(
      async function* (partition, at) {
        polls.push(at);
        for (let next = (at ?? 0) + 1; next <= 4; next += 1) {
          now += 40 * 60_000;
          yield fetched(partition, next);
        }
      },
      { everyMs: 3_600_000 },
    );
    await bench.startWorkers({ clock: () => now });
    await expect.poll(() => polls).toEqual([undefined, 2, 4]);
  });

  it('are queued by a start where they are not, and otherwise keep their time', async () => {
    let polls = 0;
    await benchOf(
      async function* () {
        polls += 1;
        yield* [];
      },
      { everyMs: 3_600_000 },
    );
    const first = await bench.startWorkers();
    await expect.poll(() => polls).toBe(1);
    await first.stop();
    await queueRecurring(db.pool, [{ name: 'poll/invented/A', everyMs: 3_600_000 }]);
    const [poll] = await queued();
    expect(poll?.key).toBe('poll/invented/A');
    expect(poll?.inMs).toBeGreaterThan(3_500_000);
    await bench.startWorkers();
    expect(polls).toBe(1);
  });

  it('are made only by those who are configured for them', async () => {
    const polls: string[] = [];
    const feed = await benchOf(
      async function* (partition) {
        polls.push(partition);
        yield* [];
      },
      { partitions: ['A'], everyMs: 100 },
    );
    await queueRecurring(db.pool, [{ name: 'poll/invented/OTHER', everyMs: 100 }]);
    await bench.startWorkers();
    await expect.poll(() => polls.length).toBeGreaterThan(3);
    expect(new Set(polls)).toEqual(new Set(['A']));
    expect(await untouched('poll/invented/OTHER')).toBe(true);
    await bench.startWorkers({ feeds: [{ ...feed, source: { ...feed.source, partitions: () => ['OTHER'] } }] });
    await expect.poll(() => polls).toContain('OTHER');
  });

  it('of a partition and what it owes are looked after while a process runs', async () => {
    let polls = 0;
    const feed = await benchOf(
      async function* () {
        polls += 1;
        yield* [];
      },
      { everyMs: 3_600_000 },
    );
    const owing = { ...feed, source: { ...feed.source, expectations: () => [EXPECTED] } };
    await bench.startWorkers({ feeds: [owing], upkeepEveryMs: 50 });
    await expect.poll(() => polls).toBe(1);
    const owed = () => db.pool.query('SELECT partition FROM feed_expectation').then(({ rows }) => rows);
    await expect.poll(owed).toEqual([{ partition: 'A' }]);
    await db.pool.query(`SELECT graphile_worker.remove_job('poll/invented/A')`);
    await expect.poll(() => polls).toBe(2);
  });
});

const EXPECTED = {
  partition: 'A',
  run: 'REAL_TIME_HOURLY' as const,
  market: 'PJM',
  nodes: [],
  intervalMs: 3_600_000,
  dueMs: 7_200_000,
};
const START = '2026-01-09T00:00:00.000Z';

function fetched(partition: string, next: number): Fetched {
  const request = `${partition} ${START}`;
  return { payload: { bytes: Buffer.from(priceOf(request)), name: partition }, request, publishedAt: next, next };
}
