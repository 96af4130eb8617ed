import { setImmediate as turn } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { DueQueue } from './due-queue.ts';

test('what is due is done in order and a little at a time, and others have their turn between', async () => {
  const queue = new DueQueue();
  const done: number[] = [];
  const seenBetween: number[] = [];
  for (let each = 0; each < 20; each++) queue.add(() => done.push(each));
  for (let turns = 0; done.length < 20; turns++) {
    expect(turns).toBeLessThan(20);
    await turn();
    seenBetween.push(done.length);
  }
  expect(done).toEqual(Array.from({ length: 20 }, (_, each) => each));
  expect(seenBetween).toEqual([8, 16, 20]);
});

test('the same work is done once, and what was removed not at all', async () => {
  const queue = new DueQueue();
  const done: string[] = [];
  const again = () => void done.push('again');
  const removed = () => void done.push('removed');
  queue.add(again);
  queue.add(again);
  queue.add(removed);
  queue.remove(removed);
  await turn();
  expect(done).toEqual(['again']);
});

test('work that throws is told to the process, and what is due after it is done all the same', async () => {
  const thrown: unknown[] = [];
  const others = process.listeners('uncaughtException');
  onTestFinished(() => {
    process.removeAllListeners('uncaughtException');
    for (const other of others) process.on('uncaughtException', other);
  });
  process.removeAllListeners('uncaughtException');
  process.on('uncaughtException', (error) => thrown.push(error));
  const queue = new DueQueue();
  const done: string[] = [];
  const broken = new Error('broken');
  queue.add(() => {
    throw broken;
  });
  queue.add(() => void done.push('after it'));
  await turn();
  await turn();
  expect(thrown).toEqual([broken]);
  expect(done).toEqual(['after it']);
});
