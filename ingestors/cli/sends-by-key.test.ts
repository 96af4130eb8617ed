import { expect, test } from 'vitest';
import { sendsByKey } from './sends-by-key.ts';

const record = (key: string | null, value = 'x') => ({ key, value });

test('records of a key go together in their order, each without a key by itself', () => {
  const records = [record('a', '1'), record(null), record('b'), record('a', '2'), record(null)];
  expect([...sendsByKey(records)].map((send) => send.map(({ key, value }) => `${key} ${value}`))).toEqual([
    ['a 1', 'a 2'],
    ['null x'],
    ['b x'],
    ['null x'],
  ]);
});

test('a send is bounded in records and in bytes, and a large record is one by itself', () => {
  const many = Array.from({ length: 2_500 }, () => record('a'));
  expect([...sendsByKey(many)].map(({ length }) => length)).toEqual([1_000, 1_000, 500]);
  const large = [400_000, 200_000, 900_000, 1].map((bytes) => record('a', 'x'.repeat(bytes)));
  expect([...sendsByKey(large)].map((send) => send.map(({ value }) => value.length))).toEqual([
    [400_000],
    [200_000],
    [900_000],
    [1],
  ]);
});
