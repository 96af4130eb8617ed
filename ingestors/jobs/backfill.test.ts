import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BusbarError } from '../../domain/errors.ts';
import { HOUR_MS } from '../../domain/instant.ts';
import type { LmpFact } from '../../domain/lmp.ts';
import { readJobs, requestBackfill, requestCancel, requestRetry } from '../../prisma/operations/jobs.ts';
import { createPool } from '../../prisma/pool.ts';
import {
  createJobBench,
  decodeLines,
  inventedFeed,
  type JobBench,
  priceOf,
  type Vendor,
} from '../../tests/support/job-bench.ts';
import { JOB_WORKER } from '../../tests/support/job-worker.ts';
import { freshDatabase, type TestDatabase } from '../../tests/support/postgres.ts';
import { startProgram } from '../../tests/support/processes.ts';
import { startTcpProxy } from '../../tests/support/tcp-proxy.ts';
import type { Decoder } from '../feed.ts';
import { aborted } from './aborted.ts';
import { createPlanTask } from './plan-job.ts';

const FROM = Date.UTC(2026, 0, 9);
const hour = (at: number) => new Date(FROM + at * HOUR_MS).toISOString();

describe('a backfill', () => {
  let db: TestDatabase;
  let bench: JobBench;
  beforeEach(async () => {
    db = await freshDatabase();
  });
  afterEach(async () => {
    await bench.close();
    await db.drop();
  });

  const benchOf = async (answer: Vendor['answer'] = priceOfRequest) => {
    const vendor: Vendor = { asked: [], answer };
    bench = await createJobBench(db, [inventedFeed(vendor)]);
    return vendor;
  };
  const request = (hours: number, part: { partitions?: readonly string[] } = { partitions: ['A'] }) =>
    requestBackfill(db.pool, {
      feed: 'invented',
      windows: [{ from: FROM, to: FROM + hours * HOUR_MS, ...part }],
      by: 'test',
    });
  const ended = async (job: number) => {
    await expect.poll(async () => (await bench.jobOf(job)).finishedAt, { timeout: 15_000 }).not.toBeNull();
    return bench.jobOf(job);
  };
  const entries = async (job: number) =>
    (
      await db.pool.query(
        'SELECT partition, kind, state, request, attempt, rows_written AS written, error FROM ledger_entry WHERE job_id = $1 ORDER BY id',
        [job],
      )
    ).rows;
  const prices = async () =>
    (await db.pool.query<{ count: number }>('SELECT count(*)::int AS count FROM lmp')).rows[0]?.count;

  it('asks for all of a feed, chunk by chunk, and says what came', async () => {
    const vendor = await benchOf();
    const id = await request(3, {});
    await bench.startJobWorkers();
    expect(await ended(id)).toMatchObject({ state: 'COMPLETED', total: 6, done: 6, failed: 0, rowsIn: 6, error: null });
    expect([...vendor.asked].sort()).toEqual([0, 1, 2].flatMap((at) => [`A ${hour(at)}`, `B ${hour(at)}`]).sort());
    expect(await prices()).toBe(3);
    expect((await entries(id))[0]).toMatchObject({
      partition: 'backfill/A',
      kind: 'BACKFILL',
      state: 'COMPLETED',
      attempt: 1,
    });
  });

  it('of windows that overlap asks once for what is in both', async () => {
    const vendor = await benchOf();
    const window = { from: FROM, to: FROM + 2 * HOUR_MS, partitions: ['A'] };
    const id = await requestBackfill(db.pool, { feed: 'invented', windows: [window, window], by: 'test' });
    await bench.startJobWorkers();
    await ended(id);
    expect(vendor.asked).toHaveLength(2);
  });

  it('goes on after a kill without asking again for what was done', async () => {
    const vendor = await benchOf();
    const id = await request(12);
    const victim = startProgram(JOB_WORKER, { DATABASE_URL: db.url, HELD: `A ${hour(5)}` });
    await victim.sees(new RegExp(`asked A ${hour(5)}`));
    await expect.poll(async () => (await bench.jobOf(id)).done).toBeGreaterThanOrEqual(8);
    await victim.kill();
    const done = (await entries(id)).filter(({ state }) => state === 'COMPLETED').map((entry) => entry.request);
    await bench.startJobWorkers();
    expect(await ended(id)).toMatchObject({ state: 'COMPLETED', total: 12, done: 12 });
    expect(vendor.asked).toContain(`A ${hour(5)}`);
    expect(vendor.asked.filter((asked) => done.includes(asked))).toEqual([]);
    expect(await prices()).toBe(12);
  });

  it('goes on elsewhere at once where a process is told to stop', async () => {
    let hold = true;
    const vendor = await benchOf(async (asked, signal) => {
      if (hold) await aborted(signal);
      signal.throwIfAborted();
      return priceOf(asked);
    });
    const id = await request(2);
    const workers = await bench.startJobWorkers();
    await expect.poll(() => vendor.asked.length).toBe(2);
    await workers.stop();
    expect((await entries(id)).map(({ state, error }) => [state, error])).toEqual([
      ['RUNNING', null],
      ['RUNNING', null],
    ]);
    hold = false;
    await bench.startJobWorkers();
    expect(await ended(id)).toMatchObject({ state: 'COMPLETED' });
    expect((await entries(id)).map(({ attempt }) => attempt)).toEqual([2, 2]);
  });

  it('goes on past a chunk that fails for good, and says which', async () => {
    await benchOf((asked) => {
      if (asked === `A ${hour(1)}`) throw new BusbarError('SOURCE_REFUSED', 'no such report');
      return priceOf(asked);
    });
    const id = await request(3);
    await bench.startJobWorkers();
    expect(await ended(id)).toMatchObject({
      state: 'FAILED',
      error: '1 of 3 chunks failed: no such report',
      done: 3,
      failed: 1,
    });
    expect(await prices()).toBe(2);
  });

  it('fails a chunk whose answer cannot be read, keeps the answer, and brings its day by a retry', async () => {
    const vendor = await benchOf();
    const id = await request(3);
    const broken = `A ${hour(1)}`;
    const damagedOnce: Decoder<LmpFact> = (payload) => {
      if (payload.bytes.toString().includes(hour(1))) throw new BusbarError('MALFORMED', 'the zip cannot be read');
      return decodeLines(payload);
    };
    const workers = await bench.startJobWorkers({ feeds: [inventedFeed(vendor, { decode: damagedOnce })] });
    const error = '1 of 3 chunks failed: the zip cannot be read';
    expect(await ended(id)).toMatchObject({ state: 'FAILED', error, done: 3, failed: 1, rowsRejected: 1 });
    expect((await entries(id)).map(({ state }) => state)).toEqual(['COMPLETED', 'FAILED', 'COMPLETED']);
    const { rows } = await db.pool.query(`SELECT state, code, raw FROM dead_letter`);
    expect(rows).toEqual([{ state: 'OPEN', code: 'NOT_THE_FORMAT', raw: Buffer.from(priceOf(broken)) }]);
    await workers.stop();
    await bench.startJobWorkers();
    const retry = await requestRetry(db.pool, { feed: 'invented', by: 'test' });
    expect(await ended(retry)).toMatchObject({ state: 'COMPLETED', rowsWritten: 1 });
    expect(await prices()).toBe(3);
  });

  it('waits for a source that is away, and remembers why', async () => {
    let tries = 0;
    await benchOf((asked) => {
      tries += 1;
      if (tries === 1) throw new BusbarError('THROTTLED', 'too fast');
      return priceOf(asked);
    });
    const id = await request(1);
    await bench.startJobWorkers();
    await expect.poll(() => entries(id)).toMatchObject([{ state: 'RUNNING', error: 'too fast' }]);
    expect(await ended(id)).toMatchObject({ state: 'COMPLETED', failed: 0 });
    expect(await entries(id)).toMatchObject([{ attempt: 2, error: null }]);
  });

  it('gives a chunk up that was tried often enough', async () => {
    await benchOf(() => {
      throw new BusbarError('THROTTLED', 'too fast');
    });
    const id = await request(1);
    await bench.startJobWorkers();
    await expect.poll(() => entries(id)).toMatchObject([{ error: 'too fast' }]);
    const hasten = `SELECT graphile_worker.reschedule_jobs(ARRAY(SELECT id FROM graphile_worker.jobs), run_at => now(), attempts => 11)`;
    await expect
      .poll(async () => {
        await db.pool.query(hasten);
        return (await bench.jobOf(id)).state;
      })
      .toBe('FAILED');
    expect(await bench.jobOf(id)).toMatchObject({ error: '1 of 1 chunks failed: too fast' });
  });

  it('gives a chunk up that processes keep dying in', async () => {
    const vendor = await benchOf();
    const id = await request(1);
    await createPlanTask(bench.parts)({ job: id }, { signal: new AbortController().signal, tries: 1 });
    await db.pool.query(
      `SELECT graphile_worker.reschedule_jobs(ARRAY(SELECT id FROM graphile_worker.jobs), attempts => 12)`,
    );
    await bench.startJobWorkers();
    expect(await ended(id)).toMatchObject({ error: '1 of 1 chunks failed: 12 processes ended in it' });
    expect(vendor.asked).toEqual([]);
  });

  it('that is cancelled breaks off what is under way and does not begin the rest', async () => {
    const vendor = await benchOf(async (_, signal) => {
      await aborted(signal);
      throw signal.reason;
    });
    const id = await request(30);
    await bench.startJobWorkers();
    await expect.poll(() => vendor.asked.length).toBe(4);
    await requestCancel(db.pool, id);
    await expect.poll(async () => (await bench.jobOf(id)).state, { timeout: 4_000 }).toBe('CANCELLED');
    expect(vendor.asked).toHaveLength(4);
    expect(new Set((await entries(id)).map(({ state, error }) => `${state} ${error}`))).toEqual(
      new Set(['FAILED cancelled']),
    );
    await expect.poll(async () => (await db.pool.query('SELECT FROM graphile_worker.jobs')).rowCount).toBe(0);
  });

  it('that is cancelled ends a chunk that waits for its next try', async () => {
    await benchOf(() => {
      throw new BusbarError('SOURCE_FAILED', 'away');
    });
    const id = await request(1);
    await bench.startJobWorkers();
    await expect.poll(() => entries(id)).toMatchObject([{ error: 'away' }]);
    await db.pool.query(
      `SELECT graphile_worker.reschedule_jobs(ARRAY(SELECT id FROM graphile_worker.jobs), run_at => now() + interval '1 hour')`,
    );
    await requestCancel(db.pool, id);
    await expect.poll(async () => (await bench.jobOf(id)).state).toBe('CANCELLED');
  });

  it('has its effect once, though the queue gives a chunk to two workers', async () => {
    const waiting: (() => void)[] = [];
    const vendor = await benchOf(async (asked) => {
      await new Promise<void>((go) => waiting.push(go));
      return priceOf(asked, waiting.length);
    });
    const id = await request(1);
    await bench.startJobWorkers();
    await expect.poll(() => waiting.length).toBe(1);
    await db.pool.query(
      `SELECT graphile_worker.force_unlock_workers(ARRAY(SELECT DISTINCT locked_by FROM graphile_worker.jobs))`,
    );
    await expect.poll(() => waiting.length).toBe(2);
    for (const go of waiting) go();
    expect(await ended(id)).toMatchObject({ state: 'COMPLETED', rowsWritten: 1 });
    expect(await entries(id)).toMatchObject([{ attempt: 2 }]);
    expect(vendor.asked).toHaveLength(2);
    expect((await db.pool.query('SELECT FROM lmp_revision')).rowCount).toBe(0);
  });
});

