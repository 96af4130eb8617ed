import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addPrice, FORECAST_EVERY_MS, type ForecastState, forecastsOf, takenUpTo } from './forecast.ts';
import { HOUR_MS } from './instant.ts';
import { markableStarts } from './mark-price.ts';
import { MARKET_RUNS } from './market-run.ts';

/** @param publishedAt of each price; by default as far apart as forecasts are. */
function stateOf(prices: readonly number[], publishedAt = (at: number) => at * FORECAST_EVERY_MS): ForecastState {
  let state: ForecastState | undefined;
  for (const [at, price] of prices.entries()) state = addPrice(state, { at, price, publishedAt: publishedAt(at) });
  return state ?? expect.unreachable();
}

const byModel = (prices: readonly number[]) =>
  Object.fromEntries(forecastsOf(stateOf(prices)).map((each) => [each.model, each]));

describe('forecasts of the next price', () => {
  it('by hand, of five prices', () => {
    const { SMA_5, SMA_20, NEXT_VALUE, EWMA } = byModel([10, 20, 30, 40, 50]);
    expect(SMA_5).toEqual({ model: 'SMA_5', value: 30, samples: 0, mae: null, rmse: null, bias: null });
    expect([SMA_20?.value, NEXT_VALUE?.value]).toEqual([null, null]);
    // e ← 2/21·p + 19/21·e, from 10 on.
    const ewma = [20, 30, 40, 50].reduce((e, price) => (2 / 21) * price + (19 / 21) * e, 10);
    expect(EWMA?.value).toBeCloseTo(ewma, 12);
    expect(EWMA?.samples).toBe(4);
  });

  it('by hand, of the sixth and the seventh: values and errors', () => {
    const six = byModel([10, 20, 30, 40, 50, 60]);
    expect(six.SMA_5).toEqual({ model: 'SMA_5', value: 40, samples: 1, mae: 30, rmse: 30, bias: -30 });
    expect(six.NEXT_VALUE?.value).toBe(70);
    const seven = byModel([10, 20, 30, 40, 50, 60, -10]);
    // Forecast 40 for −10: an error of +50 beside the one of −30.
    expect(seven.SMA_5).toMatchObject({ samples: 2, mae: 40, bias: 10, rmse: Math.sqrt((900 + 2_500) / 2) });
    expect(seven.NEXT_VALUE).toMatchObject({ samples: 1, mae: 80, bias: 80 });
  });

  it('twenty prices make the long average, of the last twenty only', () => {
    const prices = Array.from({ length: 25 }, (_, place) => place);
    expect(byModel(prices).SMA_20?.value).toBe((5 + 24) / 2);
    expect(byModel(prices.slice(0, 19)).SMA_20?.value).toBeNull();
  });

  it('of a constant price all agree, without an error', () => {
    for (const { value, mae, bias } of forecastsOf(stateOf(Array(40).fill(-12.5)))) {
      expect(value).toBeCloseTo(-12.5, 10);
      expect([Math.abs(mae ?? Number.NaN) < 1e-10, Math.abs(bias ?? Number.NaN) < 1e-10]).toEqual([true, true]);
    }
  });

  it('a price that does not come after the last one is refused: it would count twice', () => {
    expect(() => addPrice(stateOf([1, 2]), { at: 1, price: 3, publishedAt: HOUR_MS })).toThrow(RangeError);
  });

  it('of prices that are published together the first is scored: of the others there was no forecast', () => {
    const days = (at: number) => Math.floor(at / 24) * 24 * HOUR_MS;
    const prices = Array.from({ length: 72 }, (_, place) => 20 + (place % 24));
    const [first, third] = [stateOf(prices.slice(0, 24), days), stateOf(prices, days)];
    expect(forecastsOf(first).map(({ samples, mae }) => [samples, mae])).toEqual(Array(4).fill([0, null]));
    expect(forecastsOf(third).map(({ samples }) => samples)).toEqual([2, 2, 2, 2]);
    // The last hour of a day moved on, 43 + 1, against the first of the next, 20.
    expect(forecastsOf(third)[2]).toMatchObject({ model: 'NEXT_VALUE', mae: 24, bias: 24 });
    const apart = forecastsOf(stateOf(prices)).map(({ value }) => value);
    expect(forecastsOf(third).map(({ value }) => value)).toEqual(apart);
  });

  it('ticks that come faster than forecasts are made are scored once in the time that one takes', () => {
    const fast = stateOf(Array(101).fill(30), (at) => at * (FORECAST_EVERY_MS / 4));
    expect(forecastsOf(fast)[3]?.samples).toBe(25);
  });

  it('a price that was published before the one before it is not scored', () => {
    const corrected = (at: number) => (at === 3 ? 10 : at) * FORECAST_EVERY_MS;
    const scored = (count: number) => forecastsOf(stateOf(Array(count).fill(30), corrected))[3]?.samples;
    expect([4, 5, 11, 12].map(scored)).toEqual([3, 3, 3, 4]);
  });

  it('take what begins as far ahead as what marks a position, and all that is cleared ahead', () => {
    const now = Date.UTC(2026, 0, 9);
    const ahead = MARKET_RUNS.filter((run) => takenUpTo(run, now) === Number.POSITIVE_INFINITY);
    expect(ahead).toEqual(['DAY_AHEAD_HOURLY', 'HOUR_AHEAD_15_MIN']);
    for (const run of MARKET_RUNS.filter((each) => !ahead.includes(each))) {
      expect(takenUpTo(run, now), run).toBe(markableStarts(now).upTo);
    }
  });

  it('what is remembered survives its way through JSON, and |bias| ≤ MAE ≤ RMSE', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: -1_000, max: 9_000, noNaN: true }), { minLength: 1, maxLength: 60 }),
        (prices) => {
          const state = stateOf(prices);
          const restored: ForecastState = JSON.parse(JSON.stringify(state));
          const next = (from: ForecastState) =>
            forecastsOf(addPrice(from, { at: prices.length, price: 42, publishedAt: HOUR_MS }));
          expect(next(restored)).toEqual(next(state).map((each) => JSON.parse(JSON.stringify(each))));
          for (const { mae, rmse, bias } of forecastsOf(state)) {
            if (mae === null || rmse === null || bias === null) continue;
            expect(Math.abs(bias)).toBeLessThanOrEqual(mae + 1e-9);
            expect(mae).toBeLessThanOrEqual(rmse + 1e-6);
          }
        },
      ),
    );
  });
});
