import { randomBytes, randomUUID } from 'node:crypto';
import { Kafka, logLevel } from 'kafkajs';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type KafkaBroker, produceWithKafkaTools, startKafka } from '../../tests/support/kafka.ts';
import { requireOrSkip } from '../../tests/support/services.ts';
import { eventLogConformance } from './event-log.conformance.ts';
import type { Consumption, EventLog, LogBatch, LogRecord, OutgoingRecord } from './event-log.ts';
import { createKafkaLog } from './kafka-log.ts';

const log = pino({ level: 'silent' });
const WAIT_MS_MAX = 30_000;

describe.skipIf(!requireOrSkip('kafka'))('with a real broker', { timeout: 60_000 }, () => {
  let broker: KafkaBroker;
  let eventLog: EventLog;
  const running: Consumption[] = [];
  const closing: Promise<void>[] = [];

  beforeAll(async () => {
    broker = await startKafka();
    eventLog = createKafkaLog({ brokers: broker.brokers, ssl: false, clientId: 'test', log });
  }, 60_000);
  afterEach(async () => {
    await Promise.all(running.splice(0).map((consumption) => consumption.stop()));
  });
  afterAll(async () => {
    await Promise.all([eventLog?.close(), ...closing]);
    await broker?.stop();
  });

  const newTopic = async (partitions: number) => {
    const topic = `kafka.${randomUUID()}`;
    await eventLog.ensureTopics([{ topic, partitions, retentionMs: 3_600_000, recordBytesMax: 6_000_000 }]);
    return topic;
  };

  const read = async (topic: string, reader: Reader, group = `group.${randomUUID()}`) => {
    const consumption = await eventLog.consume({ group, topics: [topic], handler: reader, batchRecordsMax: 100 });
    running.push(consumption);
    return consumption;
  };

  const readRange = (
    topic: string,
    from: number,
    to: number,
    signal = new AbortController().signal,
    reader = eventLog,
  ) => reader.read({ topic, partition: 0, from, to, batchRecordsMax: 100 }, signal);

  eventLogConformance('Kafka', async () => ({
    log: eventLog,
    expire: async (topic) => {
      const [bounds] = await eventLog.partitions(topic);
      await deleteUntil(broker, topic, bounds?.end ?? 0);
    },
    stop: async () => {},
  }));

  test('a record larger than its topic takes is refused, and what cannot be reached is unavailable', async () => {
    const topic = await newTopic(1);
    const large = randomBytes(7_000_000);
    await expect(eventLog.append(topic, [{ key: null, value: large }])).rejects.toMatchObject({
      code: 'LIMIT_EXCEEDED',
    });
    await expect(eventLog.offsetAt(topic, 9, 0)).rejects.toMatchObject({ code: 'NOT_FOUND' });

    const away = createKafkaLog({ brokers: ['127.0.0.1:1'], ssl: false, clientId: 'test', log });
    await expect(away.ping()).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    const abort = new AbortController();
    const waiting = readRange(topic, 0, 1, abort.signal, away)[Symbol.asyncIterator]().next();
    abort.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
    const batches = readRange(topic, 0, 1, undefined, away)[Symbol.asyncIterator]();
    await expect(batches.next()).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    // It still tries to connect, for 8 s; the other tests need not wait for that.
    closing.push(away.close());
  });

  test('a broker that restarts while it is written and read costs no record and repeats no position', async () => {
    const topic = await newTopic(2);
    const reader = new Reader();
    await read(topic, reader);
    await eventLog.append(topic, numbered(0, 500));
    await reader.has(500);

    const restarted = broker.restart();
    const appended = appendUntilTaken(eventLog, topic, numbered(500, 500));
    await restarted;
    await appended;
    await eventLog.append(topic, numbered(1_000, 500));
    await expect.poll(() => reader.values().size, { timeout: WAIT_MS_MAX }).toBe(1_500);
    for (const partition of [0, 1]) reader.expectSeamless(partition);
  });

  test('two members share the partitions, and the one that stays claims those of the one that stops', async () => {
    const topic = await newTopic(4);
    const group = `group.${randomUUID()}`;
    const [one, other] = [new Reader(), new Reader()];
    const first = await read(topic, one, group);
    await expect.poll(() => one.claims.length, { timeout: WAIT_MS_MAX }).toBe(4);
    await read(topic, other, group);
    await expect.poll(() => other.claims.length, { timeout: WAIT_MS_MAX }).toBe(2);

    const shared = [...other.claims];
    await first.stop();
    await expect.poll(() => other.claims.length, { timeout: WAIT_MS_MAX }).toBe(shared.length + 4);
    expect(other.claims.slice(shared.length).sort()).toEqual([0, 1, 2, 3]);
  });

  test('records of Kafka’s own producer are read, and its keys go to the partitions ours go to', async () => {
    const topic = await newTopic(8);
    const keys = Array.from({ length: 16 }, (_, index) => `CAISO:NODE-${index}`);
    await produceWithKafkaTools(
      broker.brokers[0] ?? '',
      topic,
      keys.map((key) => `${key}\tforeign`),
    );
    await eventLog.append(
      topic,
      keys.map((key) => ({ key, value: 'ours' })),
    );
    const reader = new Reader();
    await read(topic, reader);
    await reader.has(32);
    for (const key of keys) {
      const homes = reader.batches.filter(({ records }) => records.some((each) => each.key?.toString() === key));
      expect(new Set(homes.map(({ partition }) => partition)).size).toBe(1);
    }
  });

  test('offsets that markers of transactions take leave no gap, and the position comes to the end', async () => {
    const topic = await newTopic(1);
    await transactions(broker, topic, ['committed', 'aborted', 'committed', 'aborted']);
    await eventLog.append(topic, [{ key: null, value: 'plain' }]);
    await transactions(broker, topic, ['aborted']);
    const reader = new Reader();
    await read(topic, reader);

    // Asked for again each time: the broker writes the marker of an aborted transaction after it said that it is aborted.
    const left = async () => {
      const [bounds] = await eventLog.partitions(topic);
      return (bounds?.end ?? Number.NaN) - (reader.batches.at(-1)?.next ?? 0);
    };
    await expect.poll(left, { timeout: WAIT_MS_MAX }).toBe(0);
    expect(reader.records().map(({ value }) => value?.toString())).toEqual(['committed', 'committed', 'plain']);
    expect(reader.batches.some(({ lost }) => lost)).toBe(false);
    expect(reader.batches[0]?.from).toBe(0);
    reader.expectSeamless(0);
  });

  test('a read comes to its end where markers of transactions are the last there is', async () => {
    const topic = await newTopic(1);
    await transactions(broker, topic, ['committed', 'aborted', 'committed', 'aborted', 'aborted']);
    const end = async () => (await eventLog.partitions(topic))[0]?.end ?? 0;
    // The broker writes the last marker after it said that the transaction is aborted.
    await expect.poll(end, { timeout: WAIT_MS_MAX }).toBe(10);
    const batches: LogBatch[] = [];
    for await (const batch of readRange(topic, 0, 1_000)) batches.push(batch);
    expect(batches.flatMap(({ records }) => records).map(({ value }) => value?.toString())).toEqual([
      'committed',
      'committed',
    ]);
    expect([batches[0]?.from, batches.at(-1)?.next]).toEqual([0, 10]);
  });

  test('a read leaves no group behind, however it ends', async () => {
    const topic = await newTopic(1);
    await eventLog.append(topic, numbered(0, 300));
    for await (const { next } of readRange(topic, 0, 300)) {
      // It is gone as soon as the last batch was taken: nothing more is fetched.
      await expect.poll(() => readingGroups(broker), { timeout: WAIT_MS_MAX }).toHaveLength(next < 300 ? 1 : 0);
    }

    for await (const _ of readRange(topic, 0, 300)) break;
    expect(await readingGroups(broker)).toEqual([]);

    const abort = new AbortController();
    const batches = readRange(topic, 0, 300, abort.signal)[Symbol.asyncIterator]();
    await batches.next();
    abort.abort();
    // Although nobody asks for the next batch.
    await expect.poll(() => readingGroups(broker), { timeout: WAIT_MS_MAX }).toEqual([]);

    const closed = createKafkaLog({ brokers: broker.brokers, ssl: false, clientId: 'test', log });
    const left = readRange(topic, 0, 300, undefined, closed)[Symbol.asyncIterator]();
    await left.next();
    await closed.close();
    expect(await readingGroups(broker)).toEqual([]);
    await expect(left.next()).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    const late = readRange(topic, 0, 300, undefined, closed)[Symbol.asyncIterator]();
    await expect(late.next()).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });

  test('a read commits no offsets, for which the broker would keep its group were it not deleted', async () => {
    const topic = await newTopic(1);
    await eventLog.append(topic, numbered(0, 10));
    const consumption = await read(topic, new Reader(), `consuming ${topic}`);
    for await (const _ of readRange(topic, 0, 10));
    await expect.poll(() => committedGroups(eventLog), { timeout: WAIT_MS_MAX }).toContain(`consuming ${topic}`);
    await consumption.stop();
    expect((await committedGroups(eventLog)).filter((group) => group.startsWith('busbar-read-'))).toEqual([]);
  });

  test('a position that retention has passed is told as lost, with the next records or without any', async () => {
    const topic = await newTopic(1);
    await eventLog.append(topic, numbered(0, 10));
    await deleteUntil(broker, topic, 7);
    const some = new Reader(4);
    const consumption = await read(topic, some);
    await some.has(3);
    expect(some.batches[0]).toMatchObject({ lost: { from: 4, to: 7 }, from: 7, next: 10 });
    await consumption.stop();

    await deleteUntil(broker, topic, 10);
    const none = new Reader(4);
    await read(topic, none);
    await expect.poll(() => none.batches.length, { timeout: WAIT_MS_MAX }).toBe(1);
    expect(none.batches[0]).toMatchObject({ lost: { from: 4, to: 10 }, from: 10, next: 10, end: 10, records: [] });
  });

  test('a position beyond the end is not read from another place', async () => {
    const topic = await newTopic(1);
    await eventLog.append(topic, numbered(0, 3));
    const reader = new Reader(5);
    await read(topic, reader);
    await expect.poll(() => reader.claims.length, { timeout: WAIT_MS_MAX }).toBeGreaterThan(2);
    expect(reader.batches).toEqual([]);

    await eventLog.append(topic, numbered(3, 4));
    await reader.has(2);
    expect(reader.batches[0]?.from).toBe(5);
  });

  test('a partition that fails does not hold the others up', async () => {
    const topic = await newTopic(4);
    await eventLog.append(topic, numbered(0, 400));
    const reader = new Reader();
    reader.beforeKeeping = async ({ partition }) => {
      if (partition === 0) throw new Error('a poisoned partition');
    };
    await read(topic, reader);
    const bounds = await eventLog.partitions(topic);
    const others = bounds.slice(1).reduce((sum, { end }) => sum + end, 0);
    await reader.has(others);
    reader.beforeKeeping = async () => {};
    await reader.has(400);
  });
});

