import { expect, test } from 'vitest';
import { Handover } from './handover.ts';

test('whoever gives waits until it was taken, and whoever takes until there is something', async () => {
  const handover = new Handover<number>();
  const events: string[] = [];
  const given = handover.give(1).then(() => events.push('given'));
  await turn();
  expect(events).toEqual([]);
  expect(await handover.take()).toBe(1);
  await given;

  const taken = handover.take().then((thing) => events.push(`taken ${thing}`));
  await turn();
  expect(events).toEqual(['given']);
  await handover.give(2);
  await taken;
  expect(events).toEqual(['given', 'taken 2']);
});

test('closing lets go whoever gives, then and later', async () => {
  const handover = new Handover<number>();
  const given = handover.give(1);
  handover.close();
  await given;
  await handover.give(2);
});

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
