import { setTimeout as delay } from 'node:timers/promises';
import { type Admin, type Message, Partitioners, type Producer } from 'kafkajs';
import { BusbarError, isBusbarError } from '../../domain/errors.ts';
import { abortable } from './abortable.ts';
import type {
  Appended,
  Consumption,
  EventLog,
  LogBatch,
  LogConsumer,
  LogRange,
  OutgoingRecord,
  PartitionBounds,
  TopicSpec,
} from './event-log.ts';
import { COMPRESSION, createKafkaClient, fetchBounds, type KafkaSettings, kafkaError, within } from './kafka-client.ts';
import { startConsumption } from './kafka-consumption.ts';
import { KafkaReader } from './kafka-reader.ts';

const PING_MS_MAX = 5_000;
/**
 * Kafkajs makes one record batch of what is sent to a partition at once, and readers take a batch whole: it is kept
 * below the megabyte every topic takes, and below what kafkajs can spread into a call (120,000 arguments or so).
 */
const SEND_BYTES_MAX = 900_000;
const SEND_RECORDS_MAX = 10_000;
const CREATE_LOOKS_MAX = 50;
const CREATE_LOOK_EVERY_MS = 100;

/** Kafka as the event log, over kafkajs. Connects when first used; one admin and one producer serve the process. */
export function createKafkaLog(settings: KafkaSettings): EventLog {
  return new KafkaLog(settings);
}

class KafkaLog implements EventLog {
  readonly #settings: KafkaSettings;
  readonly #consumptions = new Set<Consumption>();
  readonly #readers = new Set<KafkaReader>();
  readonly #closing = new AbortController();
  readonly #admin: Connected<Admin>;
  readonly #producer: Connected<Producer>;

