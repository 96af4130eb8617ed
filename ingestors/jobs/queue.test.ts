import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freshDatabase, type TestDatabase } from '../../tests/support/postgres.ts';
import { startProgram } from '../../tests/support/processes.ts';
import { HELD_TASK, QUEUE_WORKER } from '../../tests/support/queue-worker.ts';
import { startTcpProxy, type TcpProxy } from '../../tests/support/tcp-proxy.ts';
import { aborted } from './aborted.ts';
import { freeJobsOfTheDead } from './dead-workers.ts';
import type { LivenessTimes } from './liveness.ts';
import { type Queue, startQueue } from './queue.ts';
import type { QueueTask, TaskRun } from './queue-runner.ts';

describe('the queue of a process', () => {
  let db: TestDatabase;
  const queues: Queue[] = [];
  beforeEach(async () => {
    db = await freshDatabase();
  });
  afterEach(async () => {
    await Promise.all(queues.splice(0).map((queue) => queue.stop()));
    await db.drop();
  });

  const start = async (work: QueueTask, more: { url?: string; times?: LivenessTimes } = {}) => {
    const { url = db.url, ...rest } = more;
    const log = pino({ level: 'silent' });
    const queue = await startQueue({
      databaseUrl: url,
      log,
      crews: [{ workers: 1, tasks: { [HELD_TASK]: work } }],
      ...rest,
    });
    queues.push(queue);
    return queue;
  };
  const enqueue = (payload: object) =>
    db.pool.query('SELECT graphile_worker.add_job($1, $2, job_key => $3)', [HELD_TASK, payload, 'one']);
  const queued = async () =>
    (await db.pool.query('SELECT attempts, locked_by, run_at <= now() AS due FROM graphile_worker.jobs')).rows;

  it('does what is queued, once', async () => {
    const done: unknown[] = [];
    await start(async (payload) => void done.push(payload));
    await enqueue({ number: 1 });
    await expect.poll(() => done).toEqual([{ number: 1 }]);
    await expect.poll(queued).toEqual([]);
  });

  it('tries again what failed, and counts the tries', async () => {
    const tries: number[] = [];
    await start(async (_, run) => {
      tries.push(run.tries);
      if (run.tries < 2) throw new Error('not this time');
    });
    await enqueue({});
    await expect.poll(() => tries).toEqual([1, 2]);
    await expect.poll(queued).toEqual([]);
  });

  it('that is stopped tells its tasks, waits for them and gives back what they did not finish, untried', async () => {
    let run: TaskRun | undefined;
    let over = false;
    const queue = await start(async (_, given) => {
      run = given;
      await aborted(given.signal);
      await sleep(200);
      over = true;
      given.signal.throwIfAborted();
    });
    await enqueue({});
    await expect.poll(() => run).toBeDefined();
    await queue.stop();
    expect(over).toBe(true);
    expect(await queued()).toEqual([{ attempts: 0, locked_by: null, due: true }]);
  });

  it('that is stopped has ended what its tasks finished all the same', async () => {
    let taken = false;
    const queue = await start(async (_, { signal }) => {
      taken = true;
      await aborted(signal);
    });
    await enqueue({});
    await expect.poll(() => taken).toBe(true);
    await queue.stop();
    expect(await queued()).toEqual([]);
  });

  it('takes over within five seconds what a process had under way that was killed', async () => {
    await enqueue({});
    const victim = startProgram(QUEUE_WORKER, { DATABASE_URL: db.url });
    await victim.sees(/taken up/);
    const takenUp: number[] = [];
    await start(async (_, { tries }) => void takenUp.push(tries));
    await victim.kill();
    await expect.poll(() => takenUp, { timeout: 5_000 }).toEqual([2]);
  });

  it('leaves a job to the worker that lives', async () => {
    let taken = 0;
    await start(async (_, { signal }) => {
      taken += 1;
      await aborted(signal);
    });
    await enqueue({});
    await expect.poll(() => taken).toBe(1);
    expect(await freeJobsOfTheDead(db.pool)).toEqual([]);
    // The control: the same job in the hands of somebody who does not prove that he lives.
    await db.pool.query(`UPDATE graphile_worker._private_jobs SET locked_by = 'pool-of-a-dead-process'`);
    expect(await freeJobsOfTheDead(db.pool)).toEqual(['pool-of-a-dead-process']);
  });

  it('that lost its proof of life breaks its tasks off and begins anew under another id', async () => {
    const workers: string[] = [];
    let brokenOff = 0;
    await start(async (_, { signal }) => {
      workers.push(...(await queued()).map((job) => job.locked_by));
      if (workers.length > 1) return;
      await aborted(signal);
      brokenOff += 1;
      signal.throwIfAborted();
    });
    await enqueue({});
    await expect.poll(() => workers.length).toBe(1);
    await db.pool.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'busbar workers'`,
    );
    await expect.poll(() => brokenOff).toBe(1);
    await expect.poll(() => workers.length).toBe(2);
    expect(new Set(workers).size).toBe(2);
  });

  describe('behind a network that goes silent', () => {
    let proxy: TcpProxy;
    beforeEach(async () => {
      proxy = await startTcpProxy(Number(new URL(db.url).port));
    });
    afterEach(() => proxy.close());

    it('notices it before others take its job over', async () => {
      const events: string[] = [];
      const url = new URL(db.url);
      url.port = String(proxy.port);
      const times = { beatMs: 100, answerMsMax: 500, silenceMsMax: 1_500 };
      await start(
        async (_, { signal }) => {
          events.push('taken up');
          await aborted(signal);
          events.push('broken off');
          signal.throwIfAborted();
        },
        { url: url.href, times },
      );
      await enqueue({});
      await expect.poll(() => events).toEqual(['taken up']);
      await start(async () => void events.push('taken over'));
      proxy.freezeNew(true);
      proxy.freeze();
      await expect.poll(() => events).toEqual(['taken up', 'broken off', 'taken over']);
      proxy.freezeNew(false);
      proxy.cut();
    });
  });
});
