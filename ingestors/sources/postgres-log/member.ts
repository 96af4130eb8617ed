/**
 * One reader of a group.
 *
 *   connecting ──session──▶ sharing ──session lost──▶ connecting (after a pause)
 *       └────────── stop ──────┴──▶ finishing ──nothing under way──▶ ended
 *
 * While sharing, it asks each second for every partition that it does not read, and takes what is free: the first
 * member takes all, and a standby gets what another lets go, within about a second. With the session all locks are
 * gone and others may take the partitions; the batches under way run on and are fenced where they commit. A partition
 * is asked for again only when its old batch is over, so that this member never has two of one partition.
 */
import { setMaxListeners } from 'node:events';
import type pg from 'pg';
import type { Logger } from 'pino';
import { isBusbarError, messageOf } from '../../../domain/errors.ts';
import { backoffMs, pause } from '../../pause.ts';
import type { Consumption, LogConsumer } from '../event-log.ts';
import { Bell } from './bell.ts';
import { LockSession, lockKey } from './lock-session.ts';
import { runPartition } from './partition-loop.ts';

const CLAIM_PERIOD_MS = 1_000;

export interface MemberOptions {
  readonly pool: pg.Pool;
  readonly connectionString: string;
  readonly log: Logger;
  readonly consumer: LogConsumer;
  readonly partitions: readonly { readonly topic: string; readonly partition: number }[];
}

interface Slot {
  readonly topic: string;
  readonly partition: number;
  readonly lockKey: string;
  readonly bell: Bell;
  /** Settled when nothing of the partition is under way; undefined while it is not read. */
  reading: Promise<void> | undefined;
}

export class Member implements Consumption {
  readonly ended: Promise<void>;
  readonly #options: MemberOptions;
  readonly #log: Logger;
  readonly #slots: readonly Slot[];
  readonly #stopping = new AbortController();
  #failure: unknown;

  constructor(options: MemberOptions) {
    const { group } = options.consumer;
    this.#options = options;
    this.#log = options.log.child({ group });
    this.#slots = options.partitions.map(({ topic, partition }) => ({
      topic,
      partition,
      lockKey: lockKey(group, topic, partition),
      bell: new Bell(),
      reading: undefined,
    }));
    this.ended = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.ended.catch(() => {});
  }

  async #run(): Promise<void> {
    const stopping = this.#stopping.signal;
    for (let failures = 0; !stopping.aborted; failures++) {
      try {
        const session = await this.#connect();
        failures = 0;
        await this.#share(session);
      } catch (error) {
        const pauseMs = backoffMs(failures);
        this.#log.warn({ err: error, pauseMs }, 'log session lost');
        await pause(pauseMs, stopping);
      }
    }
    await this.#nothingUnderWay();
    if (this.#failure) throw this.#failure;
  }

  #connect(): Promise<LockSession> {
    return LockSession.open({
      connectionString: this.#options.connectionString,
      name: `busbar log ${this.#options.consumer.group}`,
      onAppend: (topic, partitions) => {
        for (const slot of this.#slots) {
          if (slot.topic === topic && partitions.includes(slot.partition)) slot.bell.ring();
        }
      },
    });
  }

  /** Resolves when stopping and nothing is under way. @throws when the session is lost. */
  async #share(session: LockSession): Promise<void> {
    const letGo = new AbortController();
    // Every partition listens to it, and there may be many.
    setMaxListeners(Number.POSITIVE_INFINITY, letGo.signal);
    const onEnd = () => letGo.abort();
    session.lost.addEventListener('abort', onEnd);
    this.#stopping.signal.addEventListener('abort', onEnd);
    try {
      while (!letGo.signal.aborted && !this.#stopping.signal.aborted) {
        await this.#takeFree(session, letGo.signal);
        await pause(CLAIM_PERIOD_MS, letGo.signal);
      }
      session.lost.throwIfAborted();
      // Only now are the locks let go: another member begins where these batches end.
      await this.#nothingUnderWay();
      await session.close();
    } catch (error) {
      letGo.abort();
      session.drop();
      throw error;
    } finally {
      this.#stopping.signal.removeEventListener('abort', onEnd);
    }
  }

  async #takeFree(session: LockSession, signal: AbortSignal): Promise<void> {
    const free = this.#slots.filter((slot) => !slot.reading);
    const held = new Set(await session.tryLock(free.map((slot) => slot.lockKey)));
    for (const slot of free) {
      if (held.has(slot.lockKey)) slot.reading = this.#read(slot, session, signal);
    }
  }

  /** Never rejects: what ends the reading of a partition is either passing, or ends the member. */
  async #read(slot: Slot, session: LockSession, signal: AbortSignal): Promise<void> {
    const { topic, partition, bell } = slot;
    const { pool, consumer } = this.#options;
    const { handler, batchRecordsMax } = consumer;
    this.#log.debug({ topic, partition }, 'log partition taken');
    try {
      await runPartition({ pool, topic, partition, handler, batchRecordsMax, bell, log: this.#log, signal });
    } catch (error) {
      if (isBusbarError(error, 'FENCED'))
        this.#log.warn({ topic, partition, reason: messageOf(error) }, 'log partition fenced');
      else this.#fail(error);
    }
    // A lost session has no lock to give back, and an ending one gives all back at once.
    if (!signal.aborted) await session.unlock(slot.lockKey).catch(() => session.drop());
    slot.reading = undefined;
  }

  #fail(error: unknown): void {
    this.#log.error({ err: error }, 'log consumption failed');
    this.#failure ??= error;
    this.#stopping.abort();
  }

  async #nothingUnderWay(): Promise<void> {
    await Promise.all(this.#slots.map((slot) => slot.reading));
  }
}
