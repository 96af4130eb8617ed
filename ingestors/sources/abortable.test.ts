import { getEventListeners } from 'node:events';
import { expect, test } from 'vitest';
import { abortable } from './abortable.ts';

const never = new Promise<never>(() => {});
const reason = new Error('enough');

test('work that ends keeps its outcome, and leaves nothing on the signal', async () => {
  const { signal } = new AbortController();
  await expect(abortable(Promise.resolve(7), signal)).resolves.toBe(7);
  await expect(abortable(Promise.reject(reason), signal)).rejects.toBe(reason);
  expect(getEventListeners(signal, 'abort')).toEqual([]);
});

test('an abort does not wait for the work', async () => {
  const controller = new AbortController();
  const outcome = abortable(never, controller.signal);
  controller.abort(reason);
  await expect(outcome).rejects.toBe(reason);
});

test('an abort counts for more than work that ended just before', async () => {
  const controller = new AbortController();
  const outcome = abortable(Promise.resolve(7), controller.signal);
  controller.abort(reason);
  await expect(outcome).rejects.toBe(reason);
});

test('where the signal is aborted already, work that has ended does not count, nor does its failure', async () => {
  const signal = AbortSignal.abort(reason);
  await expect(abortable(Promise.resolve(7), signal)).rejects.toBe(reason);
  await expect(abortable(Promise.reject(new Error('of the work')), signal)).rejects.toBe(reason);
});
