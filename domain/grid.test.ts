import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { alignedToGrid } from './grid.ts';
import { MINUTE_MS } from './instant.ts';

const steps = fc.constantFrom(5, 15, 60).map((minutes) => minutes * MINUTE_MS);

describe('an instant that a clock has shifted', () => {
  it('is put back where it came from, however far within the tolerance and either way', () => {
    const grid = fc.integer({ min: -1_000_000, max: 1_000_000 });
    fc.assert(
      fc.property(steps, grid, fc.integer({ min: -30_000, max: 30_000 }), (step, place, shift) => {
        expect(alignedToGrid(place * step + shift, step, 30_000)).toBe(place * step);
      }),
    );
  });

  it('is nowhere beyond the tolerance', () => {
    const instant = Date.parse('2024-07-04T00:40:18Z');
    expect(alignedToGrid(instant, 5 * MINUTE_MS, 20_000)).toBe(Date.parse('2024-07-04T00:40Z'));
    expect(alignedToGrid(instant, 5 * MINUTE_MS, 17_999)).toBeUndefined();
    expect(alignedToGrid(Date.parse('2024-07-04T00:59:58Z'), 5 * MINUTE_MS, 2_000)).toBe(
      Date.parse('2024-07-04T01:00Z'),
    );
  });

  it('has one place: a tolerance of half a step is refused, and a step of nothing', () => {
    expect(() => alignedToGrid(0, 300_000, 150_000)).toThrow(RangeError);
    expect(() => alignedToGrid(0, 300_000, -1)).toThrow(RangeError);
    expect(() => alignedToGrid(0, 0, 0)).toThrow(RangeError);
    expect(() => alignedToGrid(0, 300_000, Number.NaN)).toThrow(RangeError);
  });
});
