import Big from 'big.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Decimal, decimalFrom, parseDecimal, ZERO } from './money.ts';

const DIGITS = fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n });
const DECIMALS = fc.integer({ min: 0, max: 25 });
const ANY = fc.tuple(DIGITS, DECIMALS).map(([digits, decimals]) => new Decimal(digits, decimals));
/** Few digits, so that halves and exact quotients are common. */
const SMALL = fc
  .tuple(fc.bigInt({ min: -99n, max: 99n }), fc.integer({ min: 0, max: 12 }))
  .map(([digits, decimals]) => new Decimal(digits, decimals));
const DECIMAL = fc.oneof(ANY, SMALL);

/** big.js does the same by another way, digit by digit. */
const exact = (decimal: Decimal) => new Big(decimal.toString());
const TenDecimals = Big();
TenDecimals.DP = 10;
TenDecimals.RM = Big.roundHalfUp;

describe('decimals', () => {
  it('add, subtract and multiply exactly', () => {
    fc.assert(
      fc.property(DECIMAL, DECIMAL, (one, other) => {
        expect(String(one.plus(other))).toBe(exact(one).plus(exact(other)).toFixed());
        expect(String(one.minus(other))).toBe(exact(one).minus(exact(other)).toFixed());
        expect(String(one.times(other))).toBe(exact(one).times(exact(other)).toFixed());
        expect(one.minus(other).sign).toBe(exact(one).cmp(exact(other)));
        expect(String(one.negated().plus(one))).toBe('0');
      }),
    );
  });

  it('divide to ten decimals, half away from zero', () => {
    fc.assert(
      fc.property(DECIMAL, DECIMAL, (one, other) => {
        fc.pre(other.sign !== 0);
        const quotient = new TenDecimals(one.toString()).div(other.toString());
        expect(String(one.over(other))).toBe(quotient.toFixed().replace(/^-0$/, '0'));
      }),
      { numRuns: 1_000 },
    );
  });

  it.each([
    ['0.00000000005', '0.0000000001'],
    ['-0.00000000005', '-0.0000000001'],
    ['0.000000000049999', '0'],
    ['-0.000000000049999', '0'],
    ['2.00000000015', '2.0000000002'],
    ['-2.00000000025', '-2.0000000003'],
    ['9.99999999995', '10'],
    ['123.4567', '123.4567'],
  ])('round %s to %s', (text, rounded) => {
    expect(String(decimalFrom(text).rounded())).toBe(rounded);
  });

  it('refuse to be divided by zero', () => {
    expect(() => decimalFrom(1).over(ZERO)).toThrow(RangeError);
  });

  it('refuse to be compared as texts by <', () => {
    expect(() => decimalFrom(9) < decimalFrom(10)).toThrow(TypeError);
  });
});

describe('the text of a decimal', () => {
  it('is read back as the same decimal, and is what JSON holds', () => {
    fc.assert(
      fc.property(DECIMAL, (decimal) => {
        expect(String(decimalFrom(decimal.toString()))).toBe(decimal.toString());
        expect(JSON.stringify({ decimal })).toBe(`{"decimal":"${decimal}"}`);
      }),
    );
  });

  it.each([
    [new Decimal(0n, 12), '0'],
    [new Decimal(1n, 12), '0.000000000001'],
    [new Decimal(-1n, 3), '-0.001'],
    [new Decimal(1_500n, 2), '15'],
    [new Decimal(-12_340n, 3), '-12.34'],
    [new Decimal(10n ** 24n, 0), '1000000000000000000000000'],
  ])('has neither exponent nor trailing zeros: %#', (decimal, text) => {
    expect(String(decimal)).toBe(text);
  });
});

describe('parseDecimal', () => {
  it('takes a number as it is written, without binary noise', () => {
    expect(String(decimalFrom(0.1).plus(decimalFrom(0.2)))).toBe('0.3');
    expect(String(decimalFrom(-0))).toBe('0');
    expect(String(decimalFrom(1e21))).toBe('1000000000000000000000');
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        expect(decimalFrom(value).toNumber()).toBe(value === 0 ? 0 : value);
      }),
    );
  });

  it.each([
    ['1.50', '1.5'],
    ['-0.00', '0'],
    ['+7', '7'],
    ['007', '7'],
    ['1e-7', '0.0000001'],
    ['-12.5E+3', '-12500'],
  ])('reads %s', (text, expected) => {
    expect(String(parseDecimal(text))).toBe(expected);
  });

  it.each([
    ['nothing', ''],
    ['blanks', ' 1'],
    ['a line break after it', '1\n'],
    ['not a number', Number.NaN],
    ['an infinity', Number.POSITIVE_INFINITY],
    ['the NaN of Postgres', 'NaN'],
    ['a thousands separator', '1,000'],
    ['a point without digits after it', '1.'],
    ['a point without digits before it', '.5'],
    ['hexadecimal digits', '0x10'],
    ['an exponent that would fill the memory', '1e9999'],
    ['more than a thousand characters', '1'.repeat(1_001)],
  ])('refuses %s', (_, value) => {
    expect(parseDecimal(value)).toBeUndefined();
    expect(() => decimalFrom(value)).toThrow(TypeError);
  });
});
