import { Decimal, decimalFrom } from './money.ts';

/**
 * An exact number where decimals would have to be cut off, as in a third, or in a Btu as a part of a kWh. In lowest terms,
 * the divisor positive, so that equal numbers have equal parts.
 */
export class Fraction {
  readonly dividend: bigint;
  readonly divisor: bigint;

  /** @throws RangeError where the divisor is zero. */
  constructor(dividend: bigint, divisor = 1n) {
    if (divisor === 0n) throw new RangeError('a fraction has no divisor of zero');
    const common = commonDivisor(dividend, divisor) * (divisor < 0n ? -1n : 1n);
    this.dividend = dividend / common;
    this.divisor = divisor / common;
  }

  plus(other: Fraction): Fraction {
    return new Fraction(this.dividend * other.divisor + other.dividend * this.divisor, this.divisor * other.divisor);
  }

  minus(other: Fraction): Fraction {
    return this.plus(new Fraction(-other.dividend, other.divisor));
  }

  times(other: Fraction): Fraction {
    return new Fraction(this.dividend * other.dividend, this.divisor * other.divisor);
  }

  /** @throws RangeError where the other is zero. */
  over(other: Fraction): Fraction {
    return new Fraction(this.dividend * other.divisor, this.divisor * other.dividend);
  }

  /** Rounded as money is: to ten decimals. */
  toDecimal(): Decimal {
    return new Decimal(this.dividend, 0).over(new Decimal(this.divisor, 0));
  }

  /** The nearest double, where it is one of ordinary size. */
  toNumber(): number {
    const length = (value: bigint) => (value < 0n ? -value : value).toString(2).length;
    // A quotient of at least 64 bits; the last of them says whether anything was cut off, so that a tie is seen to be none.
    const shift = Math.max(0, 65 - length(this.dividend) + length(this.divisor));
    const shifted = this.dividend << BigInt(shift);
    const quotient = shifted / this.divisor;
    const cutOff = shifted % this.divisor === 0n ? 0n : this.dividend < 0n ? -1n : 1n;
    return Number(quotient * 2n + cutOff) / 2 / 2 ** shift;
  }
}

/** A number is taken as JavaScript writes it: 0.1 is one tenth. @throws TypeError where it is no decimal number. */
export function fractionFrom(value: Decimal | number | string): Fraction {
  const { digits, decimals } = value instanceof Decimal ? value : decimalFrom(value);
  return new Fraction(digits, 10n ** BigInt(decimals));
}

function commonDivisor(one: bigint, other: bigint): bigint {
  let [greater, lesser] = [one < 0n ? -one : one, other < 0n ? -other : other];
  while (lesser > 0n) [greater, lesser] = [lesser, greater % lesser];
  return greater;
}
