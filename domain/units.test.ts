import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fractionFrom } from './fraction.ts';
import { convert, convertPrice, energyOfGas, isUnit, type Unit, US_AVERAGE_HEAT_CONTENT } from './units.ts';

const DIMENSIONS: Readonly<Record<string, readonly Unit[]>> = {
  energy: ['kWh', 'MWh', 'GWh', 'MMBtu'],
  power: ['kW', 'MW', 'GW'],
  temperature: ['K', '°C', '°F'],
  volume: ['m3', 'Mcf', 'MMcf'],
};
const ALL = Object.values(DIMENSIONS).flat();
const PAIRS = ALL.flatMap((from) => ALL.map((to) => [from, to] as const));
const isSameDimension = ([from, to]: readonly [Unit, Unit]) =>
  Object.values(DIMENSIONS).some((units) => units.includes(from) && units.includes(to));
const same = fc.constantFrom(...PAIRS.filter(isSameDimension));
const amounts = fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e12, max: 1e12 }).map(fractionFrom);

const converted = (amount: number | string, from: Unit, to: Unit) => convert(fractionFrom(amount), from, to);

describe('units', () => {
  it('come back exactly from any other unit of their dimension', () => {
    fc.assert(
      fc.property(same, amounts, ([from, to], amount) => {
        expect(convert(convert(amount, from, to), to, from)).toEqual(amount);
      }),
    );
  });

  it('go the same way through a third unit', () => {
    fc.assert(
      fc.property(same, amounts, fc.nat(), ([from, to], amount, which) => {
        const others = Object.values(DIMENSIONS).find((units) => units.includes(from)) ?? [];
        const third = others[which % others.length] ?? from;
        expect(convert(convert(amount, from, third), third, to)).toEqual(convert(amount, from, to));
      }),
    );
  });

  it('keep the order of amounts', () => {
    fc.assert(
      fc.property(same, amounts, amounts, ([from, to], one, other) => {
        const sign = (a: typeof one, b: typeof one) => Math.sign(Number(a.minus(b).dividend));
        expect(sign(convert(one, from, to), convert(other, from, to))).toBe(sign(one, other));
      }),
    );
  });

  it.each(PAIRS.filter((pair) => !isSameDimension(pair)))('do not become another dimension: %s, %s', (from, to) => {
    for (const conversion of [convert, convertPrice]) {
      expect(() => conversion(fractionFrom(1), from, to)).toThrow(
        expect.objectContaining({
          code: 'BAD_USER_INPUT',
          message: expect.stringMatching(`${from} .*${to} .*neither`),
        }),
      );
    }
  });

  it.each([
    [1.5, 'MWh', 'kWh', '1500'],
    [1, 'GWh', 'MWh', '1000'],
    ['3412141.633127942', 'MMBtu', 'GWh', '1000'],
    [250, 'kW', 'MW', '0.25'],
    [1.2, 'GW', 'kW', '1200000'],
    [212, '°F', '°C', '100'],
    [-40, '°C', '°F', '-40'],
    [0, 'K', '°F', '-459.67'],
    [98.6, '°F', 'K', '310.15'],
    [1, 'Mcf', 'm3', '28.316846592'],
    [1, 'MMcf', 'Mcf', '1000'],
  ] as const)('%d %s in %s are %s', (amount, from, to, expected) => {
    expect(converted(amount, from, to).toDecimal().rounded().toNumber()).toBeCloseTo(Number(expected), 6);
  });

  it('hold a MWh for 3.412141633 MMBtu', () => {
    expect(converted(1, 'MWh', 'MMBtu').toNumber()).toBe(3.4121416331279417);
    expect(converted(1, 'MMBtu', 'MWh').toDecimal().toString()).toBe('0.2930710702');
  });

  it('are known by name, and by nothing that every object inherits', () => {
    expect([isUnit('MWh'), isUnit('mwh'), isUnit('toString')]).toEqual([true, false, false]);
  });
});

describe('prices for a unit', () => {
  it('cost the same whatever unit the amount is in', () => {
    const priced = fc.constantFrom(
      ...PAIRS.filter(isSameDimension).filter(([from]) => !['K', '°C', '°F'].includes(from)),
    );
    fc.assert(
      fc.property(priced, amounts, amounts, ([from, to], price, amount) => {
        const cost = convertPrice(price, from, to).times(convert(amount, from, to));
        expect(cost).toEqual(price.times(amount));
      }),
    );
  });

  it('for a MMBtu are 3.412 times as much for a MWh', () => {
    expect(convertPrice(fractionFrom(2.5), 'MMBtu', 'MWh').toDecimal().toString()).toBe('8.5303540828');
    expect(convertPrice(fractionFrom(30), 'MWh', 'kWh').toNumber()).toBe(0.03);
  });

  it('are none of temperatures', () => {
    expect(() => convertPrice(fractionFrom(1), '°C', 'K')).toThrow(/no price for a temperature/);
  });
});

describe('gas', () => {
  it('holds as much energy as its heat content says', () => {
    const energy = (volume: number, unit: 'Mcf' | 'MMcf' | 'm3') =>
      energyOfGas(fractionFrom(volume), unit, US_AVERAGE_HEAT_CONTENT, 'MMBtu').toDecimal().toString();
    expect(energy(1, 'Mcf')).toBe('1.036');
    expect(energy(2, 'MMcf')).toBe('2072');
    expect(energy(28.316846592, 'm3')).toBe('1.036');
    const dry = { amount: fractionFrom(1.01), energy: 'MMBtu', per: 'Mcf' } as const;
    expect(energyOfGas(fractionFrom(100), 'Mcf', dry, 'MWh').toDecimal().toString()).toBe('29.6001780874');
  });
});
