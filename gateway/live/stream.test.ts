import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { type Backlog, Stream } from './stream.ts';

class Waiting implements Backlog<number, number> {
  readonly #items: number[] = [];

  add(item: number): boolean {
    this.#items.push(item);
    return true;
  }

  take(): number | undefined {
    return this.#items.shift();
  }

  get isEmpty(): boolean {
    return this.#items.length === 0;
  }

  clear(): void {
    this.#items.length = 0;
  }
}

/** A stream, and what tells whether what waited in it at the call is dealt with; undefined where that is open. */
function streamOf(...items: number[]) {
  const stream = new Stream(new Waiting(), () => undefined);
  for (const item of items) stream.offer(item);
  let drained: boolean | undefined;
  void stream.drained().then((dealtWith) => {
    drained = dealtWith;
  });
  const isDrained = async () => {
    await turn();
    return drained;
  };
  return { stream, isDrained };
}

test('what waits is dealt with when the consumer asks for more behind it, though more has come', async () => {
  const { stream, isDrained } = streamOf(1, 2);
  await stream.next();
  expect(await isDrained()).toBeUndefined();
  await stream.next();
  stream.offer(3);
  expect(await isDrained()).toBeUndefined();
  expect(await stream.next()).toEqual({ value: 3, done: false });
  expect(await isDrained()).toBe(true);
});

test('what waits at the end is not dealt with, though nobody waits for it', async () => {
  const { stream, isDrained } = streamOf(1);
  stream.end();
  expect(await isDrained()).toBe(false);
  expect(await stream.next()).toEqual({ value: 1, done: false });
});

test('nothing is to be waited for where the consumer waits', async () => {
  const { stream, isDrained } = streamOf();
  void stream.next();
  expect(await isDrained()).toBe(true);
  expect(await stream.drained()).toBe(true);
});
