import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BusbarError } from '../../domain/errors.ts';
import { HOUR_MS } from '../../domain/instant.ts';
import { PLAN_TASK, requestBackfill, requestCancel, requestRetry } from '../../prisma/operations/jobs.ts';
import { createJobBench, inventedFeed, type JobBench } from '../../tests/support/job-bench.ts';
import { freshDatabase, type TestDatabase } from '../../tests/support/postgres.ts';
import { createPlanTask } from './plan-job.ts';
import type { PolledFeed } from './pollers.ts';

const FROM = Date.UTC(2026, 0, 9);

describe('planning a job', () => {
  let db: TestDatabase;
  let bench: JobBench;
  let feed: PolledFeed;
  beforeEach(async () => {
    db = await freshDatabase();
    feed = inventedFeed({ asked: [], answer: () => '' });
    bench = await createJobBench(db, [feed]);
  });
  afterEach(async () => {
    await bench.close();
    await db.drop();
  });

  const plan = (job: number, tries = 1, feeds: readonly PolledFeed[] = [feed]) =>
    createPlanTask({ ...bench.parts, feeds })({ job }, { signal: new AbortController().signal, tries });
  const request = (more: object = {}) =>
    requestBackfill(db.pool, {
      feed: 'invented',
      windows: [{ from: FROM, to: FROM + 3 * HOUR_MS, ...more }],
      by: 'test',
    });
  const entries = async () =>
    (
      await db.pool.query(
        `SELECT id, partition, state, attempt, request, (extract(epoch FROM event_from) * 1000)::float8 AS from,
                (extract(epoch FROM event_to) * 1000)::float8 AS to FROM ledger_entry ORDER BY id`,
      )
    ).rows;
  const queued = async () =>
    (
      await db.pool.query(
        `SELECT key, priority FROM graphile_worker.jobs WHERE task_identifier <> '${PLAN_TASK}' ORDER BY priority`,
      )
    ).rows;

  it('puts its chunks into the ledger and onto the queue, the oldest first', async () => {
    const id = await request();
    await plan(id);
    const planned = await entries();
    expect(planned.map(({ partition, from }) => [partition, (from - FROM) / HOUR_MS])).toEqual([
      ['backfill/A', 0],
      ['backfill/B', 0],
      ['backfill/A', 1],
      ['backfill/B', 1],
      ['backfill/A', 2],
      ['backfill/B', 2],
    ]);
    expect(planned[0]).toMatchObject({
      state: 'PENDING',
      attempt: 0,
      request: 'A 2026-01-09T00:00:00.000Z',
      to: FROM + HOUR_MS,
    });
    expect(await queued()).toEqual(
      planned.map((entry, place) => ({ key: `run-chunk:${entry.id}`, priority: 100 + place })),
    );
    expect(await bench.jobOf(id)).toMatchObject({ state: 'RUNNING', total: 6, done: 0 });
  });

  it('does it once, however often it is asked', async () => {
    const id = await request();
    await Promise.all([plan(id), plan(id)]);
    await plan(id);
    expect(await entries()).toHaveLength(6);
    expect(await queued()).toHaveLength(6);
  });

  it.each([
    ['writes the ledger', 'INSERT ON ledger_entry'],
    ['queues the chunks', 'INSERT ON graphile_worker._private_jobs'],
    ['writes the job', 'UPDATE ON job'],
  ])('leaves nothing behind where it is killed while it %s, and can be done again', async (_, moment) => {
    const id = await request();
    await db.pool.query(
      `CREATE FUNCTION kill() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NEW; END $$;
       CREATE TRIGGER kill BEFORE ${moment} EXECUTE FUNCTION kill()`,
    );
    await expect(plan(id)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect([await entries(), await queued()]).toEqual([[], []]);
    expect(await bench.jobOf(id)).toMatchObject({ state: 'PENDING', total: null });
    await db.pool.query('DROP FUNCTION kill CASCADE');
    await plan(id);
    expect(await bench.jobOf(id)).toMatchObject({ state: 'RUNNING', total: 6 });
    expect(await queued()).toHaveLength(6);
  });

  it('of a job without chunks ends it', async () => {
    const id = await requestRetry(db.pool, { feed: 'invented', by: 'test' });
    await plan(id);
    expect(await bench.jobOf(id)).toMatchObject({ state: 'COMPLETED', total: 0 });
  });

  it.each([
    ['a node that is none', { nodes: ['NOWHERE'] }, 'BAD_USER_INPUT: "NOWHERE" is not a node: it must be MARKET:NAME'],
    [
      'a feed without partitions',
      { partitions: [] },
      'BAD_USER_INPUT: invented is not configured to be asked: name its partitions and nodes',
    ],
  ])('says what is wrong with %s, and ends the job', async (_, more, error) => {
    const id = await request(more);
    await plan(id);
    expect(await bench.jobOf(id)).toMatchObject({ state: 'FAILED', error });
    expect(await queued()).toEqual([]);
  });

  it('ends a job of a feed that is gone', async () => {
    const id = await request();
    await plan(id, 1, []);
    expect(await bench.jobOf(id)).toMatchObject({
      state: 'FAILED',
      error: 'NOT_FOUND: the ingestors have no feed invented',
    });
  });

  it('is left to another try while a service is away, but not for ever', async () => {
    const id = await request();
    const away = { ...feed, source: { ...feed.source, chunks: unavailable } };
    await expect(plan(id, 1, [away])).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect(await bench.jobOf(id)).toMatchObject({ state: 'PENDING' });
    await plan(id, 12, [away]);
    expect(await bench.jobOf(id)).toMatchObject({ state: 'FAILED', error: 'away' });
  });

  it('refuses a range of more chunks than the store should hold', async () => {
    const id = await request({ to: FROM + 60_000 * HOUR_MS });
    await plan(id);
    expect(await bench.jobOf(id)).toMatchObject({ state: 'FAILED', total: null });
    expect((await bench.jobOf(id)).error).toMatch(/120000 chunks/);
  });

  it('of a job that was cancelled before plans nothing', async () => {
    const id = await request();
    await requestCancel(db.pool, id);
    await plan(id);
    expect(await bench.jobOf(id)).toMatchObject({ state: 'CANCELLED', total: null });
    expect(await queued()).toEqual([]);
  });

  it.each([
    [1, 'of which nothing is worth another try'],
    [13, 'however often it was tried'],
  ])('of a job under way that is cancelled is tried again where it fails (%i: %s)', async (tries) => {
    const id = await request();
    await plan(id);
    await requestCancel(db.pool, id);
    await db.pool.query(
      `CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no' USING ERRCODE = '23514'; END $$;
       CREATE TRIGGER refuse BEFORE UPDATE ON ledger_entry EXECUTE FUNCTION refuse()`,
    );
    await expect(plan(id, tries)).rejects.toThrow();
    expect(await bench.jobOf(id)).toMatchObject({ state: 'RUNNING' });
    await db.pool.query('DROP FUNCTION refuse CASCADE');
    await plan(id, tries);
    expect(await bench.jobOf(id)).toMatchObject({ state: 'CANCELLED', done: 0, total: 6 });
  });

  it('of a job that was cancelled after ends what has not begun, and leaves no task', async () => {
    const id = await request();
    await plan(id);
    await requestCancel(db.pool, id);
    await plan(id);
    expect(await bench.jobOf(id)).toMatchObject({ state: 'CANCELLED', done: 0, total: 6 });
    expect(await queued()).toEqual([]);
  });
});

function unavailable(): never {
  throw new BusbarError('UNAVAILABLE', 'away');
}
