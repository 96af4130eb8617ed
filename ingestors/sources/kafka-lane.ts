/**
 * One partition as one member of the group reads it, within one generation of the group.
 *
 *     claiming ──→ reading ──→ over
 *        │  ↑        │  ↑
 *        ↓  │        ↓  │
 *        resting (a claim failed, a batch failed or was fenced)
 *
 * - **claiming**: Kafka's partition is paused; the handler is asked for its position, Kafka is told to go there.
 * - **reading**: batches come. One is handled while kafkajs fetches and decodes the next.
 * - **resting**: paused again for a jittered, growing while; what was fetched meanwhile is dropped and fetched anew.
 * - **over**: the group has a new generation, or the reader stops. The slice under way is finished, no other begun.
 *
 * Kafka's idea of the offset is never trusted: a batch counts only where it holds the position or follows it. Where it
 * begins later, the partition is read again from the position; a gap that shows twice is real: markers of transactions
 * and compaction leave such, and retention does, which the first offset still there tells apart.
 */
import type { Batch, KafkaMessage } from 'kafkajs';
import type { Logger } from 'pino';
import { isBusbarError } from '../../domain/errors.ts';
import type { LogRecord, PartitionHandler } from './event-log.ts';

/** What a lane asks of the consumer it belongs to. */
export interface LaneSource {
  pause(): void;
  resume(): void;
  seek(offset: number): void;
  /** The first offset still there and the next to come, from the broker. */
  bounds(): Promise<{ readonly low: number; readonly end: number }>;
}

export interface LaneSettings {
  readonly topic: string;
  readonly partition: number;
  readonly source: LaneSource;
  readonly handler: PartitionHandler;
  readonly batchRecordsMax: number;
  readonly log: Logger;
  /** Resolves when the lane of the generation before has finished with this partition. */
  readonly after: Promise<void>;
}

/** A fetched run of offsets; the records in it may be fewer, or none. */
export interface Fetched {
  readonly first: number;
  readonly last: number;
  readonly end: number;
  readonly messages: readonly KafkaMessage[];
}

type LaneState = 'claiming' | 'reading' | 'resting' | 'over';
type Range = { readonly from: number; readonly to: number };

const REST_MS_MIN = 100;
/** Whoever fenced us is at work: trying at once would only take the partition from it again. */
const FENCED_REST_MS_MIN = 1_000;
const REST_MS_MAX = 30_000;

export class KafkaLane {
  readonly topic: string;
  readonly partition: number;
  readonly #settings: LaneSettings;
  readonly #log: Logger;
  #state: LaneState = 'claiming';
  #position = -1;
  /** What retention dropped and the handler has not been told yet. */
  #lost: Range | undefined;
  /** The position from which a gap was seen once. */
  #gapAt: number | undefined;
  #failures = 0;
  #timer: NodeJS.Timeout | undefined;
  /** Everything this lane was asked to do, one after the other; never rejects. */
  #work: Promise<void>;
  #busy = 0;

  constructor(settings: LaneSettings) {
    this.topic = settings.topic;
    this.partition = settings.partition;
    this.#settings = settings;
    this.#log = settings.log.child({ topic: settings.topic, partition: settings.partition });
    settings.source.pause();
    this.#work = settings.after.then(() => this.#claim());
  }

  /** The position reached; -1 before the first claim. */
  get position(): number {
    return this.#position;
  }

  /** True where nothing but records from Kafka is missing to go on. */
  get waiting(): boolean {
    return this.#state === 'reading' && !this.busy;
  }

  /** True while a batch is handled, or waits for its turn. */
  get busy(): boolean {
    return this.#busy > 0;
  }

  /** Takes over what was fetched. Resolves when all that was handed over before is done, to bound what is in memory. */
  accept(fetched: Fetched): Promise<void> {
    const before = this.#work;
    this.#busy++;
    this.#work = before.then(() => this.#take(fetched)).finally(() => this.#busy--);
    return before;
  }

