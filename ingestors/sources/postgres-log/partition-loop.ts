/**
 * The life of one partition in the hands of one member, from the lock to the loss of it:
 *
 *   claiming ──▶ reading ──batch──▶ handling ──done──▶ reading …
 *      │            │ nothing there: waits for the bell, looks again after a second anyway
 *      │            │                   │ FENCED: over, the member gives the lock back
 *      └────────────┴───────────────────┴ any other error: the same step again after a pause
 *
 * While a batch is handled the next one is read, where there is one. When the signal is aborted, a batch under way is
 * still waited for, and nothing more begins.
 */
import type pg from 'pg';
import type { Logger } from 'pino';
import { type ErrorCode, isBusbarError } from '../../../domain/errors.ts';
import { backoffMs, pause } from '../../pause.ts';
import type { LogBatch, PartitionHandler } from '../event-log.ts';
import { readBatch } from './batch-reader.ts';
import type { Bell } from './bell.ts';

/** Notifications are hints; this finds what they missed. */
const POLL_MS = 1_000;

/**
 * Least time from one batch to the next where the last one emptied the partition. The first record after a rest is read
 * at once; a steady stream is read in fewer, larger batches, each of which
 * costs a commit. At 2,000 ticks/s on six partitions and two cores, 20 ms gave a p99 of 45 ms at the socket, 10 ms one of 63,
 * and none one of 67 to 95 (`npm run bench -- live`).
 */
const BATCH_SPACING_MS = 20;

export interface PartitionWork {
  readonly pool: pg.Pool;
  readonly topic: string;
  readonly partition: number;
  readonly handler: PartitionHandler;
  readonly batchRecordsMax: number;
  readonly bell: Bell;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/**
 * Resolves when the signal was aborted and nothing is under way.
 * @throws BusbarError `FENCED` where another member took over, `NOT_FOUND` for a position the log does not know.
 */
export async function runPartition(work: PartitionWork): Promise<void> {
  const { topic, partition, handler, signal } = work;
  const claimed = await persist(work, {
    failure: 'log claim failed',
    final: 'FENCED',
    run: () => handler.claim(topic, partition),
  });
  let position = claimed?.value;
  let ahead: Promise<LogBatch | undefined> | undefined;
  try {
    while (!signal.aborted) {
      const heard = work.bell.rings;
      const startedAt = performance.now();
      const batch: LogBatch | undefined = await (ahead ?? read(work, position));
      ahead = undefined;
      if (signal.aborted) break;
      if (!batch) {
        await work.bell.next(heard, POLL_MS, signal);
        continue;
      }
      if (batch.next < batch.end) ahead = readAhead(work, batch.next);
      await persist(work, { failure: 'log batch failed', final: 'FENCED', run: () => handler.handle(batch) });
      position = batch.next;
      if (ahead) continue;
      await pause(BATCH_SPACING_MS - (performance.now() - startedAt), signal);
      await work.bell.next(heard, POLL_MS, signal);
    }
  } finally {
    await ahead?.catch(() => {});
  }
}

async function read(work: PartitionWork, position: number | undefined): Promise<LogBatch | undefined> {
  const { pool, topic, partition, batchRecordsMax } = work;
  const request = { topic, partition, position, recordsMax: batchRecordsMax };
  const run = () => readBatch(pool, request);
  return (await persist(work, { failure: 'log read failed', final: 'NOT_FOUND', run }))?.value;
}

/** Its failure is met where it is awaited, which may be after it happened. */
function readAhead(work: PartitionWork, position: number): Promise<LogBatch | undefined> {
  const ahead = read(work, position);
  ahead.catch(() => {});
  return ahead;
}

interface Step<T> {
  /** Event under which a failure is logged. */
  readonly failure: string;
  /** The error that ends the loop; after any other the step is tried again. */
  readonly final: ErrorCode;
  run(): Promise<T>;
}

/**
 * Tries until the step succeeds or its final error comes; undefined where the signal was aborted first. Not `p-retry`,
 * which gives up on a TypeError, while a reader holds on to its batch whatever its handler throws.
 */
async function persist<T>(
  { log, topic, partition, signal }: PartitionWork,
  step: Step<T>,
): Promise<{ value: T } | undefined> {
  for (let failures = 0; !signal.aborted; failures++) {
    try {
      return { value: await step.run() };
    } catch (error) {
      if (isBusbarError(error, step.final)) throw error;
      const pauseMs = backoffMs(failures);
      log.warn({ err: error, topic, partition, failures: failures + 1, pauseMs }, step.failure);
      await pause(pauseMs, signal);
    }
  }
  return undefined;
}
