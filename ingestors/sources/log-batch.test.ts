import { expect, test } from 'vitest';
import type { LogBatch } from './event-log.ts';
import { batchUntil } from './log-batch.ts';

test('a batch that ends in time is left as it is', () => {
  const batch = batchOf(3, 5, 6);
  expect(batchUntil(batch, 7)).toBe(batch);
});

test('a batch that goes beyond is cut, where its records leave a hole too', () => {
  expect(batchUntil(batchOf(3, 5, 9), 7)).toMatchObject({ from: 3, next: 7, records: [{ offset: 5 }], end: 20 });
  expect(batchUntil(batchOf(3, 5, 9), 5)).toMatchObject({ from: 3, next: 5, records: [] });
});

test('a loss that goes beyond is cut with it, and nothing else is left of the batch', () => {
  const batch = { ...batchOf(8, 8, 9), lost: { from: 3, to: 8 } };
  expect(batchUntil(batch, 9)).toMatchObject({ from: 8, next: 9, lost: { from: 3, to: 8 }, records: [{ offset: 8 }] });
  expect(batchUntil(batch, 5)).toMatchObject({ from: 5, next: 5, lost: { from: 3, to: 5 }, records: [] });
});

function batchOf(from: number, ...offsets: number[]): LogBatch {
  const records = offsets.map((offset) => ({ offset, appendedAt: 0, key: null, value: null, headers: {} }));
  return { topic: 'lmp', partition: 0, from, next: Math.max(...offsets) + 1, records, end: 20 };
}
