import { describe, expect, test } from 'vitest';
import { expectedPrice, type PricedMarket } from './oracle.ts';
import { type MarketShapeName, pricePartsOf } from './price-shape.ts';

const HOUR_MS = 3_600_000;
const FROM = Date.parse('2026-06-01T00:00Z');
const HOURS = Array.from({ length: 60 * 24 }, (_, i) => FROM + i * HOUR_MS);

const PLACES: readonly (readonly [PricedMarket, string, string])[] = [
  ['CAISO', 'PRC_LMP', 'TH_NP15_GEN-APND'],
  ['ERCOT', 'np4-190-cd', 'HB_NORTH'],
  ['ISONE', 'hourlylmp-da-final', '.H.INTERNAL_HUB'],
  ['MISO', 'da_expost_lmp', 'INDIANA.HUB'],
  ['NYISO', 'damlbmp_zone', 'N.Y.C.'],
  ['PJM', 'da_hrl_lmps', 'WESTERN HUB'],
  ['SPP', 'da-lmp-by-settlement-location', 'SPPNORTH_HUB'],
];

describe.each(PLACES)('prices of %s', (market, report, node) => {
  const prices = HOURS.map((startMs) => expectedPrice(market, { report, node, startMs }));

  test('are negative at times, and mostly not', () => {
    const negative = prices.filter(({ lmp }) => lmp < 0).length;
    expect(negative).toBeGreaterThan(5);
    expect(negative).toBeLessThan(prices.length / 4);
  });

  test('are the sum of their parts, to the half of a cent, or one number', () => {
    for (const { lmp, energy, congestion, loss, ghg } of prices) {
      const parts = [energy, congestion, loss].filter((part) => part !== null);
      if (market === 'ERCOT') expect(parts).toEqual([]);
      else expect(Math.abs(lmp - parts.reduce((sum, part) => sum + part, ghg ?? 0))).toBeLessThan(0.005 + 1e-6);
    }
  });

  test('are dearer in the evening than at night', () => {
    const average = (hour: number) =>
      mean(prices.filter((_, i) => i % 24 === hour).map(({ energy, lmp }) => energy ?? lmp));
    // 19:00 and 03:00 of winter, somewhere between New York and Los Angeles.
    expect(average(1)).toBeGreaterThan(average(9) + 5);
  });
});

test('real time strays from what the day ahead foresaw, and not far', () => {
  const of = (ahead: boolean, market: MarketShapeName = 'PJM') =>
    HOURS.map((startMs) => pricePartsOf({ market, ahead, place: 'X', startMs }).energy);
  const [ahead, real] = [of(true), of(false)];
  const apart = real.map((price, i) => Math.abs(price - (ahead[i] ?? 0)));
  expect(mean(apart)).toBeGreaterThan(1);
  expect(mean(apart)).toBeLessThan(10);
  expect(Math.max(...apart)).toBeGreaterThan(30);
});

test('a seed gives prices of its own, a place congestion of its own and the energy of its market', () => {
  const [one, seeded, elsewhere] = [{ place: 'X' }, { place: 'X', seed: 2 }, { place: 'Y' }].map((more) =>
    pricePartsOf({ market: 'PJM', ahead: false, startMs: FROM, ...more }),
  );
  expect(seeded?.energy).not.toBe(one?.energy);
  expect([elsewhere?.energy, elsewhere?.congestion === one?.congestion]).toEqual([one?.energy, false]);
});

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
