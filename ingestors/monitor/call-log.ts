/**
 * The calls to sources on their way to `api_health_logs`: noted in memory, written about once a second in one statement.
 *
 *   made ──▶ waiting ──▶ being written ──▶ gone
 *               ▲               ├── the store is away: waiting again
 *               │               └── the store refuses some: these are dropped, so that they hold up no others
 *               └── too many wait: the oldest of them is dropped
 *
 * What is dropped is counted. Whoever makes a call neither waits for the store nor hears of it.
 */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type pg from 'pg';
import type { Logger } from 'pino';
import { isBusbarError, messageOf } from '../../domain/errors.ts';
import type { SourceCall } from '../../domain/source-call.ts';
import type { Metrics } from '../../runtime/metrics.ts';
import type { Calls } from '../feed.ts';
import { findPoison } from '../pipeline/poison.ts';
import { type NumberedCall, writeCalls } from './write-calls.ts';

export interface CallLog extends Calls {
  /** Writes what is left, as far as the store takes it within two seconds. */
  stop(): Promise<void>;
}

export interface CallLogParts {
  readonly pool: pg.Pool;
  readonly metrics: Pick<Metrics, 'sourceCalls' | 'sourceCallSeconds' | 'sourceCallsDropped'>;
  readonly log: Logger;
  /** Calls that may wait for the store: some ten minutes of a process that asks every source as fast as it may. */
  readonly waitingMax?: number;
  readonly everyMs?: number;
}

const WAITING_MAX = 20_000;
const EVERY_MS = 1_000;
const STOP_MS_MAX = 2_000;
/** In one statement. */
const BATCH_MAX = 1_000;

export function createCallLog(parts: CallLogParts): CallLog {
  const { metrics, waitingMax = WAITING_MAX, everyMs = EVERY_MS } = parts;
  const queue = new CallQueue(parts, waitingMax);
  const writing = setInterval(() => void queue.write(), everyMs);
  writing.unref();
  return {
    made(call) {
      try {
        queue.add(call);
        metrics.sourceCalls.inc({ source: call.source, endpoint: call.endpoint, outcome: call.outcome });
        metrics.sourceCallSeconds.observe({ source: call.source, endpoint: call.endpoint }, call.latencyMs / 1_000);
      } catch (error) {
        parts.log.warn({ error: messageOf(error) }, 'a call to a source could not be noted');
      }
    },
    async stop() {
      clearInterval(writing);
      await within(STOP_MS_MAX, queue.write());
    },
  };
}

class CallQueue {
  readonly #parts: CallLogParts;
  readonly #waitingMax: number;
  /** Also tells apart processes of one number, and logs of one process. */
  readonly #process = `${hostname()}/${process.pid}/${randomUUID().slice(0, 8)}`;
  readonly #waiting: NumberedCall[] = [];
  #underWay = 0;
  #seq = 0;
  #away = false;
  #writing: Promise<void> | undefined;

  constructor(parts: CallLogParts, waitingMax: number) {
    this.#parts = parts;
    this.#waitingMax = waitingMax;
  }

  add(call: SourceCall): void {
    this.#waiting.push({ ...call, seq: ++this.#seq });
    this.#trim();
  }

  /** Resolves when everything is written that waited when it was called, or the store is away. Never rejects. */
  async write(): Promise<void> {
    await this.#writing;
    this.#writing ??= this.#writeAll().finally(() => {
      this.#writing = undefined;
    });
    await this.#writing;
  }

  async #writeAll(): Promise<void> {
    const last = this.#seq;
    while ((this.#waiting[0]?.seq ?? Number.POSITIVE_INFINITY) <= last) {
      const batch = this.#waiting.slice(0, BATCH_MAX);
      this.#underWay = batch.length;
      const settled = await this.#settle(batch);
      this.#underWay = 0;
      if (settled) this.#waiting.splice(0, batch.length);
      this.#trim();
      if (!settled) return;
    }
  }

  /** @returns false where another try can succeed. */
  async #settle(batch: readonly NumberedCall[]): Promise<boolean> {
    const { pool, log } = this.#parts;
    try {
      // Each part that is sound is written by being tried, and one that is there already stays as it is.
      const refused = await findPoison(batch, (some) => writeCalls(pool, this.#process, some));
      if (this.#away) log.info('calls to sources are written again');
      this.#away = false;
      if (refused.length > 0) this.#drop(refused.length, refused[0]?.error);
    } catch (error) {
      if (isBusbarError(error, 'UNAVAILABLE')) {
        if (!this.#away) log.warn({ error: messageOf(error) }, 'calls to sources wait for the store');
        this.#away = true;
        return false;
      }
      this.#drop(batch.length, error);
    }
    return true;
  }

  #drop(calls: number, error: unknown): void {
    const { log, metrics } = this.#parts;
    log.warn({ error: messageOf(error), calls }, 'calls to sources were refused by the store');
    metrics.sourceCallsDropped.inc(calls);
  }

  #trim(): void {
    const over = this.#waiting.length - this.#underWay - this.#waitingMax;
    if (over <= 0) return;
    this.#waiting.splice(this.#underWay, over);
    this.#parts.metrics.sourceCallsDropped.inc(over);
  }
}

async function within(msMax: number, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, msMax);
  });
  await Promise.race([work, timeout]);
  clearTimeout(timer);
}
