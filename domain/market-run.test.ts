import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { intervalMinutesOf, isMarketRun, MARKET_RUNS, type MarketRun } from './market-run.ts';

describe('market runs', () => {
  it('are recognised by their exact name', () => {
    for (const run of MARKET_RUNS) expect(isMarketRun(run), run).toBe(true);
  });

  it('are not confused with anything else, not even with what every object inherits', () => {
    for (const text of ['spot', 'REAL_TIME', '', 'toString', 'constructor', '__proto__', 'hasOwnProperty']) {
      expect(isMarketRun(text), text).toBe(false);
    }
    fc.assert(fc.property(fc.string(), (text) => isMarketRun(text) === MARKET_RUNS.includes(text as MarketRun)));
  });

  it('have intervals that divide the hour, except SPOT, which is a tick', () => {
    for (const run of MARKET_RUNS) {
      const minutes = intervalMinutesOf(run);
      if (run === 'SPOT') expect(minutes).toBeNull();
      else expect(60 % (minutes ?? Number.NaN), run).toBe(0);
    }
    expect(intervalMinutesOf('REAL_TIME_5_MIN')).toBe(5);
    expect(intervalMinutesOf('DAY_AHEAD_HOURLY')).toBe(60);
  });
});
