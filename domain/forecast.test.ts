import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addPrice, type ForecastState, forecastsOf } from './forecast.ts';

function stateOf(prices: readonly number[]): ForecastState {
  let state: ForecastState | undefined;
  for (const [at, price] of prices.entries()) state = addPrice(state, price, at);
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
    expect(() => addPrice(stateOf([1, 2]), 3, 1)).toThrow(RangeError);
  });

  it('what is remembered survives its way through JSON, and |bias| ≤ MAE ≤ RMSE', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: -1_000, max: 9_000, noNaN: true }), { minLength: 1, maxLength: 60 }),
        (prices) => {
          const state = stateOf(prices);
          const restored: ForecastState = JSON.parse(JSON.stringify(state));
          const next = (from: ForecastState) => forecastsOf(addPrice(from, 42, prices.length));
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