/** Keeps what it is handed, and its positions, as a store would. */
class Reader {
  readonly claims: number[] = [];
  readonly batches: LogBatch[] = [];
  beforeKeeping = async (_batch: LogBatch): Promise<void> => {};
  readonly #positions = new Map<number, number>();
  readonly #start: number | undefined;

  constructor(start?: number) {
    this.#start = start;
  }

  async claim(_topic: string, partition: number): Promise<number | undefined> {
    this.claims.push(partition);
    return this.#positions.get(partition) ?? this.#start;
  }

  async handle(batch: LogBatch): Promise<void> {
    await this.beforeKeeping(batch);
    this.batches.push(batch);
    this.#positions.set(batch.partition, batch.next);
  }

  records(): LogRecord[] {
    return this.batches.flatMap(({ records }) => records);
  }

  values(): Set<string> {
    return new Set(this.records().map(({ value }) => String(value)));
  }

  async has(count: number): Promise<void> {
    await expect
      .poll(() => this.records().length, { timeout: WAIT_MS_MAX, interval: 20 })
      .toBeGreaterThanOrEqual(count);
    expect(this.records().length).toBe(count);
  }

  /** Each batch begins where the one before ended, so that no offset came twice and none was passed over. */
  expectSeamless(partition: number): void {
    const batches = this.batches.filter((batch) => batch.partition === partition);
    expect(batches.slice(1).map(({ from }) => from)).toEqual(batches.slice(0, -1).map(({ next }) => next));
  }
}

