import type { LogBatch } from './event-log.ts';

/** The part of the batch that lies below an offset; the batch itself where that is all of it. */
export function batchUntil(batch: LogBatch, to: number): LogBatch {
  if (batch.next <= to) return batch;
  const { lost } = batch;
  return {
    ...batch,
    from: Math.min(batch.from, to),
    next: to,
    ...(lost && { lost: { from: lost.from, to: Math.min(lost.to, to) } }),
    records: batch.records.filter(({ offset }) => offset < to),
  };
}
