/**
 * The event log: topics of partitions of records, in the sense of Kafka.
 *
 * Two implementations, one conformance suite: Kafka, and a durable log in Postgres for a machine without a broker.
 * An **offset** numbers a record within its partition; it may skip numbers, it never goes back. The **position** of a
 * reader is the offset it wants next. Positions live in Busbar's own database beside the facts; what the log itself
 * remembers of a group's progress is a hint for its own tools.
 */
export interface EventLog {
  /** Creates what is missing. An existing topic keeps its partitions. */
  ensureTopics(topics: readonly TopicSpec[]): Promise<void>;

  /**
   * Appends durably. Records with the same key go to the same partition, in the order given.
   * @returns of each partition that got any, the offset of the first.
   * @throws BusbarError `UNAVAILABLE` where the log cannot be reached; then the records may or may not be there.
   */
  append(topic: string, records: readonly OutgoingRecord[]): Promise<readonly Appended[]>;

  /** Reads as a member of a group until stopped. */
  consume(consumer: LogConsumer): Promise<Consumption>;

  /**
   * Reads `[from, to)` of a partition once, beside whoever consumes it: no group, no claim, no position kept. Ends at
   * `to`, or where the log ends. What retention has dropped meanwhile is told by `lost` of the batch. Batches come as
   * they are asked for; whoever has enough returns the iterator, as `for await` does.
   * @throws BusbarError `NOT_FOUND` for a partition that is not there, or a range that begins beyond its end,
   *   `UNAVAILABLE`, also where the log is closed meanwhile; the signal's reason once it is aborted.
   */
  read(range: LogRange, signal: AbortSignal): AsyncIterable<LogBatch>;

  /** Partitions with their bounds: the first offset still there, and the one that the next record will get. */
  partitions(topic: string): Promise<PartitionBounds[]>;

  /** The first offset whose record was appended at or after the instant; the end where there is none. */
  offsetAt(topic: string, partition: number, instantMs: number): Promise<number>;

  /** Resolves while the log answers. @throws BusbarError `UNAVAILABLE` */
  ping(): Promise<void>;

  /** Stops every consumption, ends every read, and closes connections. */
  close(): Promise<void>;
}

export interface Appended {
  readonly partition: number;
  readonly offset: number;
}

export interface LogRange {
  readonly topic: string;
  readonly partition: number;
  readonly from: number;
  readonly to: number;
  readonly batchRecordsMax: number;
}

export interface LogConsumer {
  readonly group: string;
  readonly topics: readonly string[];
  readonly handler: PartitionHandler;
  readonly batchRecordsMax: number;
}

/** What a reader does with the partitions it is given. At most one batch of a partition is under way at a time. */
export interface PartitionHandler {
  /**
   * This member now owns the partition. Called before its first batch, and again after every loss.
   * @returns the position to read from; undefined to begin at the first record there is.
   */
  claim(topic: string, partition: number): Promise<number | undefined>;

  /**
   * @throws BusbarError `FENCED` where another member took the partition over: the log gives it up and, should the
   *   partition come back, claims it anew. Any other error: the same batch is handed over again, after a pause.
   */
  handle(batch: LogBatch): Promise<void>;
}

export interface LogBatch {
  readonly topic: string;
  readonly partition: number;
  /** The position this batch was read from: the records are all there is in `[from, next)`. */
  readonly from: number;
  /** The position after this batch. */
  readonly next: number;
  /**
   * True where the log no longer had the record at the wanted position: retention has dropped `[wanted, from)`.
   * The reader must say so loudly.
   */
  readonly lost?: { readonly from: number; readonly to: number };
  readonly records: readonly LogRecord[];
  /** Offset that the next appended record will get, as known when the batch was read; for the lag. */
  readonly end: number;
}

export interface LogRecord {
  readonly offset: number;
  /** When it was appended, or what its producer said; milliseconds UTC. */
  readonly appendedAt: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: Readonly<Record<string, string>>;
}

export interface OutgoingRecord {
  readonly key: string | null;
  readonly value: Buffer | string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Consumption {
  /** Finishes batches under way, then gives the partitions up. */
  stop(): Promise<void>;
  /** Resolves when stopped; rejects where reading ended for a reason that trying again will not mend. */
  readonly ended: Promise<void>;
}

export interface PartitionBounds {
  readonly partition: number;
  readonly low: number;
  readonly end: number;
}

export interface TopicSpec {
  readonly topic: string;
  readonly partitions: number;
  readonly retentionMs: number;
  readonly recordBytesMax: number;
}
