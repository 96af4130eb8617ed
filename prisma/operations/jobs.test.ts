import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { HOUR_MS } from '../../domain/instant.ts';
import { freshDatabase, type TestDatabase } from '../../tests/support/postgres.ts';
import type { Queryable } from '../queryable.ts';
import { inTransaction } from '../transaction.ts';
import {
  findFeed,
  PLAN_TASK,
  readJobStanding,
  readJobs,
  requestBackfill,
  requestCancel,
  requestReplay,
  requestRetry,
  type Window,
} from './jobs.ts';

const POLLED = 'caiso-lmp';
const STREAM = 'iso.rt.lmp.caiso';
const TOPIC = 'realtime_prices';
const FROM = Date.parse('2024-07-04T07:00Z');
const DAY = { from: FROM, to: FROM + 24 * HOUR_MS };
const by = 'alice';

let db: TestDatabase;
beforeAll(async () => {
  db = await freshDatabase();
  await db.pool.query(
    `INSERT INTO feed (id, title, kind, streams) VALUES ($1, 'CAISO', 'poll', $2), ($3, 'Real-time prices', 'topic', '{}')`,
    [POLLED, JSON.stringify({ [STREAM]: ['PRC_INTVL_LMP', 'PRC_HASP_LMP'] }), TOPIC],
  );
});
afterAll(() => db.drop());
beforeEach(() => db.pool.query('TRUNCATE job, ledger_entry, dead_letter, graphile_worker._private_jobs'));

/** A request as its callers make it: in a transaction. */
const ask = <T>(request: (client: Queryable) => Promise<T>) => inTransaction(db.pool, request);
const backfill = (window: Window = DAY, feed = POLLED) =>
  ask((client) => requestBackfill(client, { feed, windows: [window], by }));

async function jobOf(id: number) {
  const [job] = await readJobs(db.pool, [id]);
  if (!job) throw new Error(`no job ${id}`);
  return job;
}

async function queued() {
  const { rows } = await db.pool.query<{ task: string; payload: unknown; key: string }>(
    `SELECT t.identifier AS task, j.payload, j.key
     FROM graphile_worker._private_jobs j JOIN graphile_worker._private_tasks t ON t.id = j.task_id ORDER BY j.id`,
  );
  return rows;
}

describe('a feed that is asked for', () => {
  it('is found by its id, as a whole', async () => {
    expect(await findFeed(db.pool, TOPIC)).toEqual({ feed: TOPIC, kind: 'topic', partitions: undefined });
  });

  it('is found by the name of a stream, as the partitions that the stream is', async () => {
    const part = { feed: POLLED, kind: 'poll', partitions: ['PRC_INTVL_LMP', 'PRC_HASP_LMP'] };
    expect(await findFeed(db.pool, STREAM)).toEqual(part);
  });

  it.each(['caiso', 'toString', ''])(
    'is refused where nothing has the name "%s", with the names there are',
    async (name) => {
      await expect(findFeed(db.pool, name)).rejects.toMatchObject({
        code: 'NOT_FOUND',
        message: `there is no feed "${name}"; there are ${POLLED}, ${STREAM}, ${TOPIC}`,
      });
    },
  );
});

describe('a request for a job', () => {
  it('writes the job and queues its plan, both or neither', async () => {
    const request = (client: Queryable) => requestBackfill(client, { feed: POLLED, windows: [DAY], by });
    const refused = ask(async (client) => {
      await request(client);
      throw new Error('the audit log is full');
    });
    await expect(refused).rejects.toThrow();
    expect(await db.pool.query('SELECT FROM job')).toMatchObject({ rowCount: 0 });
    expect(await queued()).toEqual([]);

    const id = await ask(request);
    expect(await jobOf(id)).toMatchObject({ id, kind: 'BACKFILL', state: 'PENDING', feed: POLLED, requestedBy: by });
    expect(await queued()).toEqual([{ task: PLAN_TASK, payload: { job: id }, key: `plan-job:${id}` }]);
  });

  it.each([
    ['a backfill', (client: Queryable, feed: string) => requestBackfill(client, { feed, windows: [DAY], by })],
    ['a replay', (client: Queryable, feed: string) => requestReplay(client, { feed, ...DAY, by })],
    ['a retry', (client: Queryable, feed: string) => requestRetry(client, { feed, by })],
  ])('is refused where there is no such feed: %s', async (_, request) => {
    await expect(ask((client) => request(client, 'nothing'))).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: expect.stringContaining(STREAM),
    });
    expect(await queued()).toEqual([]);
  });
});

