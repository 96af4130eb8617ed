import { expect, test } from 'vitest';
import { keyHash } from './key-hash.ts';

test('the hash of a key never changes, as stored records lie where it put them', () => {
  expect(['', 'a', 'PJM:PJM-WEST', 'Ω'].map((key) => keyHash(Buffer.from(key)))).toEqual([
    2_872_998_923, 444_641_715, 2_429_580_321, 1_093_835_869,
  ]);
});

test('node names spread evenly over partitions', () => {
  for (const partitions of [3, 4, 6, 16]) {
    const counts = new Array<number>(partitions).fill(0);
    for (let node = 0; node < 6_000; node++) {
      const partition = keyHash(Buffer.from(`CAISO:NODE_${node}-APND`)) % partitions;
      counts[partition] = (counts[partition] ?? 0) + 1;
    }
    for (const count of counts) expect(Math.abs(count / (6_000 / partitions) - 1)).toBeLessThan(0.2);
  }
});
