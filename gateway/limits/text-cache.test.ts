import { expect, test } from 'vitest';
import { TextCache } from './text-cache.ts';

test('texts are kept as long as they are asked for, so many of them and so many characters', () => {
  const cache = new TextCache<number>(1_000_000, 100);
  cache.set('first', 1);
  for (let each = 0; each < 10_000; each++) {
    cache.set(`${each}`, each);
    expect(cache.get('first')).toBe(1);
  }
  expect(cache.size).toBe(2_000);
  expect(cache.get('9999')).toBe(9_999);
  expect(cache.get('8000')).toBeUndefined();
  for (let each = 0; each < 300; each++) cache.set(`long ${each}`, each, 100);
  expect(cache.size).toBe(2_000);
  const long = new TextCache<number>(1_000, 100);
  for (let each = 0; each < 300; each++) long.set(`long ${each}`, each, 100);
  expect(long.size).toBe(10);
  long.set('too long', 0, 101);
  expect(long.get('too long')).toBeUndefined();
});
