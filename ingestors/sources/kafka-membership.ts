/**
 * One life of a kafkajs consumer: from connecting until it is stopped, crashes or stalls. What follows is decided by
 * `kafka-consumption.ts`, which begins the next life; nothing is restarted in here.
 */
import type {
  Admin,
  Consumer,
  ConsumerGroupJoinEvent,
  ConsumerStartBatchProcessEvent,
  EachBatchPayload,
} from 'kafkajs';
import type { Logger } from 'pino';
import type { LogConsumer } from './event-log.ts';
import { onlyPartition } from './kafka-assignment.ts';
import { createKafkaClient, fetchBounds, type KafkaSettings, within } from './kafka-client.ts';
import { type Fetched, fetchedFromBatch, KafkaLane, type LaneSource } from './kafka-lane.ts';
import { StallWatch } from './kafka-stall-watch.ts';

/**
 * The shortest session brokers allow by default: a process that was killed holds its partitions that long. Members
 * that stop say so, and do not make anybody wait.
 */
const SESSION_MS = 6_000;
const HEARTBEAT_MS = 1_000;
const REBALANCE_MS_MAX = 30_000;
/** How long a fetch waits for records; also how late a partition that was paused is noticed to be resumed. */
const FETCH_WAIT_MS_MAX = 250;
const PARTITION_FETCH_BYTES_MAX = 8 * 1024 * 1024;
const FETCH_BYTES_MAX = 32 * 1024 * 1024;
const PARTITIONS_AT_ONCE_MAX = 8;
/** Group offsets are for Kafka's own tools; the database has the true ones. */
const HINT_EVERY_MS = 1_000;
const WATCH_EVERY_MS = 30_000;
const DISCONNECT_MS_MAX = 10_000;

export class KafkaMembership {
  /** Rejects when the consumer crashes or stalls; never resolves. */
  readonly failed: Promise<never>;
  readonly #wanted: LogConsumer;
  readonly #only: number | undefined;
  readonly #log: Logger;
  readonly #admin: () => Promise<Admin>;
  readonly #consumer: Consumer;
  readonly #lanes = new Map<string, KafkaLane>();
  /** When the lanes of earlier generations have finished, by partition. */
  readonly #settled = new Map<string, Promise<void>>();
  readonly #hinted = new Map<string, number>();
  readonly #watch = new StallWatch();
  #watchTimer: NodeJS.Timeout | undefined;
  #hintedAt = 0;
  #fail: (error: Error) => void = () => {};
  /**
   * Commits once. `consumer.commitOffsets` would try for 10 s, and connect again although the consumer was stopped
   * meanwhile, which keeps the process alive.
   */
  #commit: EachBatchPayload['commitOffsetsIfNecessary'] | undefined;