describe('a request for a backfill', () => {
  it('keeps every window as it was asked', async () => {
    const windows = [{ ...DAY, partitions: ['PRC_LMP'], nodes: ['CAISO:TH_NP15_GEN-APND'] }, DAY];
    const id = await ask((client) => requestBackfill(client, { feed: POLLED, windows, by }));
    expect((await jobOf(id)).input).toEqual({ windows });
  });

  it('of a stream is one of its partitions, or of those that are asked for', async () => {
    const whole = await backfill(DAY, STREAM);
    expect((await jobOf(whole)).input).toEqual({
      windows: [{ ...DAY, partitions: ['PRC_INTVL_LMP', 'PRC_HASP_LMP'] }],
    });
    const part = await backfill({ ...DAY, partitions: ['PRC_HASP_LMP'] }, STREAM);
    expect((await jobOf(part)).input).toEqual({ windows: [{ ...DAY, partitions: ['PRC_HASP_LMP'] }] });
  });

  it('of a stream is refused for a partition that is not of it, with those that are', async () => {
    await expect(backfill({ ...DAY, partitions: ['PRC_LMP'] }, STREAM)).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: `this part of ${POLLED} has no partition PRC_LMP; there are PRC_INTVL_LMP, PRC_HASP_LMP`,
    });
  });

  it.each([0, -1])('is refused where one of its ranges is empty (%d ms)', async (ms) => {
    const windows = [DAY, { from: FROM, to: FROM + ms }];
    const request = ask((client) => requestBackfill(client, { feed: POLLED, windows, by }));
    await expect(request).rejects.toMatchObject({
      code: 'BAD_USER_INPUT',
      message: expect.stringMatching(/^the range 2024-07-04T07:00:00.000Z to .* is empty$/),
    });
    expect(await queued()).toEqual([]);
  });

  it('is refused for a topic, which is replayed', async () => {
    const message = expect.stringContaining('replay');
    await expect(backfill(DAY, TOPIC)).rejects.toMatchObject({ code: 'BAD_USER_INPUT', message });
  });
});

