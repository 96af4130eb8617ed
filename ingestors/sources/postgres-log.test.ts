import { createServer } from 'node:net';
import pg from 'pg';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { BusbarError } from '../../domain/errors.ts';
import { freshDatabase, type TestDatabase } from '../../tests/support/postgres.ts';
import { eventLogConformance } from './event-log.conformance.ts';
import type { Consumption, LogBatch, OutgoingRecord, PartitionHandler } from './event-log.ts';
import { createPostgresLog, type PostgresLog } from './postgres-log.ts';

const quiet = pino({ level: 'silent' });

eventLogConformance('the log in Postgres', async () => {
  const { url, pool, drop } = await freshDatabase();
  let aheadMs = 0;
  const clock = () => Date.now() + aheadMs;
  const log = createPostgresLog({ pool, connectionString: url, log: quiet, clock });
  return {
    log,
    expire: async () => {
      aheadMs = 365 * 24 * 3_600_000;
      await log.sweep();
      aheadMs = 0;
    },
    stop: async () => {
      await log.close();
      await drop();
    },
  };
});

describe('the log in Postgres', () => {
  const minute = 60_000;
  let database: TestDatabase;
  let log: PostgresLog;
  let nowMs: number;
  let topic: string;
  let topics = 0;

  beforeAll(async () => {
    database = await freshDatabase();
  });
  beforeEach(async () => {
    nowMs = Date.UTC(2026, 0, 5);
    // A sweep goes over all topics.
    await database.pool.query('TRUNCATE log_topic, log_partition, log_record');
    topic = `topic-${topics++}`;
    log = openLog();
    await ensure(1);
  });
  afterEach(() => log.close());
  afterAll(() => database.drop());

  const openLog = () =>
    createPostgresLog({ pool: database.pool, connectionString: database.url, log: quiet, clock: () => nowMs });
  const ensure = (partitions: number, recordBytesMax = 16 * 1024 * 1024) =>
    log.ensureTopics([{ topic, partitions, retentionMs: 10 * minute, recordBytesMax }]);
  const read = (handler: PartitionHandler, reader: PostgresLog = log): Promise<Consumption> =>
    reader.consume({ group: `group of ${topic}`, topics: [topic], handler, batchRecordsMax: 5_000 });

  const readRange = (from: number, to: number, { batchRecordsMax = 100, reader = log } = {}) =>
    reader.read({ topic, partition: 0, from, to, batchRecordsMax }, new AbortController().signal);

  test('an unknown topic is refused by name', async () => {
    const refused = { code: 'BAD_USER_INPUT', message: expect.stringContaining('nowhere') };
    await expect(log.append('nowhere', text('x'))).rejects.toMatchObject(refused);
    await expect(log.partitions('nowhere')).rejects.toMatchObject(refused);
    await expect(log.offsetAt('nowhere', 0, 0)).rejects.toMatchObject(refused);
    const consumer = { group: 'g', topics: ['nowhere'], handler: collector([]), batchRecordsMax: 1 };
    await expect(log.consume(consumer)).rejects.toMatchObject(refused);
  });

  test('a topic that no log could have is refused', async () => {
    const spec = { topic, partitions: 1, retentionMs: minute, recordBytesMax: 1_000 };
    for (const wrong of [{ topic: 'with blank' }, { topic: '' }, { partitions: 0 }, { partitions: 1_001 }]) {
      await expect(log.ensureTopics([{ ...spec, ...wrong }])).rejects.toMatchObject({ code: 'BAD_USER_INPUT' });
    }
  });

  test('a record over its topic’s size is refused, and the others of its append with it', async () => {
    await ensure(1, 1_000);
    const records = [...text('fits'), { key: 'k'.repeat(500), value: 'v'.repeat(501) }];
    await expect(log.append(topic, records)).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' });
    expect(await log.partitions(topic)).toEqual([{ partition: 0, low: 0, end: 0 }]);
    await log.append(topic, [{ key: 'k'.repeat(500), value: 'v'.repeat(500) }]);
    expect(await log.partitions(topic)).toEqual([{ partition: 0, low: 0, end: 1 }]);
  });

  test('an append that Postgres refuses leaves no hole', async () => {
    await log.append(topic, text('0'));
    const headers = { nul: '\u0000' };
    await expect(log.append(topic, [{ key: null, value: 'x', headers }])).rejects.toMatchObject({
      code: 'BAD_USER_INPUT',
    });
    await log.append(topic, text('1'));
    expect(await log.partitions(topic)).toEqual([{ partition: 0, low: 0, end: 2 }]);
  });

  test('appends of several processes that cross each other give out each offset once', async () => {
    topic = `${topic}-wide`;
    await ensure(4);
    const other = openLog();
    const keys = Array.from({ length: 40 }, (_, index) => `key ${index}`);
    const forth = keys.map((key) => ({ key, value: 'forth' }));
    const back = [...keys].reverse().map((key) => ({ key, value: 'back' }));
    await Promise.all(Array.from({ length: 50 }, () => [log.append(topic, forth), other.append(topic, back)]).flat());
    const { rows } = await database.pool.query<{ partition: number; first: number; end: number; count: number }>(
      `SELECT partition, min("offset")::int AS first, max("offset")::int + 1 AS end, count(*)::int AS count
       FROM log_record WHERE topic = $1 GROUP BY partition ORDER BY partition`,
      [topic],
    );
    for (const row of rows) expect([row.first, row.end]).toEqual([0, row.count]);
    expect(rows.map(({ partition, first, end }) => ({ partition, low: first, end }))).toEqual(
      await log.partitions(topic),
    );
    expect(rows.reduce((sum, { count }) => sum + count, 0)).toBe(4_000);
  });

  test('one append may be larger than one statement, and records without a key take turns', async () => {
    topic = `${topic}-wide`;
    await ensure(3);
    await log.append(
      topic,
      Array.from({ length: 30_000 }, (_, index) => ({ key: null, value: String(index) })),
    );
    expect((await log.partitions(topic)).map(({ end }) => end)).toEqual([10_000, 10_000, 10_000]);
    const { rows } = await database.pool.query<{ wrong: number }>(
      `SELECT count(*)::int AS wrong FROM log_record
       WHERE topic = $1 AND convert_from(value, 'UTF8')::int / 3 <> "offset"`,
      [topic],
    );
    expect(rows).toEqual([{ wrong: 0 }]);
  });

  test('a record without a value is read as one', async () => {
    await log.append(topic, [{ key: 'k', value: 'to be removed' }]);
    await database.pool.query('UPDATE log_record SET value = NULL WHERE topic = $1', [topic]);
    const batches: LogBatch[] = [];
    await read(collector(batches));
    await expect.poll(() => batches.length).toBe(1);
    expect(batches[0]?.records).toMatchObject([{ offset: 0, key: Buffer.from('k'), value: null, headers: {} }]);
  });

  test('a batch of large records is bounded in bytes', async () => {
    const large = Buffer.alloc(5 * 1024 * 1024, 1);
    await log.append(
      topic,
      Array.from({ length: 5 }, () => ({ key: null, value: large })),
    );
    const batches: LogBatch[] = [];
    await read(collector(batches));
    await expect.poll(() => batches.length).toBe(2);
    expect(batches.map(({ records }) => records.length)).toEqual([3, 2]);
  });

  test('an append wakes an idle reader: twenty there and back take less than two looks of the poll', async () => {
    const batches: LogBatch[] = [];
    await read(collector(batches));
    await log.append(topic, text('first'));
    await expect.poll(() => batches.length, { interval: 1 }).toBe(1);
    const startedMs = performance.now();
    for (let count = 2; count <= 21; count++) {
      await log.append(topic, text(String(count)));
      await expect.poll(() => batches.length, { interval: 1 }).toBe(count);
    }
    expect(performance.now() - startedMs).toBeLessThan(2_000);
  });

  test('retention drops from the front what is too old, once, whoever sweeps at the same time', async () => {
    await log.append(topic, text('0', '1'));
    nowMs += 8 * minute;
    await log.append(topic, text('2'));
    expect(await log.sweep()).toBe(0);
    nowMs += 3 * minute;
    const other = openLog();
    expect((await Promise.all([log.sweep(), other.sweep()])).reduce((sum, each) => sum + each)).toBe(2);
    expect(await log.partitions(topic)).toEqual([{ partition: 0, low: 2, end: 3 }]);
    nowMs += 8 * minute;
    expect(await log.sweep()).toBe(1);
    expect(await log.partitions(topic)).toEqual([{ partition: 0, low: 3, end: 3 }]);
    expect(await log.offsetAt(topic, 0, 0)).toBe(3);
    await log.append(topic, text('3'));
    expect(await log.partitions(topic)).toEqual([{ partition: 0, low: 3, end: 4 }]);
  });

  test('retention works in bounded steps', async () => {
    await log.append(
      topic,
      Array.from({ length: 25_000 }, () => ({ key: null, value: 'x' })),
    );
    nowMs += 11 * minute;
    await log.append(topic, text('young'));
    expect(await log.sweep()).toBe(25_000);
    expect(await log.partitions(topic)).toEqual([{ partition: 0, low: 25_000, end: 25_001 }]);
  });

  test('a reader whose position retention has passed is told what it lost', async () => {
    await log.append(topic, text('0', '1', '2'));
    nowMs += 11 * minute;
    await log.append(topic, text('3'));
    await log.sweep();
    const batches: LogBatch[] = [];
    await read(collector(batches, 1));
    await expect.poll(() => batches.length).toBe(1);
    expect(batches[0]).toMatchObject({ from: 3, next: 4, lost: { from: 1, to: 3 }, records: [{ offset: 3 }] });
  });

  test('a reader is told of a loss even where nothing came after it', async () => {
    await log.append(topic, text('0', '1', '2'));
    nowMs += 11 * minute;
    await log.sweep();
    const batches: LogBatch[] = [];
    await read(collector(batches, 1));
    await expect.poll(() => batches.length).toBe(1);
    expect(batches[0]).toMatchObject({ from: 3, next: 3, lost: { from: 1, to: 3 }, records: [], end: 3 });
  });

  test('a position that the log never gave out ends the consumption instead of skipping records', async () => {
    await log.append(topic, text('0'));
    const consumption = await read(collector([], 5));
    await expect(consumption.ended).rejects.toMatchObject({ code: 'NOT_FOUND', details: { wanted: 5, end: 1 } });
    await consumption.stop();
  });

  test('a read that retention overtakes is told what it lost, and goes on behind that', async () => {
    await log.append(topic, text('0', '1', '2'));
    nowMs += 11 * minute;
    await log.append(topic, text('3', '4'));
    const batches: LogBatch[] = [];
    for await (const batch of readRange(0, 5, { batchRecordsMax: 1 })) {
      batches.push(batch);
      await log.sweep();
    }
    expect(batches).toMatchObject([
      { from: 0, next: 1 },
      { from: 3, next: 4, lost: { from: 1, to: 3 } },
      { from: 4, next: 5 },
    ]);
    expect(batches.map(({ lost }) => lost !== undefined)).toEqual([false, true, false]);
  });

  test('a read tells of a loss that happens between its look at the bounds and at the records', async () => {
    await log.append(topic, text('0', '1', '2'));
    const retention = await database.pool.connect();
    await retention.query('BEGIN');
    await retention.query('LOCK TABLE log_record');
    const batches = readRange(0, 3)[Symbol.asyncIterator]();
    const first = batches.next();
    await expect.poll(() => waitingForLocks(database.pool)).toBe(1);
    await retention.query('DELETE FROM log_record WHERE topic = $1', [topic]);
    await retention.query('UPDATE log_partition SET low_offset = 3 WHERE topic = $1', [topic]);
    await retention.query('COMMIT');
    retention.release();
    expect((await first).value).toMatchObject({ from: 3, next: 3, lost: { from: 0, to: 3 }, records: [] });
    expect(await batches.next()).toMatchObject({ done: true });
  });

  test('an aborted read does not wait for the database', async () => {
    const blocker = await database.pool.connect();
    await blocker.query('BEGIN');
    await blocker.query('LOCK TABLE log_partition');
    const abort = new AbortController();
    const range = { topic, partition: 0, from: 0, to: 1, batchRecordsMax: 1 };
    const next = log.read(range, abort.signal)[Symbol.asyncIterator]().next();
    await expect.poll(() => waitingForLocks(database.pool)).toBe(1);
    abort.abort(new Error('enough'));
    await expect(next).rejects.toThrow('enough');
    await blocker.query('ROLLBACK');
    blocker.release();
  });

  test('a read holds no connection between two batches', async () => {
    await log.append(topic, text('0', '1'));
    const { pool } = database;
    for await (const _ of readRange(0, 2, { batchRecordsMax: 1 })) expect(pool.idleCount).toBe(pool.totalCount);
  });

  test('closing ends reads under way, and a closed log begins none', async () => {
    await log.append(topic, text('0', '1'));
    const batches = readRange(0, 2, { batchRecordsMax: 1 })[Symbol.asyncIterator]();
    await batches.next();
    await log.close();
    await expect(batches.next()).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await expect(readRange(0, 2)[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });

  test('a clock that goes back does not put a record before an older one', async () => {
    await log.append(topic, text('0'));
    const laterMs = nowMs;
    nowMs -= minute / 2;
    await log.append(topic, text('1'));
    expect(await log.offsetAt(topic, 0, nowMs)).toBe(0);
    expect(await log.offsetAt(topic, 0, laterMs)).toBe(0);
    expect(await log.offsetAt(topic, 0, laterMs + 1)).toBe(2);
  });

  const hour = 60 * minute;
  const toldOf = async (from: number, to: number) => {
    const told: number[] = [];
    for await (const { records } of readRange(from, to)) told.push(...records.map(({ appendedAt }) => appendedAt));
    return told;
  };

  test.each(['the next append', 'the sweep'] as const)(
    'a clock that ran hours ahead and was set back: %s brings the search by time back to it, and readers are told what they were',
    async (who) => {
      const trueMs = nowMs;
      await log.append(topic, text('0'));
      nowMs = trueMs + 5 * hour;
      await log.append(topic, text('1', '2'));
      nowMs = trueMs + 8 * minute;
      if (who === 'the sweep') expect(await log.sweep()).toBe(0);
      await log.append(topic, text('3'));
      nowMs += minute;
      await log.append(topic, text('4'));

      // A replay of the last ten minutes has all there is, one of the first five what was appended in them.
      expect(await log.offsetAt(topic, 0, trueMs)).toBe(0);
      expect(await log.offsetAt(topic, 0, trueMs + 5 * minute)).toBe(1);
      expect(await log.offsetAt(topic, 0, trueMs + 9 * minute)).toBe(4);
      expect(await log.offsetAt(topic, 0, nowMs + 1)).toBe(5);
      expect(await toldOf(0, 5)).toEqual([0, 5 * hour, 5 * hour, 8 * minute, 9 * minute].map((past) => trueMs + past));

      // The same once more: what was told first stays what is told.
      nowMs += 2 * hour;
      await log.append(topic, text('5'));
      nowMs = trueMs + 10 * minute;
      await log.append(topic, text('6'));
      expect(await log.offsetAt(topic, 0, nowMs)).toBe(5);
      expect((await toldOf(0, 7)).slice(1, 3)).toEqual([5 * hour, 5 * hour].map((past) => trueMs + past));
    },
  );

  test('the clock of a machine that appends, hours ahead, stamps nothing: the server’s does', async () => {
    const serverMs = Date.now();
    const machine = createPostgresLog({ pool: database.pool, connectionString: database.url, log: quiet });
    vi.useFakeTimers({ toFake: ['Date'], now: serverMs + 5 * hour });
    onTestFinished(() => {
      vi.useRealTimers();
    });
    await machine.append(topic, text('0'));
    expect(Math.abs(((await toldOf(0, 1))[0] ?? 0) - serverMs)).toBeLessThan(minute);
    // Nor does it drop what is not too old by the server's.
    expect(await machine.sweep()).toBe(0);
    await machine.close();
  });

  test('a lost session voids the claims: the partition is claimed anew, once its old batch is over', async () => {
    await log.append(topic, text('0'));
    const events: string[] = [];
    const gate = new Gate();
    await read({
      claim: async () => {
        events.push('claim');
        return undefined;
      },
      handle: async ({ from }) => {
        events.push(`begin ${from}`);
        if (events.length === 2) await gate.opened;
        events.push('end');
      },
    });
    await expect.poll(() => events).toEqual(['claim', 'begin 0']);
    const [before] = await sessions(database.pool, topic);
    await database.pool.query('SELECT pg_terminate_backend($1)', [before?.pid]);
    // The next session has asked for free partitions before the old batch is let go.
    await expect
      .poll(() => sessions(database.pool, topic), { timeout: 5_000 })
      .toSatisfy(([now]) => now?.pid !== before?.pid && now?.query.includes('pg_try_advisory_lock'));
    expect(events).toEqual(['claim', 'begin 0']);
    gate.open();
    await expect.poll(() => events, { timeout: 5_000 }).toEqual(['claim', 'begin 0', 'end', 'claim', 'begin 0', 'end']);
  });

  test('a standby takes over from a member whose session ended, though that one still handles a batch', async () => {
    await log.append(topic, text('0'));
    const gate = new Gate();
    const stuck: LogBatch[] = [];
    await read({
      claim: async () => undefined,
      handle: async (batch) => {
        stuck.push(batch);
        await gate.opened;
      },
    });
    await expect.poll(() => stuck.length).toBe(1);
    const standby = openLog();
    const batches: LogBatch[] = [];
    await read(collector(batches), standby);
    const { rows } = await database.pool.query<{ pid: number }>(
      `SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND database =
         (SELECT oid FROM pg_database WHERE datname = current_database())`,
    );
    expect(rows).toHaveLength(1);
    await database.pool.query('SELECT pg_terminate_backend($1)', [rows[0]?.pid]);
    await expect.poll(() => batches.length, { timeout: 5_000 }).toBe(1);
    expect(stuck).toHaveLength(1);
    gate.open();
    await standby.close();
  });

  test('a fenced member lets the partition go, for a standby to take', async () => {
    await log.append(topic, text('0'));
    const fenced = new Gate();
    await read({
      claim: async () => undefined,
      handle: async () => {
        fenced.open();
        throw new BusbarError('FENCED', 'another member owns it');
      },
    });
    await fenced.opened;
    const standby = openLog();
    const batches: LogBatch[] = [];
    await read(collector(batches), standby);
    await expect.poll(() => batches.length, { timeout: 10_000 }).toBe(1);
    await standby.close();
  });

  test('closing stops every consumption, and a closed log takes no new one', async () => {
    const consumption = await read(collector([]));
    await log.close();
    await consumption.ended;
    await expect.poll(() => sessions(database.pool, topic)).toEqual([]);
    await expect(read(collector([]))).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });

  test('a database that does not answer is UNAVAILABLE, for every call', async () => {
    const connectionString = `postgres://nobody:nothing@127.0.0.1:${await closedPort()}/nowhere`;
    const pool = new pg.Pool({ connectionString });
    const lonely = createPostgresLog({ pool, connectionString, log: quiet });
    const unavailable = { code: 'UNAVAILABLE', retriable: true };
    await expect(lonely.ping()).rejects.toMatchObject(unavailable);
    await expect(lonely.append(topic, text('x'))).rejects.toMatchObject(unavailable);
    await expect(lonely.partitions(topic)).rejects.toMatchObject(unavailable);
    const range = { topic, partition: 0, from: 0, to: 1, batchRecordsMax: 1 };
    const batches = lonely.read(range, new AbortController().signal)[Symbol.asyncIterator]();
    await expect(batches.next()).rejects.toMatchObject(unavailable);
    await expect(lonely.sweep()).rejects.toMatchObject(unavailable);
    await lonely.close();
    await pool.end();
  });
});

/** A handler that keeps what it is given. */
function collector(batches: LogBatch[], position?: number): PartitionHandler {
  return {
    claim: async () => position,
    handle: async (batch) => {
      batches.push(batch);
    },
  };
}

class Gate {
  open: () => void = () => {};
  readonly opened = new Promise<void>((resolve) => {
    this.open = resolve;
  });
}

function text(...values: string[]): OutgoingRecord[] {
  return values.map((value) => ({ key: 'key', value }));
}

/** The sessions that own the partitions of the topic, with what each asked last. */
async function sessions(pool: pg.Pool, topic: string): Promise<{ pid: number; query: string }[]> {
  const { rows } = await pool.query<{ pid: number; query: string }>(
    'SELECT pid, query FROM pg_stat_activity WHERE application_name = $1',
    [`busbar log group of ${topic}`],
  );
  return rows;
}

async function waitingForLocks(pool: pg.Pool): Promise<number> {
  const { rows } = await pool.query<{ count: number }>(
    `SELECT count(*)::int AS count FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
  );
  return rows[0]?.count ?? 0;
}

function closedPort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() =>
        address && typeof address === 'object' ? resolve(address.port) : reject(new Error('no port')),
      );
    });
  });
}
