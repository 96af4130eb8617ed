import { expect, it } from 'vitest';
import { partsOf } from './plan-parts.ts';

const parts = (sizes: readonly number[], thingsMax = 3) => partsOf(sizes, (size) => size, { thingsMax, bytesMax: 10 });

it.each([
  ['nothing', [], []],
  ['more than are allowed', [1, 1, 1, 1], [[1, 1, 1], [1]]],
  ['as many bytes as are allowed', [5, 5, 1], [[5, 5], [1]]],
  ['one that is too large between small ones', [1, 99, 1], [[1], [99], [1]]],
])('of %s are made in order', (_, sizes, expected) => {
  expect(parts(sizes)).toEqual(expected);
});
