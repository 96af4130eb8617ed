import { beforeEach, expect, test } from 'vitest';
import { HOUR_MS } from '../../domain/instant.ts';
import type { RunPrice } from '../../domain/mark-price.ts';
import { PRICES_AHEAD_MAX, PricesAhead } from './prices-ahead.ts';

const NOW = Date.UTC(2026, 0, 1);

/** Begins so many milliseconds after what may mark now. */
const price = (ms: number, revision = 1): RunPrice => ({
  run: 'SPOT',
  startAt: NOW + HOUR_MS + ms,
  revision,
  lmp: ms,
  publishedAt: NOW,
});

let shorts = 0;

beforeEach(() => {
  shorts = 0;
});

function aheadOf(prices: readonly RunPrice[]): PricesAhead {
  const ahead = new PricesAhead(() => {
    shorts += 1;
  });
  for (const each of prices) ahead.keep(each);
  return ahead;
}

const minutes = (count: number) => Array.from({ length: count }, (_, each) => price(each + 1));

test('prices ahead are let go when their time has come, and the newest of those that are due counts', () => {
  const ahead = aheadOf([price(3), price(1), price(2)]);
  expect(ahead.takeDue(NOW)).toBeUndefined();
  expect(ahead.takeDue(NOW + 2)).toEqual(price(2));
  expect(ahead.takeDue(NOW + 2)).toBeUndefined();
  expect(ahead.takeDue(NOW + 9)).toEqual(price(3));
  expect(shorts).toBe(0);
});

test('of one start the highest revision is kept, in whatever order they come', () => {
  expect(aheadOf([price(1), price(1, 3), price(1, 2)]).takeDue(NOW + 1)).toEqual(price(1, 3));
});

test('of too many the earliest are kept, and none that would leave a hole', () => {
  const ahead = aheadOf(minutes(3 * PRICES_AHEAD_MAX));
  ahead.takeDue(NOW + 10);
  ahead.keep(price(PRICES_AHEAD_MAX + 7));
  ahead.keep(price(20.5));
  for (let ms = 11; ms <= 20; ms++) expect(ahead.takeDue(NOW + ms)).toEqual(price(ms));
  expect(ahead.takeDue(NOW + 20.5)).toEqual(price(20.5));
  expect(shorts).toBe(0);
  expect(ahead.takeDue(NOW + 9_999)).toEqual(price(PRICES_AHEAD_MAX));
  expect(shorts).toBe(1);
});

test('what comes after they were spent is kept again, and spent without a word where it was all', () => {
  const ahead = aheadOf(minutes(PRICES_AHEAD_MAX + 1));
  ahead.takeDue(NOW + PRICES_AHEAD_MAX);
  ahead.keep(price(9_999));
  expect(ahead.takeDue(NOW + 9_999)).toEqual(price(9_999));
  expect(shorts).toBe(1);
});