  /** @param only the partition to read, in a group of one; such a group leaves no offsets behind for Kafka's tools. */
  constructor(settings: KafkaSettings, admin: () => Promise<Admin>, wanted: LogConsumer, only?: number) {
    this.#wanted = wanted;
    this.#only = only;
    this.#admin = admin;
    this.#log = settings.log.child({ group: wanted.group });
    this.failed = new Promise((_, reject) => {
      this.#fail = reject;
    });
    // Nobody may be listening yet when it fails, and nobody is once it was stopped.
    this.failed.catch(() => undefined);
    this.#consumer = createKafkaClient(settings).consumer({
      groupId: wanted.group,
      sessionTimeout: SESSION_MS,
      heartbeatInterval: HEARTBEAT_MS,
      rebalanceTimeout: REBALANCE_MS_MAX,
      maxWaitTimeInMs: FETCH_WAIT_MS_MAX,
      maxBytesPerPartition: PARTITION_FETCH_BYTES_MAX,
      maxBytes: FETCH_BYTES_MAX,
      allowAutoTopicCreation: false,
      ...(only !== undefined && { partitionAssigners: [onlyPartition(only)] }),
      retry: { restartOnFailure: async () => false },
    });
    this.#listen();
  }

  /** Resolves when the group was joined, or failed to: then `failed` rejects. */
  async start(): Promise<void> {
    await this.#consumer.connect();
    await this.#consumer.subscribe({ topics: [...this.#wanted.topics], fromBeginning: true });
    await this.#consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently: PARTITIONS_AT_ONCE_MAX,
      eachBatch: (payload) => this.#batch(payload),
    });
    this.#watchTimer = setInterval(() => void this.#look(), WATCH_EVERY_MS);
  }

  /** Finishes what is under way and leaves the group. */
  async end(): Promise<void> {
    clearInterval(this.#watchTimer);
    await Promise.all([...this.#settled.values(), ...[...this.#lanes.values()].map((lane) => lane.end())]);
    await this.#hint();
    // A stalled consumer may never come to the end of its last fetch; the coordinator then drops it by itself.
    await within(DISCONNECT_MS_MAX, this.#consumer.disconnect()).catch((error) =>
      this.#log.warn({ err: error }, 'kafka consumer not disconnected'),
    );
  }

  #listen(): void {
    const { events } = this.#consumer;
    this.#consumer.on(events.GROUP_JOIN, (event) => this.#joined(event));
    this.#consumer.on(events.FETCH, () => this.#fetched(Date.now()));
    this.#consumer.on(events.START_BATCH_PROCESS, (event) => this.#batchWithoutRecords(event));
    this.#consumer.on(events.STOP, () => {
      this.#commit = undefined;
      for (const lane of this.#lanes.values()) void lane.end();
    });
    this.#consumer.on(events.CRASH, ({ payload }) => this.#fail(payload.error));
  }

  /** Kafkajs calls this before its first fetch of the generation, so that each lane has paused its partition by then. */
  #joined({ payload }: ConsumerGroupJoinEvent): void {
    const { memberId, memberAssignment } = payload;
    this.#log.info({ memberId, partitions: memberAssignment }, 'log group joined');
    for (const [key, lane] of this.#lanes) this.#settled.set(key, lane.end());
    this.#lanes.clear();
    this.#hinted.clear();
    for (const [topic, partitions] of Object.entries(memberAssignment)) {
      for (const partition of partitions) {
        const key = laneKey(topic, partition);
        this.#lanes.set(key, this.#lane(topic, partition, this.#settled.get(key) ?? Promise.resolve()));
      }
    }
  }

  /** Group offsets are committed behind a fetch, when the broker is known to be there: kafkajs would try and try. */
  #fetched(now: number): void {
    this.#watch.fetched(now);
    if (now - this.#hintedAt < HINT_EVERY_MS) return;
    this.#hintedAt = now;
    void this.#hint();
  }

  #lane(topic: string, partition: number, after: Promise<void>): KafkaLane {
    const { handler, batchRecordsMax } = this.#wanted;
    const source: LaneSource = {
      pause: () => this.#consumer.pause([{ topic, partitions: [partition] }]),
      resume: () => this.#consumer.resume([{ topic, partitions: [partition] }]),
      seek: (offset) => this.#consumer.seek({ topic, partition, offset: String(offset) }),
      bounds: async () => {
        const bounds = (await fetchBounds(await this.#admin(), topic)).find((each) => each.partition === partition);
        if (!bounds) throw new Error('the topic no longer has the partition');
        return bounds;
      },
    };
    return new KafkaLane({ topic, partition, source, handler, batchRecordsMax, after, log: this.#log });
  }

  async #batch(payload: EachBatchPayload): Promise<void> {
    const { batch, heartbeat, isRunning, isStale, resolveOffset } = payload;
    const lane = this.#lanes.get(laneKey(batch.topic, batch.partition));
    if (!lane || !isRunning() || isStale()) return;
    this.#commit = payload.commitOffsetsIfNecessary;
    // A rebalance shows here as an error. Kafkajs meets the same when the batch is done, and joins again.
    const timer = setInterval(() => void heartbeat().catch(() => undefined), HEARTBEAT_MS);
    try {
      await lane.accept(fetchedFromBatch(batch));
    } finally {
      clearInterval(timer);
    }
    // Kafkajs may fetch on while the batch is handled. Where the lane has gone back meanwhile, it is stale.
    if (!isStale()) resolveOffset(batch.lastOffset());
  }

  /** Kafkajs skips what holds markers of transactions only; the position must follow, or the lag would never be nil. */
  #batchWithoutRecords({ payload }: ConsumerStartBatchProcessEvent): void {
    if (payload.batchSize > 0) return;
    const last = Number(payload.lastOffset);
    const run: Fetched = {
      first: payload.firstOffset === null ? last : Number(payload.firstOffset),
      last,
      end: Number(payload.highWatermark),
      messages: [],
    };
    void this.#lanes.get(laneKey(payload.topic, payload.partition))?.accept(run);
  }

  async #hint(): Promise<void> {
    const moved = [...this.#lanes].filter(([key, { position }]) => position >= 0 && this.#hinted.get(key) !== position);
    if (this.#only !== undefined || !this.#commit || moved.length === 0) return;
    const topics = this.#wanted.topics.map((topic) => ({
      topic,
      partitions: moved
        .filter(([, lane]) => lane.topic === topic)
        .map(([, { partition, position }]) => ({ partition, offset: String(position) })),
    }));
    for (const [key, { position }] of moved) this.#hinted.set(key, position);
    await within(
      HINT_EVERY_MS,
      this.#commit({ topics: topics.filter(({ partitions }) => partitions.length > 0) }),
    ).catch((error) => this.#log.debug({ err: error }, 'group offsets not committed'));
  }

  async #look(): Promise<void> {
    const ends = new Map<string, number>();
    try {
      for (const topic of this.#wanted.topics) {
        const bounds = await fetchBounds(await this.#admin(), topic);
        for (const { partition, end } of bounds) ends.set(laneKey(topic, partition), end);
      }
    } catch (error) {
      this.#log.debug({ err: error }, 'ends of the log not known');
    }
    // A batch that takes long holds up the fetches behind it.
    if ([...this.#lanes.values()].some((lane) => lane.busy)) this.#watch.heldUp(Date.now());
    const waiting = [...this.#lanes].filter(([, lane]) => lane.waiting);
    const lanes = waiting.map(([key, { position }]) => ({ key, position, end: ends.get(key) ?? position }));
    const stalled = this.#watch.look(Date.now(), lanes);
    if (stalled) this.#fail(new Error(`the consumer stalls: ${stalled}`));
  }
}

function laneKey(topic: string, partition: number): string {
  return `${topic}/${partition}`;
}