describe('a request for a replay', () => {
  const replay = (feed: string, asked: Partial<Parameters<typeof requestReplay>[1]> = {}) =>
    ask((client) => requestReplay(client, { feed, ...DAY, by, ...asked }));

  it('of a topic may be narrowed to offsets', async () => {
    const offsets = { partition: 3, fromOffset: 0, toOffset: 1 };
    const id = await replay(TOPIC, { offsets });
    expect(await jobOf(id)).toMatchObject({ kind: 'REPLAY', feed: TOPIC, input: { ...DAY, offsets } });
  });

  it('of a stream is one of its partitions, or of those that are asked for', async () => {
    const whole = await replay(STREAM);
    expect((await jobOf(whole)).input).toEqual({ ...DAY, partitions: ['PRC_INTVL_LMP', 'PRC_HASP_LMP'] });
    const part = await replay(STREAM, { partitions: ['PRC_INTVL_LMP'] });
    expect((await jobOf(part)).input).toEqual({ ...DAY, partitions: ['PRC_INTVL_LMP'] });
    await expect(replay(STREAM, { partitions: ['PRC_LMP'] })).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('is refused where its range or its offsets are empty', async () => {
    const refused = { code: 'BAD_USER_INPUT', message: expect.stringContaining('is empty') };
    await expect(replay(TOPIC, { to: FROM })).rejects.toMatchObject(refused);
    const offsets = { partition: 0, fromOffset: 7, toOffset: 7 };
    await expect(replay(TOPIC, { offsets })).rejects.toMatchObject(refused);
  });

  it('by offsets is refused for a feed that is not a topic', async () => {
    const offsets = { partition: 0, fromOffset: 0, toOffset: 1 };
    await expect(replay(POLLED, { offsets })).rejects.toMatchObject({ code: 'BAD_USER_INPUT' });
  });
});

describe('a request for a retry', () => {
  const retry = (ids?: readonly number[], feed = POLLED) =>
    ask((client) => requestRetry(client, { feed, by, ...(ids && { ids }) }));

  it('without ids is one of every open dead letter there will be, of the feed', async () => {
    await storeDeadLetters([{ id: 1 }]);
    expect(await jobOf(await retry())).toMatchObject({ kind: 'RETRY', input: {} });
  });

  it('without ids, of a stream, is one of those that are open now in its partitions, however they were committed', async () => {
    await storeDeadLetters([
      { id: 1, partition: 'PRC_INTVL_LMP' },
      { id: 2, partition: 'PRC_LMP' },
      { id: 3, partition: 'backfill/PRC_HASP_LMP' },
      { id: 4, partition: 'replay/PRC_LMP' },
      { id: 5, partition: 'retry/PRC_INTVL_LMP' },
      { id: 6, partition: 'PRC_INTVL_LMP', state: 'DISCARDED' },
      { id: 7, partition: 'PRC_INTVL_LMP', feed: TOPIC },
      { id: 8, partition: 'file' },
    ]);
    expect((await jobOf(await retry(undefined, STREAM))).input).toEqual({ ids: [1, 3, 5] });
  });

  it('takes each of the ids once', async () => {
    await storeDeadLetters([{ id: 1 }, { id: 2 }, { id: 3 }]);
    expect((await jobOf(await retry([3, 1, 3]))).input).toEqual({ ids: [1, 3] });
  });

  it('is refused, with the ids, where one of them is not an open dead letter of the feed', async () => {
    await storeDeadLetters([
      { id: 1 },
      { id: 2, state: 'RETRIED' },
      { id: 3, state: 'DISCARDED' },
      { id: 4, feed: TOPIC },
      { id: 5, partition: 'PRC_LMP' },
    ]);
    await expect(retry([1, 2, 3, 4, 5, 99])).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: `${POLLED} has no open dead letter 2, 3, 4, 99`,
    });
    await expect(retry([1, 5], STREAM)).rejects.toThrow(`${POLLED} has no open dead letter 1, 5`);
    expect(await queued()).toEqual([]);
  });
});

async function storeDeadLetters(
  letters: readonly { id: number; partition?: string; state?: string; feed?: string }[],
): Promise<void> {
  await db.pool.query(
    `INSERT INTO ledger_entry (id, feed_id, partition, kind, state) VALUES (1, $1, 'file', 'FILE', 'COMPLETED')`,
    [POLLED],
  );
  for (const { id, partition = 'file', state = 'OPEN', feed = POLLED } of letters) {
    await db.pool.query(
      `INSERT INTO dead_letter (id, feed_id, partition, ledger_id, code, reason, raw, state, received_at)
       VALUES ($1, $2, $3, 1, 'BAD_VALUE', 'odd', '', $4, now())`,
      [id, feed, partition, state],
    );
  }
}