  constructor(settings: KafkaSettings) {
    this.#settings = settings;
    const client = createKafkaClient(settings);
    this.#admin = new Connected(() => client.admin());
    // Not idempotent: with its tries limited, kafkajs reuses the sequence numbers of an append whose answer was lost,
    // and the broker then takes the next append for a duplicate and drops it. A record written twice does no harm.
    this.#producer = new Connected(() =>
      client.producer({ createPartitioner: Partitioners.DefaultPartitioner, allowAutoTopicCreation: false }),
    );
  }

  ensureTopics(topics: readonly TopicSpec[]): Promise<void> {
    return this.#asking('creating topics', (admin) => createMissing(admin, topics));
  }

  async append(topic: string, records: readonly OutgoingRecord[]): Promise<readonly Appended[]> {
    const first = new Map<number, number>();
    try {
      for (const messages of sendsFrom(records)) {
        const producer = await this.#producer.get();
        const sent = await producer.send({ topic, messages, acks: -1, compression: COMPRESSION });
        for (const { partition, baseOffset } of sent)
          if (!first.has(partition)) first.set(partition, Number(baseOffset));
      }
      return [...first].map(([partition, offset]) => ({ partition, offset }));
    } catch (error) {
      throw kafkaError(`appending to ${topic}`, error);
    }
  }

  async consume(consumer: LogConsumer): Promise<Consumption> {
    const consumption = startConsumption(this.#settings, () => this.#admin.get(), consumer);
    this.#consumptions.add(consumption);
    const forget = () => this.#consumptions.delete(consumption);
    consumption.ended.then(forget, forget);
    return consumption;
  }

  async *read(range: LogRange, signal: AbortSignal): AsyncGenerator<LogBatch> {
    const { topic, partition, from, to } = range;
    if (from >= to) return;
    const either = AbortSignal.any([signal, this.#closing.signal]);
    const { low, end } = await abortable(this.#bounds(topic, partition), either);
    if (from > end) throw beyondEnd(range, end);
    // To wait for what comes later is what consuming is for.
    const until = Math.min(to, end);
    if (low < until) yield* this.#readUntil({ ...range, to: until }, either);
    else if (from < until)
      yield { topic, partition, from: until, next: until, lost: { from, to: until }, records: [], end };
  }

  partitions(topic: string): Promise<PartitionBounds[]> {
    return this.#asking(`asking for the bounds of ${topic}`, (admin) => fetchBounds(admin, topic));
  }

  offsetAt(topic: string, partition: number, instantMs: number): Promise<number> {
    return this.#asking(`asking for an offset of ${topic}`, async (admin) => {
      const offsets = await admin.fetchTopicOffsetsByTimestamp(topic, Math.max(0, instantMs));
      return Number(ofPartition(topic, partition, offsets).offset);
    });
  }

  async ping(): Promise<void> {
    try {
      await within(
        PING_MS_MAX,
        this.#admin.get().then((admin) => admin.describeCluster()),
      );
    } catch (error) {
      throw kafkaError('asking the brokers', error);
    }
  }

  async close(): Promise<void> {
    this.#closing.abort(new BusbarError('UNAVAILABLE', 'the log is closed'));
    await Promise.all([
      ...[...this.#consumptions].map((consumption) => consumption.stop()),
      ...[...this.#readers].map((reader) => reader.end()),
    ]);
    await Promise.all([this.#admin.close(), this.#producer.close()]);
  }

  /** The log has reached the end of the range, and still has something in it. */
  async *#readUntil(range: LogRange, signal: AbortSignal): AsyncGenerator<LogBatch> {
    const reader = new KafkaReader({ settings: this.#settings, admin: () => this.#admin.get(), range, signal });
    this.#readers.add(reader);
    try {
      for (let position = range.from; position < range.to; ) {
        const batch = await reader.next();
        position = batch.next;
        yield batch;
      }
    } finally {
      await reader.end();
      this.#readers.delete(reader);
    }
  }

  async #bounds(topic: string, partition: number): Promise<PartitionBounds> {
    return ofPartition(topic, partition, await this.partitions(topic));
  }

  async #asking<T>(doing: string, ask: (admin: Admin) => Promise<T>): Promise<T> {
    try {
      return await ask(await this.#admin.get());
    } catch (error) {
      throw isBusbarError(error) ? error : kafkaError(doing, error);
    }
  }
}

/**
 * A broker learns of a topic a moment after the controller has made it. What kafkajs waits for behind the creation fails
 * then, as if there were no such topic; looking again finds it.
 */
async function createMissing(admin: Admin, topics: readonly TopicSpec[]): Promise<void> {
  for (let looks = 1; ; looks++) {
    const there = new Set(await admin.listTopics());
    const missing = topics.filter(({ topic }) => !there.has(topic));
    try {
      // False where another process was faster.
      for (const spec of missing) await admin.createTopics({ topics: [configFromSpec(spec)] });
      return;
    } catch (error) {
      if (looks === CREATE_LOOKS_MAX || kafkaError('', error).code !== 'NOT_FOUND') throw error;
      await delay(CREATE_LOOK_EVERY_MS);
    }
  }
}

function ofPartition<T extends { readonly partition: number }>(topic: string, partition: number, all: readonly T[]): T {
  const found = all.find((each) => each.partition === partition);
  if (!found) throw new BusbarError('NOT_FOUND', `topic ${topic} has no partition ${partition}`);
  return found;
}

function beyondEnd({ topic, partition, from }: LogRange, end: number): BusbarError {
  return new BusbarError(
    'NOT_FOUND',
    `partition ${partition} of topic ${topic} ends at offset ${end}, the range begins at ${from}: was the topic created anew?`,
    { details: { topic, partition, wanted: from, end } },
  );
}

/** Something that is connected once, by the first who needs it; where that fails, by the next. */
class Connected<T extends { connect(): Promise<void>; disconnect(): Promise<void> }> {
  readonly #create: () => T;
  #connection: Promise<T> | undefined;

  constructor(create: () => T) {
    this.#create = create;
  }

  get(): Promise<T> {
    if (this.#connection) return this.#connection;
    const created = this.#create();
    const connection = created.connect().then(() => created);
    this.#connection = connection;
    connection.catch(() => {
      if (this.#connection === connection) this.#connection = undefined;
    });
    return connection;
  }

  async close(): Promise<void> {
    const connection = this.#connection;
    this.#connection = undefined;
    const connected = await connection?.catch(() => undefined);
    await connected?.disconnect();
  }
}

function configFromSpec({ topic, partitions, retentionMs, recordBytesMax }: TopicSpec) {
  const configEntries = [
    { name: 'retention.ms', value: String(retentionMs) },
    { name: 'max.message.bytes', value: String(recordBytesMax) },
  ];
  return { topic, numPartitions: partitions, configEntries };
}

/** Cuts what is to be appended into sends that stay below the limits; a large record gets a send of its own. */
function* sendsFrom(records: readonly OutgoingRecord[]): Generator<Message[]> {
  let send: Message[] = [];
  let bytes = 0;
  for (const record of records) {
    const size = Buffer.byteLength(record.value);
    if (send.length > 0 && (bytes + size > SEND_BYTES_MAX || send.length === SEND_RECORDS_MAX)) {
      yield send;
      send = [];
      bytes = 0;
    }
    send.push(messageFromRecord(record));
    bytes += size;
  }
  if (send.length > 0) yield send;
}

function messageFromRecord({ key, value, headers }: OutgoingRecord): Message {
  return headers ? { key, value, headers: { ...headers } } : { key, value };
}
