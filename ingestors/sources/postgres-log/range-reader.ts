import type pg from 'pg';
import { abortable } from '../abortable.ts';
import type { LogBatch, LogRange } from '../event-log.ts';
import { batchUntil } from '../log-batch.ts';
import { type ReadRequest, readBatch } from './batch-reader.ts';

/**
 * Reads the range batch by batch; between two of them nothing is held. See `EventLog.read`.
 * @throws BusbarError as `readBatch` does; the signal's reason once it is aborted.
 */
export async function* readRange(pool: pg.Pool, range: LogRange, signal: AbortSignal): AsyncGenerator<LogBatch> {
  const { topic, partition, to } = range;
  for (let position = range.from; position < to; ) {
    const recordsMax = Math.min(range.batchRecordsMax, to - position);
    const read = await abortable(look(pool, { topic, partition, position, recordsMax }), signal);
    if (!read) return;
    const batch = batchUntil(read, to);
    position = batch.next;
    yield batch;
  }
}

/**
 * A look that meets retention at work finds nothing although the log goes on; the second one sees where it begins since.
 */
async function look(pool: pg.Pool, request: ReadRequest): Promise<LogBatch | undefined> {
  return (await readBatch(pool, request)) ?? (await readBatch(pool, request));
}