function numbered(first: number, count: number): OutgoingRecord[] {
  return Array.from({ length: count }, (_, index) => ({ key: `key ${first + index}`, value: String(first + index) }));
}

/** As a writer does who wants them in, were it twice. */
async function appendUntilTaken(eventLog: EventLog, topic: string, records: OutgoingRecord[]): Promise<void> {
  try {
    await eventLog.append(topic, records);
  } catch {
    await appendUntilTaken(eventLog, topic, records);
  }
}

function foreignClient(broker: KafkaBroker): Kafka {
  return new Kafka({ brokers: [...broker.brokers], logLevel: logLevel.NOTHING });
}

async function transactions(broker: KafkaBroker, topic: string, ends: readonly ('committed' | 'aborted')[]) {
  const producer = foreignClient(broker).producer({ transactionalId: randomUUID(), maxInFlightRequests: 1 });
  await producer.connect();
  for (const end of ends) {
    const transaction = await producer.transaction();
    await transaction.send({ topic, messages: [{ value: end }] });
    await (end === 'committed' ? transaction.commit() : transaction.abort());
  }
  await producer.disconnect();
}

async function readingGroups(broker: KafkaBroker): Promise<string[]> {
  const admin = foreignClient(broker).admin();
  await admin.connect();
  const { groups } = await admin.listGroups();
  await admin.disconnect();
  return groups.map(({ groupId }) => groupId).filter((group) => group.startsWith('busbar-read-'));
}

/**
 * The groups that ever committed offsets, from the broker's own topic, of which the test's broker makes one partition.
 * A key is a version, 0 and 1 for a committed offset, then the group with its length before it; two bytes each.
 */
async function committedGroups(eventLog: EventLog): Promise<string[]> {
  const range = { topic: '__consumer_offsets', partition: 0, from: 0, to: Number.MAX_SAFE_INTEGER };
  const groups: string[] = [];
  for await (const { records } of eventLog.read(
    { ...range, batchRecordsMax: 1_000 },
    AbortSignal.timeout(WAIT_MS_MAX),
  )) {
    for (const { key } of records) {
      if (key && key.readInt16BE(0) < 2) groups.push(key.toString('utf8', 4, 4 + key.readInt16BE(2)));
    }
  }
  return groups;
}

async function deleteUntil(broker: KafkaBroker, topic: string, offset: number): Promise<void> {
  const admin = foreignClient(broker).admin();
  await admin.connect();
  await admin.fetchTopicMetadata({ topics: [topic] });
  await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: String(offset) }] });
  await admin.disconnect();
}
