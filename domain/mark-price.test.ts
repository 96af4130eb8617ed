import { describe, expect, test } from 'vitest';
import { isNewerPrice, MARK_AGE_MS_MAX, MARK_RUNS, markPriceOf, type RunPrice } from './mark-price.ts';

const NOW = Date.UTC(2026, 0, 10);

function price(changes: Partial<RunPrice> = {}): RunPrice {
  return { run: 'SPOT', startAt: NOW - 60_000, revision: 1, lmp: 30, publishedAt: NOW, ...changes };
}

const marked = (...prices: readonly RunPrice[]) => markPriceOf(prices, MARK_RUNS, NOW);

describe('the price that positions are marked at', () => {
  test('is of the run that stands first, however old it is beside the others’', () => {
    const spot = price({ startAt: NOW - MARK_AGE_MS_MAX + 1 });
    expect(marked(price({ run: 'REAL_TIME_5_MIN' }), spot, price({ run: 'REAL_TIME_HOURLY' }))).toBe(spot);
  });

  test('is of the newest interval of the run, and of that the highest revision', () => {
    const newest = price({ revision: 2, lmp: -5 });
    const older = price({ startAt: NOW - 120_000, revision: 9 });
    expect(marked(older, newest, price(), older)).toBe(newest);
  });

  test('is of the next run where the first has none of the last 31 days', () => {
    const hourly = price({ run: 'REAL_TIME_HOURLY' });
    expect(marked(price({ startAt: NOW - MARK_AGE_MS_MAX }), hourly)).toBe(hourly);
  });

  test('is of an interval that begins within the hour at most: what lies further ahead is tomorrow’s, or of a wrong clock', () => {
    const soon = price({ startAt: NOW + 3_600_000 });
    expect(marked(price({ startAt: NOW + 3_600_001 }), soon, price())).toBe(soon);
  });

  test('is never of a run that is not asked for, and none where there is none', () => {
    expect(marked(price({ run: 'DAY_AHEAD_HOURLY' }))).toBeUndefined();
    expect(marked()).toBeUndefined();
  });

  test('follows the order of the runs that it is given', () => {
    const dayAhead = price({ run: 'DAY_AHEAD_HOURLY' });
    expect(markPriceOf([price(), dayAhead], ['DAY_AHEAD_HOURLY', 'SPOT'], NOW)).toBe(dayAhead);
  });
});

describe('of two prices of one run', () => {
  test('the one of the later interval is newer, whatever the revisions', () => {
    expect(isNewerPrice(price(), price({ startAt: NOW - 120_000, revision: 3 }))).toBe(true);
    expect(isNewerPrice(price({ startAt: NOW - 120_000, revision: 3 }), price())).toBe(false);
  });

  test('of one interval the higher revision is, and neither where they are the same', () => {
    expect(isNewerPrice(price({ revision: 2 }), price())).toBe(true);
    expect(isNewerPrice(price(), price({ revision: 2 }))).toBe(false);
    expect(isNewerPrice(price(), price())).toBe(false);
  });
});