describe('a request to cancel', () => {
  it.each(['PENDING', 'RUNNING'])('a job that is %s notes it, and plans it anew', async (state) => {
    const id = await backfill();
    await db.pool.query('UPDATE job SET state = $2::job_state WHERE id = $1', [id, state]);
    await db.pool.query('TRUNCATE graphile_worker._private_jobs');
    await ask((client) => requestCancel(client, id));
    const job = await jobOf(id);
    expect(job.state).toBe(state);
    expect(job.cancelRequestedAt).toBeGreaterThanOrEqual(job.requestedAt);
    expect(await queued()).toEqual([{ task: PLAN_TASK, payload: { job: id }, key: `plan-job:${id}` }]);
  });

  it('keeps, of two requests, when the first one came, and queues one plan', async () => {
    const id = await backfill();
    await ask((client) => requestCancel(client, id));
    const { cancelRequestedAt } = await jobOf(id);
    await ask((client) => requestCancel(client, id));
    expect((await jobOf(id)).cancelRequestedAt).toBe(cancelRequestedAt);
    expect(await queued()).toHaveLength(1);
  });

  it('queues a plan of its own where one is being carried out, which may have seen the job before', async () => {
    const id = await backfill();
    await db.pool.query(`UPDATE graphile_worker._private_jobs SET locked_at = now(), locked_by = 'a worker'`);
    await ask((client) => requestCancel(client, id));
    expect(await queued()).toMatchObject([{ key: null }, { key: `plan-job:${id}` }]);
  });

  it.each(['COMPLETED', 'FAILED', 'CANCELLED'])('a job that is %s is refused', async (state) => {
    const id = await backfill();
    await db.pool.query('UPDATE job SET state = $2::job_state WHERE id = $1', [id, state]);
    await expect(ask((client) => requestCancel(client, id))).rejects.toMatchObject({
      code: 'BAD_USER_INPUT',
      message: `job ${id} has ended already: it is ${state}`,
    });
    expect((await jobOf(id)).cancelRequestedAt).toBeNull();
  });

  it('a job that is not there is refused', async () => {
    const request = ask((client) => requestCancel(client, 99));
    await expect(request).rejects.toMatchObject({ code: 'NOT_FOUND', message: 'there is no job 99' });
  });
});

