import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { PRICE_SPACING_MS, PricePace } from './price-pace.ts';

/** Share of the time that the loop is busy. */
let busy: number;
let pace: PricePace;

beforeEach(() => {
  vi.useFakeTimers();
  busy = 0;
  pace = new PricePace(() => ({ utilization: busy, active: 0, idle: 0 }));
});
afterEach(() => {
  vi.useRealTimers();
});

function spacingAfter(seconds: number): number {
  for (let look = 0; look < 2 * seconds; look++) {
    vi.advanceTimersByTime(500);
    pace.spacingMs;
  }
  return Math.round(pace.spacingMs);
}

test.each([
  [0.1, PRICE_SPACING_MS],
  [0.5, PRICE_SPACING_MS],
  [0.625, 2 * PRICE_SPACING_MS],
  [0.75, 4 * PRICE_SPACING_MS],
  [1, 4 * PRICE_SPACING_MS],
])('a loop that is busy for %d of the time tells prices every %i ms', (share, spacing) => {
  busy = share;
  expect(spacingAfter(10)).toBe(spacing);
});

test('follows the load there and back, half the way each time it looks', () => {
  expect(spacingAfter(1)).toBe(250);
  busy = 0.625;
  expect(spacingAfter(0.5)).toBe(375);
  expect(Math.round(pace.spacingMs)).toBe(375);
  expect(spacingAfter(10)).toBe(500);
  busy = 0.2;
  expect(spacingAfter(10)).toBe(250);
});
