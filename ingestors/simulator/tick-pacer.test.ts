import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createTickPacer, type Tick } from './tick-pacer.ts';

const START = Date.UTC(2026, 10, 21);

function ticksOf(lanes: number, ratePerSecond: number, offsetsMs: readonly number[]): Tick[] {
  const pacer = createTickPacer(lanes, ratePerSecond, START);
  return offsetsMs.flatMap((offset) => pacer.due(START + offset));
}

describe('a tick pacer', () => {
  it('keeps the rate over time, whatever the rhythm it is asked in', () => {
    const waits = fc.array(fc.integer({ min: 0, max: 1_000 }), { minLength: 1, maxLength: 100 });
    fc.assert(
      fc.property(waits, fc.integer({ min: 1, max: 4_000 }), (gapsMs, rate) => {
        let at = 0;
        const offsets = gapsMs.map((gap) => (at += gap));
        const expected = (at * rate) / 1_000;
        return Math.abs(ticksOf(8, rate, offsets).length - expected) <= 1;
      }),
    );
  });

  it('gives each lane its share and never the same millisecond twice', () => {
    const ticks = ticksOf(
      8,
      4_000,
      Array.from({ length: 200 }, (_, place) => (place + 1) * 50),
    );
    expect(ticks).toHaveLength(40_000);
    for (let lane = 0; lane < 8; lane += 1) {
      const instants = ticks.filter((tick) => tick.lane === lane).map((tick) => tick.atMs);
      expect(instants).toHaveLength(5_000);
      for (const [place, atMs] of instants.entries()) expect(atMs).toBeGreaterThan(instants[place - 1] ?? START);
    }
  });

  it('spreads ticks over the time since it was last asked, and none into the future', () => {
    const pacer = createTickPacer(2, 40, START);
    expect(pacer.due(START + 100).map((tick) => tick.atMs - START)).toEqual([25, 50, 75, 100]);
    expect(pacer.due(START + 150).map((tick) => tick.atMs - START)).toEqual([125, 150]);
  });

  it('makes up for one second of a long pause and leaves the rest empty', () => {
    const ticks = ticksOf(2, 100, [3_600_000]);
    expect(ticks).toHaveLength(100);
    expect(Math.min(...ticks.map((tick) => tick.atMs))).toBeGreaterThan(START + 3_599_000);
  });

  it('stands still while the clock goes back, and stays distinct after', () => {
    const ticks = ticksOf(1, 100, [1_000, 500, 1_000, 1_500]);
    const instants = ticks.map((tick) => tick.atMs);
    expect(new Set(instants).size).toBe(instants.length);
    expect(ticksOf(1, 100, [1_000, 500])).toHaveLength(100);
  });

  it('gives a slow rate its tick when a whole one has been earned', () => {
    const pacer = createTickPacer(2, 0.5, START);
    const counts = Array.from({ length: 40 }, (_, place) => pacer.due(START + (place + 1) * 50).length);
    expect(counts.slice(0, 39)).toEqual(Array(39).fill(0));
    expect(counts[39]).toBe(1);
  });

  it('refuses a rate that would need two ticks of a lane in one millisecond, and no rate', () => {
    expect(() => createTickPacer(8, 4_001, START)).toThrow(RangeError);
    for (const rate of [0, -1, Number.NaN]) expect(() => createTickPacer(8, rate, START)).toThrow(RangeError);
    expect(() => createTickPacer(0, 1, START)).toThrow(RangeError);
  });
});