describe('a job as it stands', () => {
  interface Chunk {
    readonly state: string;
    /** Seconds since it was taken up. */
    readonly began?: number;
    /** In, written, revised, unchanged, rejected. */
    readonly rows?: readonly [number, number, number, number, number];
  }

  /** Reads a job of these chunks in the transaction that wrote them, where now stands still. */
  async function progress(job: { state: string; planned?: boolean; finished?: number }, chunks: readonly Chunk[]) {
    return ask(async (client) => {
      const id = await requestBackfill(client, { feed: POLLED, windows: [DAY], by });
      await client.query(
        `UPDATE job SET state = $2::job_state, planned_at = CASE WHEN $3 THEN now() - INTERVAL '1 minute' END,
           finished_at = now() - $4 * INTERVAL '1 second' WHERE id = $1`,
        [id, job.state, job.planned ?? true, job.finished ?? null],
      );
      for (const { state, began = null, rows = [0, 0, 0, 0, 0] } of chunks) {
        await client.query(
          `INSERT INTO ledger_entry (feed_id, partition, kind, state, job_id, started_at, rows_in, rows_written, rows_revised,
             rows_unchanged, rows_rejected)
           VALUES ($1, 'backfill/PRC_LMP', 'BACKFILL', $2::ledger_state, $3, now() - $4 * INTERVAL '1 second', $5, $6, $7, $8, $9)`,
          [POLLED, state, id, began, ...rows],
        );
      }
      const { rows } = await client.query<{ now: number }>('SELECT extract(epoch FROM now())::float8 * 1000 AS now');
      const [read] = await readJobs(client, [id]);
      if (!read || !rows[0]) throw new Error('no job');
      const aheadMs = read.estimatedEndAt === null ? null : Math.round(read.estimatedEndAt - rows[0].now);
      return { ...read, aheadMs };
    });
  }

  it('tells what was asked, by whom and when', async () => {
    const before = Date.now();
    const job = await jobOf(await backfill());
    expect(job).toMatchObject({
      kind: 'BACKFILL',
      state: 'PENDING',
      feed: POLLED,
      input: { windows: [DAY] },
      requestedBy: by,
      plannedAt: null,
      finishedAt: null,
      cancelRequestedAt: null,
      error: null,
    });
    expect(Math.abs(job.requestedAt - before)).toBeLessThan(60_000);
  });

  it('has no total before it is planned, and no pace before a chunk has ended', async () => {
    const unplanned = await progress({ state: 'PENDING', planned: false }, []);
    expect(unplanned).toMatchObject({ total: null, done: 0, rowsPerSecond: null, estimatedEndAt: null });
    const begun = await progress({ state: 'RUNNING' }, [{ state: 'RUNNING', began: 5 }, { state: 'PENDING' }]);
    expect(begun).toMatchObject({ total: 2, done: 0, rowsIn: 0, rowsPerSecond: null, estimatedEndAt: null });
  });

  it('counts the chunks that ended, adds up their rows, and reckons rate and end from the pace so far', async () => {
    const job = await progress({ state: 'RUNNING' }, [
      { state: 'COMPLETED', began: 10, rows: [100, 60, 10, 20, 20] },
      { state: 'COMPLETED', began: 7, rows: [50, 50, 0, 0, 0] },
      { state: 'FAILED', began: 3 },
      { state: 'RUNNING', began: 2 },
      { state: 'PENDING' },
    ]);
    expect(job).toMatchObject({ total: 5, done: 3, failed: 1 });
    expect(job).toMatchObject({ rowsIn: 150, rowsWritten: 110, rowsRevised: 10, rowsUnchanged: 20, rowsRejected: 20 });
    // 150 rows and 3 chunks in 10 s: 2 chunks more take 6⅔ s.
    expect(job.rowsPerSecond).toBeCloseTo(15, 2);
    expect(Math.abs((job.aheadMs ?? 0) - 6_667)).toBeLessThan(2);
  });

  it('counts a replay under way as one that has not ended', async () => {
    const job = await progress({ state: 'RUNNING' }, [{ state: 'REPLAYING', began: 1 }]);
    expect(job).toMatchObject({ total: 1, done: 0 });
  });

  it('has, once it ended, the rate it had, and no estimated end', async () => {
    const job = await progress({ state: 'COMPLETED', finished: 60 }, [
      { state: 'COMPLETED', began: 70, rows: [100, 100, 0, 0, 0] },
    ]);
    expect(job).toMatchObject({ total: 1, done: 1, estimatedEndAt: null });
    expect(job.rowsPerSecond).toBeCloseTo(10, 2);
  });

  it('has no rows and no rate to be wrong about where its chunks ended before they began', async () => {
    const job = await progress({ state: 'CANCELLED', finished: 0 }, [{ state: 'FAILED' }]);
    expect(job).toMatchObject({ total: 1, done: 1, failed: 1, rowsIn: 0, rowsPerSecond: null, estimatedEndAt: null });
  });

  it('stands as it is read whole, without what was asked for', async () => {
    const id = await backfill();
    const { input, ...standing } = await jobOf(id);
    expect(input).toMatchObject({ windows: [DAY] });
    expect(await readJobStanding(db.pool, id)).toEqual(standing);
    expect(await readJobStanding(db.pool, 99)).toBeUndefined();
  });

  it('is left out where there is none, and has no chunks of another', async () => {
    const [one, other] = [await backfill(), await backfill()];
    await db.pool.query(
      `INSERT INTO ledger_entry (feed_id, partition, kind, state, job_id) VALUES ($1, 'p', 'BACKFILL', 'PENDING', $2)`,
      [POLLED, other],
    );
    await db.pool.query('UPDATE job SET planned_at = now()');
    const jobs = await readJobs(db.pool, [one, other, 99]);
    expect(new Map(jobs.map(({ id, total }) => [id, total]))).toEqual(
      new Map([
        [one, 0],
        [other, 1],
      ]),
    );
  });
});
