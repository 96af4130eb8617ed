import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Fraction, fractionFrom } from './fraction.ts';

const numbers = fc
  .double({ noNaN: true, noDefaultInfinity: true, min: -1e15, max: 1e15 })
  .filter((each) => Math.abs(each) > 1e-200);
const parts = fc.bigInt({ min: -(10n ** 40n), max: 10n ** 40n });

describe('a fraction', () => {
  it('of a number is that number again', () => {
    fc.assert(fc.property(numbers, (each) => fractionFrom(each).toNumber() === each));
  });

  it('is the double nearest to it: neither neighbour is nearer', () => {
    fc.assert(
      fc.property(
        parts,
        parts.filter((each) => each !== 0n),
        (dividend, divisor) => {
          const fraction = new Fraction(dividend, divisor);
          const found = fraction.toNumber();
          const step = Math.abs(found) * Number.EPSILON;
          const distance = (each: number) => {
            const { dividend: over, divisor: under } = fraction.minus(doubleAsFraction(each));
            return { over: over < 0n ? -over : over, under };
          };
          const nearest = distance(found);
          for (const neighbour of [found - step, found + step]) {
            const other = distance(neighbour);
            expect(nearest.over * other.under <= other.over * nearest.under).toBe(true);
          }
        },
      ),
    );
  });

  it('adds and multiplies as fractions do, in lowest terms', () => {
    const third = new Fraction(-2n, -6n);
    expect(third).toEqual(new Fraction(1n, 3n));
    expect(third.plus(third).plus(third)).toEqual(new Fraction(1n));
    expect(third.times(fractionFrom(3)).over(fractionFrom('0.5'))).toEqual(new Fraction(2n));
    expect(third.minus(fractionFrom(1)).toDecimal().toString()).toBe('-0.6666666667');
    expect(fractionFrom(0.1).plus(fractionFrom(0.2)).toNumber()).toBe(0.3);
  });

  it('has no divisor of zero, and is no number that is none', () => {
    expect(() => new Fraction(1n, 0n)).toThrow(RangeError);
    expect(() => fractionFrom(1).over(fractionFrom(0))).toThrow(RangeError);
    expect(() => fractionFrom(Number.NaN)).toThrow(TypeError);
  });
});

/** Exactly what the double holds, all its binary places. */
function doubleAsFraction(value: number): Fraction {
  let scaled = value;
  let divisor = 1n;
  while (!Number.isInteger(scaled)) {
    scaled *= 2;
    divisor *= 2n;
  }
  return new Fraction(BigInt(scaled), divisor);
}
