import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../domain/instant.ts';
import { createJobBench, type JobBench } from '../../tests/support/job-bench.ts';
import { freshDatabase, type TestDatabase } from '../../tests/support/postgres.ts';
import { queueRecurring } from './recurring.ts';

describe('what recurs', () => {
  let db: TestDatabase;
  let bench: JobBench;
  let runs: number;
  beforeEach(async () => {
    db = await freshDatabase();
    bench = await createJobBench(db, []);
    runs = 0;
  });
  afterEach(async () => {
    await bench.close();
    await db.drop();
  });

  const each = (everyMs: number) => ({
    name: 'invented',
    everyMs,
    run: async () => {
      runs += 1;
      return 'done' as const;
    },
  });
  const startWith = (everyMs: number) => bench.startWorkers({ recurring: [each(everyMs)] });
  const queued = async () => {
    const { rows } = await db.pool.query<{ at: Date; inMs: number }>(
      `SELECT run_at AS at, (extract(epoch FROM run_at - now()) * 1000)::float8 AS "inMs" FROM graphile_worker.jobs
       WHERE key = 'invented' AND locked_at IS NULL`,
    );
    return rows[0];
  };
  const ranOnceEach = async (everyMs: number) => {
    const workers = await startWith(everyMs);
    await expect.poll(async () => (await queued())?.inMs).toBeGreaterThan(0);
    await workers.stop();
    expect(runs).toBe(1);
  };

  it('comes within its interval of a start, though it was queued when that was longer', async () => {
    await ranOnceEach(DAY_MS);
    expect((await queued())?.inMs).toBeGreaterThan(DAY_MS - HOUR_MS);
    const workers = await startWith(HOUR_MS);
    const next = await queued();
    expect(next?.inMs).toBeLessThanOrEqual(HOUR_MS);
    expect(next?.inMs).toBeGreaterThan(HOUR_MS - 10 * MINUTE_MS);
    await workers.stop();
    expect(runs).toBe(1);
  });

  it('keeps its time where that comes sooner than an interval', async () => {
    await ranOnceEach(HOUR_MS);
    const next = await queued();
    for (const everyMs of [HOUR_MS, DAY_MS]) await (await startWith(everyMs)).stop();
    expect((await queued())?.at).toEqual(next?.at);
    expect(runs).toBe(1);
  });

  it('is left alone while it is under way', async () => {
    await ranOnceEach(DAY_MS);
    await db.pool.query(`UPDATE graphile_worker._private_jobs SET locked_at = now(), locked_by = 'other'`);
    await queueRecurring(db.pool, [each(HOUR_MS)]);
    const { rows } = await db.pool.query(
      `SELECT run_at > now() + interval '2 hours' AS kept FROM graphile_worker.jobs WHERE key = 'invented'`,
    );
    expect(rows).toEqual([{ kept: true }]);
  });
});