describe('a backfill on a network that breaks', () => {
  it('is done, each chunk once', { timeout: 60_000 }, async () => {
    const db = await freshDatabase();
    const url = new URL(db.url);
    const proxy = await startTcpProxy(Number(url.port));
    url.port = String(proxy.port);
    const pool = createPool({ url: url.href, max: 10 });
    const bench = await createJobBench({ url: url.href, pool }, [inventedFeed({ asked: [], answer: slowPrice })]);
    const windows = [{ from: FROM, to: FROM + 60 * HOUR_MS, partitions: ['A'] }];
    const id = await requestBackfill(db.pool, { feed: 'invented', windows, by: 'test' });
    await bench.startJobWorkers();
    const job = async () => (await readJobs(db.pool, [id]))[0];
    for (const done of [1, 8, 20, 35]) {
      await expect.poll(async () => (await job())?.done, { timeout: 30_000 }).toBeGreaterThanOrEqual(done);
      proxy.cut();
    }
    await expect.poll(async () => (await job())?.finishedAt, { timeout: 40_000 }).not.toBeNull();
    expect(await job()).toMatchObject({ state: 'COMPLETED', total: 60, rowsIn: 60, rowsWritten: 60 });
    await bench.close();
    await pool.end();
    await proxy.close();
    await db.drop();
  });
});

async function slowPrice(request: string): Promise<string> {
  await sleep(50);
  return priceOf(request);
}

function priceOfRequest(request: string): string {
  return priceOf(request);
}