  /** Begins no further slice. Resolves when the one under way is finished. */
  end(): Promise<void> {
    this.#state = 'over';
    clearTimeout(this.#timer);
    return this.#work;
  }

  async #claim(): Promise<void> {
    if (this.#isOver()) return;
    this.#state = 'claiming';
    const { handler, source } = this.#settings;
    try {
      const wanted = await handler.claim(this.topic, this.partition);
      const { low, end } = await source.bounds();
      if (wanted !== undefined && wanted > end) {
        throw new Error(`the position ${wanted} lies beyond the end of the log, ${end}: was the topic created anew?`);
      }
      if (this.#isOver()) return;
      this.#position = Math.max(wanted ?? low, low);
      this.#lost = wanted !== undefined && wanted < low ? { from: wanted, to: low } : undefined;
      // Nothing else would carry the news of the loss to the handler before the next record is appended.
      if (this.#lost && low === end) await this.#hand({ first: low, last: low - 1, end, messages: [] });
      this.#read();
    } catch (error) {
      this.#rest(error, () => this.#enqueue(() => this.#claim()));
    }
  }

  #read(): void {
    if (this.#isOver()) return;
    this.#state = 'reading';
    this.#settings.source.seek(this.#position);
    this.#settings.source.resume();
  }

  async #take(fetched: Fetched): Promise<void> {
    if (this.#state !== 'reading' || fetched.last < this.#position) return;
    try {
      if (fetched.first > this.#position && !(await this.#explainGap(fetched.first))) return;
      await this.#hand(fetched);
      this.#failures = 0;
    } catch (error) {
      const fenced = isBusbarError(error, 'FENCED');
      this.#rest(error, () => (fenced ? this.#enqueue(() => this.#claim()) : this.#read()));
    }
  }

  /** @returns false where the partition is to be read again from the position first. */
  async #explainGap(first: number): Promise<boolean> {
    if (this.#gapAt !== this.#position) {
      this.#gapAt = this.#position;
      this.#settings.source.seek(this.#position);
      return false;
    }
    const { low } = await this.#settings.source.bounds();
    const to = Math.min(low, first);
    if (to > this.#position) this.#lost = { from: this.#position, to };
    this.#position = Math.max(this.#position, to);
    return true;
  }

  /** Hands a fetched run over in slices; each moves the position. */
  async #hand(fetched: Fetched): Promise<void> {
    const { handler, batchRecordsMax } = this.#settings;
    const { messages } = fetched;
    let index = messages.findIndex((message) => Number(message.offset) >= this.#position);
    if (index < 0) index = messages.length;
    do {
      if (this.#isOver()) return;
      const records = messages.slice(index, index + batchRecordsMax).map(recordFromMessage);
      index += batchRecordsMax;
      const next = index < messages.length ? (records.at(-1)?.offset ?? fetched.last) + 1 : fetched.last + 1;
      const batch = { topic: this.topic, partition: this.partition, from: this.#position, next, records };
      await handler.handle({ ...batch, end: Math.max(fetched.end, next), ...(this.#lost && { lost: this.#lost }) });
      this.#position = next;
      this.#lost = undefined;
    } while (index < messages.length);
  }

  #rest(error: unknown, then: () => void): void {
    if (this.#isOver()) return;
    this.#state = 'resting';
    this.#settings.source.pause();
    if (this.#position >= 0) this.#settings.source.seek(this.#position);
    const fenced = isBusbarError(error, 'FENCED');
    const ms = restMs(fenced ? FENCED_REST_MS_MIN : REST_MS_MIN, this.#failures++);
    const fields = { position: this.#position, failures: this.#failures, restMs: ms };
    if (fenced) this.#log.warn(fields, 'log partition fenced');
    else this.#log.error({ ...fields, err: error }, 'log batch failed');
    this.#timer = setTimeout(then, ms);
  }

  #enqueue(step: () => Promise<void>): void {
    this.#work = this.#work.then(step);
  }

  /** A call, because the state changes while we wait and the compiler would not believe it. */
  #isOver(): boolean {
    return this.#state === 'over';
  }
}

export function fetchedFromBatch(batch: Batch): Fetched {
  const last = Number(batch.lastOffset());
  return {
    first: Number(batch.firstOffset() ?? last),
    last,
    end: Number(batch.highWatermark),
    messages: batch.messages,
  };
}

const NO_HEADERS: LogRecord['headers'] = Object.freeze({});

function recordFromMessage({ offset, timestamp, key, value, headers }: KafkaMessage): LogRecord {
  return { offset: Number(offset), appendedAt: Number(timestamp), key, value, headers: textHeaders(headers) };
}

/** A header may come several times; the last one counts, as the newest tracing hop writes it. */
function textHeaders(headers: KafkaMessage['headers']): LogRecord['headers'] {
  const entries = headers ? Object.entries(headers) : [];
  if (entries.length === 0) return NO_HEADERS;
  return Object.fromEntries(
    entries.map(([name, value]) => [name, String((Array.isArray(value) ? value.at(-1) : value) ?? '')]),
  );
}

/** Doubles with each failure; half of it is chance, so that members who failed together do not return together. */
export function restMs(min: number, failures: number): number {
  const ms = Math.min(REST_MS_MAX, min * 2 ** Math.min(failures, 20));
  return ms / 2 + (Math.random() * ms) / 2;
}
