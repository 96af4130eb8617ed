import { describe, expect, it } from 'vitest';
import { decimalFrom } from '../../../domain/money.ts';
import { isImpossible } from '../validate.ts';
import { createControlSignalsFamily } from './control-signals.ts';
import { createPlantStatusFamily } from './plant-status.ts';
import { createTariffsFamily } from './tariffs.ts';

const AT = Date.UTC(2026, 8, 28, 12);
const VERSION = { publishedAt: AT, publishedSeq: 0 };
const QUARTER_MS = 900_000;

const PRICE = {
  provider: 'CKW',
  tariffName: 'home_dynamic',
  type: 'integrated',
  startAt: AT,
  endAt: AT + QUARTER_MS,
  value: decimalFrom('0.2274'),
  unit: 'CHF_kWh',
  flags: ['IDENTITY_BREACH'],
} as const;
const READING = {
  plant: 'lutersarni',
  at: AT,
  state: 'OTHER',
  rawState: 'Windstille',
  voltageKv: 20.7,
  activeMw: -0.01,
  reactiveMvar: null,
  windKmh: 0,
} as const;
const SIGNAL = {
  provider: 'CKW',
  name: '000R',
  description: 'Boiler 4 h',
  date: '2026-09-28',
  startAt: AT,
  endAt: AT + QUARTER_MS,
};

describe('a family', () => {
  it('reads back what it wrote of a fact for its dead letter', () => {
    const tariffs = createTariffsFamily();
    const plants = createPlantStatusFamily();
    const signals = createControlSignalsFamily();
    expect(tariffs.factFrom(tariffs.textOf(PRICE))).toEqual(PRICE);
    expect(plants.factFrom(plants.textOf(READING))).toEqual(READING);
    expect(signals.factFrom(signals.textOf(SIGNAL))).toEqual(SIGNAL);
    expect(() => tariffs.factFrom(tariffs.textOf(PRICE).replace('0.2274', 'cheap'))).toThrow('decimal');
  });

  it('keeps what is odd, and says so', () => {
    const { judge } = createTariffsFamily();
    expect(judge(PRICE, VERSION, AT)).toEqual({ ...PRICE, publishedAt: AT });
    const long = { ...PRICE, endAt: AT + 2 * QUARTER_MS };
    expect(judge(long, VERSION, AT)).toMatchObject({ flags: ['IDENTITY_BREACH', 'UNALIGNED_INTERVAL'] });
    const negative = { ...PRICE, value: decimalFrom('-0.5') };
    expect(judge(negative, VERSION, AT)).toMatchObject({ value: decimalFrom('-0.5') });
  });

  it.each([
    ['an interval that ends before it starts', { endAt: AT - 1 }],
    ['an interval of no length', { endAt: AT }],
    ['an interval of two days', { endAt: AT + 2 * 86_400_000 }],
    ['a price per megawatt-hour', { value: decimalFrom('227.4') }],
    ['a price without end', { value: decimalFrom(`0.${'1'.repeat(21)}`) }],
  ])('of tariffs refuses %s', (_, fields) => {
    expect(isImpossible(createTariffsFamily().judge({ ...PRICE, ...fields }, VERSION, AT))).toBe(true);
  });

  it.each([
    ['a reading of next month', { at: AT + 31 * 86_400_000 }],
    ['kilowatts', { activeMw: 79_999 }],
    ['volts', { voltageKv: 20_697 }],
    ['a wind that never blew', { windKmh: 600 }],
    ['no number', { windKmh: Number.NaN }],
  ])('of plants refuses %s', (_, fields) => {
    expect(isImpossible(createPlantStatusFamily().judge({ ...READING, ...fields }, VERSION, AT))).toBe(true);
  });

  it('of signals refuses one that stands for days', () => {
    const { judge } = createControlSignalsFamily();
    expect(isImpossible(judge(SIGNAL, VERSION, AT))).toBe(false);
    expect(isImpossible(judge({ ...SIGNAL, endAt: AT + 2 * 86_400_000 }, VERSION, AT))).toBe(true);
  });
});
