import { expect, test } from 'vitest';
import { StallWatch } from './kafka-stall-watch.ts';

const lane = (position: number, end: number) => [{ key: 'lmp/0', position, end }];

test('a partition that stays behind for two looks stalls', () => {
  const watch = new StallWatch();
  expect(watch.look(0, lane(5, 9))).toBeUndefined();
  expect(watch.look(30_000, lane(5, 9))).toContain('lmp/0');
});

test('a partition that moves, has caught up, or is at work does not stall', () => {
  const watch = new StallWatch();
  expect(watch.look(0, lane(5, 9))).toBeUndefined();
  expect(watch.look(30_000, lane(6, 12))).toBeUndefined();
  watch.fetched(60_000);
  expect(watch.look(60_000, lane(12, 12))).toBeUndefined();
  expect(watch.look(90_000, [])).toBeUndefined();
  expect(watch.look(120_000, lane(12, 13))).toBeUndefined();
});

test('no fetch for ninety seconds is a stall, from the first look on where there was none at all', () => {
  const watch = new StallWatch();
  expect(watch.look(1_000, [])).toBeUndefined();
  watch.fetched(50_000);
  expect(watch.look(140_000, [])).toBeUndefined();
  expect(watch.look(140_001, [])).toContain('no fetch');
});

test('a silence that is our own doing is no stall, and counts no longer afterwards', () => {
  const watch = new StallWatch();
  watch.fetched(0);
  for (const now of [60_000, 120_000, 180_000]) {
    watch.heldUp(now);
    expect(watch.look(now, [])).toBeUndefined();
  }
  expect(watch.look(270_000, lane(5, 5))).toBeUndefined();
  expect(watch.look(270_001, lane(5, 5))).toContain('no fetch');
});
