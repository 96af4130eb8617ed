/**
 * Reads a range of one partition once, beside the groups.
 *
 *     joining ──→ reading ──→ leaving ──→ ended
 *        └────────────────────↑
 *
 * Kafkajs reads in groups only, so this is the one member of a group of its own, which is deleted afterwards. It
 * commits no offsets: a group that could not be deleted, because we were killed or the broker is away, is dropped by
 * the broker itself some time after its session is over.
 *
 * The lane waits until its batch was taken: besides that one, no more is in memory than what it has left of one fetch,
 * and the next fetch (30 MB in all for records of 1 MB, however long the taker takes). It leaves when the last batch was
 * taken, not when that was dealt with, so that nothing beyond the range is fetched for nobody. Joining and leaving take
 * half a second; between them 100,000 records of 150 B take 0.3 s on the machine of the broker.
 */
import { randomUUID } from 'node:crypto';
import type { Admin } from 'kafkajs';
import type { Logger } from 'pino';
import { abortable } from './abortable.ts';
import type { LogBatch, LogRange } from './event-log.ts';
import { Handover } from './handover.ts';
import { type KafkaSettings, kafkaError, within } from './kafka-client.ts';
import { KafkaMembership } from './kafka-membership.ts';
import { batchUntil } from './log-batch.ts';

const DELETE_MS_MAX = 5_000;

export interface KafkaReaderParts {
  readonly settings: KafkaSettings;
  readonly admin: () => Promise<Admin>;
  /** Not empty, and with an end that the log has reached: nothing is waited for. */
  readonly range: LogRange;
  readonly signal: AbortSignal;
}

export class KafkaReader {
  readonly #range: LogRange;
  readonly #group = `busbar-read-${randomUUID()}`;
  readonly #log: Logger;
  readonly #admin: () => Promise<Admin>;
  readonly #membership: KafkaMembership;
  readonly #started: Promise<void>;
  readonly #handover = new Handover<LogBatch>();
  readonly #failure = new AbortController();
  /** Aborted by the caller, or by a failure. */
  readonly #over: AbortSignal;
  readonly #onOver = () => void this.end();
  #position: number;
  #ended: Promise<void> | undefined;

  constructor({ settings, admin, range, signal }: KafkaReaderParts) {
    this.#range = range;
    this.#position = range.from;
    this.#admin = admin;
    this.#log = settings.log.child({ group: this.#group });
    this.#over = AbortSignal.any([signal, this.#failure.signal]);
    this.#over.addEventListener('abort', this.#onOver);
    this.#membership = this.#member(settings);
    this.#started = this.#membership.start();
    for (const failing of [this.#started, this.#membership.failed]) failing.catch((error) => this.#fail(error));
  }

  /**
   * The next batch of the range. Not to be asked for when the one before reached the end of the range.
   * @throws BusbarError `UNAVAILABLE` or what the broker says; the signal's reason once it is aborted.
   */
  async next(): Promise<LogBatch> {
    const batch = await abortable(this.#handover.take(), this.#over);
    if (batch.next >= this.#range.to) void this.end();
    return batch;
  }

  /** Leaves and cleans up; never rejects. */
  end(): Promise<void> {
    this.#ended ??= this.#leave();
    return this.#ended;
  }

  #member(settings: KafkaSettings): KafkaMembership {
    const { topic, partition, batchRecordsMax } = this.#range;
    const handler = {
      claim: async () => this.#position,
      handle: async (batch: LogBatch) => {
        const inRange = batchUntil(batch, this.#range.to);
        await this.#handover.give(inRange);
        this.#position = inRange.next;
      },
    };
    const wanted = { group: this.#group, topics: [topic], handler, batchRecordsMax };
    return new KafkaMembership(settings, this.#admin, wanted, partition);
  }

  #fail(error: unknown): void {
    const { topic, partition } = this.#range;
    this.#failure.abort(kafkaError(`reading partition ${partition} of ${topic}`, error));
  }

  async #leave(): Promise<void> {
    this.#over.removeEventListener('abort', this.#onOver);
    this.#handover.close();
    // Kafkajs cannot be stopped while it connects and joins: it would be there afterwards.
    await this.#started.catch(() => undefined);
    await this.#membership.end();
    if (!this.#failure.signal.aborted) await this.#deleteGroup();
  }

  async #deleteGroup(): Promise<void> {
    try {
      const admin = await this.#admin();
      await within(DELETE_MS_MAX, admin.deleteGroups([this.#group]));
    } catch (error) {
      this.#log.warn({ err: error }, 'log group of a read not deleted');
    }
  }
}
