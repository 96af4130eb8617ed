/**
 * The embedded log: topics in Postgres, for a machine without a broker.
 *
 * - `log_partition` holds where each partition begins and ends. Its row is locked by an append until it commits, so
 *   that offsets appear in order and without holes.
 * - `log_record` holds the records, `log_topic` the settings.
 * - Appends announce themselves by NOTIFY; a reader also looks each second.
 * - A partition is read by whoever holds its advisory lock. **Load is not shared**: the first member of a group takes
 *   every partition, and a standby takes over what it lets go. To spread a group over machines is what Kafka is for.
 */
import type pg from 'pg';
import type { Logger } from 'pino';
import { BusbarError } from '../../domain/errors.ts';
import { reachable } from '../../prisma/transaction.ts';
import { pause } from '../pause.ts';
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
import { Appender } from './postgres-log/appender.ts';
import { bringAllBack, type LogClock, readClock } from './postgres-log/clock.ts';
import { Member } from './postgres-log/member.ts';
import { readRange } from './postgres-log/range-reader.ts';
import { dropExpired } from './postgres-log/retention.ts';
import { firstOffsetSince, Topics } from './postgres-log/topics.ts';

const SWEEP_PERIOD_MS = 60_000;

export interface PostgresLogOptions {
  /** For appends and reads. Stays the caller's to close, after the log. */
  readonly pool: pg.Pool;
  /** For one session a consumption: the server itself, not a pooler that hands sessions around. */
  readonly connectionString: string;
  readonly log: Logger;
  /** A topic is created with no more partitions than this, whatever its spec says. */
  readonly partitionsMax?: number;
  /** When a record was appended, and what is too old to keep: by default the server's. */
  readonly clock?: LogClock;
}

export interface PostgresLog extends EventLog {
  /**
   * Drops what is older than its topic's retention; returns how many records went. Brings partitions back to the clock first. Runs by itself each minute, from the
   * first consumption until `close`. @throws BusbarError `UNAVAILABLE`
   */
  sweep(): Promise<number>;
}

/** The log in the store's own tables, see above. Reaches the database with the first call, not here. */
export function createPostgresLog(options: PostgresLogOptions): PostgresLog {
  return new TableLog(options);
}

class TableLog implements PostgresLog {
  readonly #pool: pg.Pool;
  readonly #connectionString: string;
  readonly #log: Logger;
  readonly #partitionsMax: number;
  readonly #clock: LogClock;
  readonly #topics: Topics;
  readonly #appender: Appender;
  readonly #members = new Set<Member>();
  readonly #closing = new AbortController();
  #sweeping: Promise<void> | undefined;

  constructor({ pool, connectionString, log, partitionsMax = Number.POSITIVE_INFINITY, clock }: PostgresLogOptions) {
    this.#partitionsMax = partitionsMax;
    this.#pool = pool;
    this.#connectionString = connectionString;
    this.#log = log;
    this.#clock = clock;
    this.#topics = new Topics(pool);
    this.#appender = new Appender(pool, clock, log);
  }

  ensureTopics(topics: readonly TopicSpec[]): Promise<void> {
    const bounded = topics.map((each) => ({ ...each, partitions: Math.min(each.partitions, this.#partitionsMax) }));
    return this.#topics.ensure(bounded);
  }

  async append(topic: string, records: readonly OutgoingRecord[]): Promise<readonly Appended[]> {
    return this.#appender.append(await this.#topics.get(topic), records);
  }

  async consume(consumer: LogConsumer): Promise<Consumption> {
    const partitions = await this.#partitionsOf(consumer.topics);
    this.#closing.signal.throwIfAborted();
    const member = new Member({
      pool: this.#pool,
      connectionString: this.#connectionString,
      log: this.#log,
      consumer,
      partitions,
    });
    this.#members.add(member);
    const forget = () => this.#members.delete(member);
    member.ended.then(forget, forget);
    this.#sweeping ??= this.#sweepUntilClosed();
    return member;
  }

  read(range: LogRange, signal: AbortSignal): AsyncIterable<LogBatch> {
    return readRange(this.#pool, range, AbortSignal.any([signal, this.#closing.signal]));
  }

  partitions(topic: string): Promise<PartitionBounds[]> {
    return this.#topics.bounds(topic);
  }

  offsetAt(topic: string, partition: number, instantMs: number): Promise<number> {
    return firstOffsetSince(this.#pool, topic, partition, instantMs);
  }

  async ping(): Promise<void> {
    await reachable(() => this.#pool.query('SELECT 1'));
  }

  async sweep(): Promise<number> {
    const now = await readClock(this.#pool, this.#clock);
    await bringAllBack(this.#pool, now, this.#log);
    return dropExpired(this.#pool, this.#topics, now);
  }

  async close(): Promise<void> {
    this.#closing.abort(new BusbarError('UNAVAILABLE', 'the log is closed'));
    await Promise.all([...this.#members].map((member) => member.stop()));
    await this.#sweeping;
  }

  async #partitionsOf(topics: readonly string[]): Promise<{ topic: string; partition: number }[]> {
    const specs = await Promise.all(topics.map((topic) => this.#topics.get(topic)));
    return specs.flatMap(({ topic, partitions }) =>
      Array.from({ length: partitions }, (_, partition) => ({ topic, partition })),
    );
  }

  async #sweepUntilClosed(): Promise<void> {
    while (!this.#closing.signal.aborted) {
      try {
        const records = await this.sweep();
        if (records > 0) this.#log.info({ records }, 'log records expired');
      } catch (error) {
        this.#log.warn({ err: error }, 'log sweep failed');
      }
      await pause(SWEEP_PERIOD_MS, this.#closing.signal);
    }
  }
}
