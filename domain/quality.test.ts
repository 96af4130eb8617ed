import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { QUALITY_FLAGS, qualityBits, qualityFlags } from './quality.ts';

describe('quality flags', () => {
  it('come back from their bits, each once and in the order of the list', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...QUALITY_FLAGS)), (flags) => {
        expect(qualityFlags(qualityBits(flags))).toEqual(QUALITY_FLAGS.filter((flag) => flags.includes(flag)));
      }),
    );
  });

  it('and every bit set of known flags comes back from its flags', () => {
    const all = 2 ** QUALITY_FLAGS.length - 1;
    fc.assert(fc.property(fc.integer({ min: 0, max: all }), (bits) => qualityBits(qualityFlags(bits)) === bits));
  });

  it('combine by bitwise or', () => {
    const flags = fc.subarray([...QUALITY_FLAGS]);
    fc.assert(fc.property(flags, flags, (a, b) => qualityBits([...a, ...b]) === (qualityBits(a) | qualityBits(b))));
  });

  it('keep the bits that are already stored: a flag never changes its place', () => {
    expect(QUALITY_FLAGS.map((flag) => [flag, qualityBits([flag])]).slice(0, 5)).toEqual([
      ['IDENTITY_BREACH', 1],
      ['GHG_MISSING', 2],
      ['COMPONENT_MISSING', 4],
      ['PRICE_OUTLIER', 8],
      ['UNALIGNED_INTERVAL', 16],
    ]);
  });

  it('fit the 32-bit integer column they are stored in', () => {
    expect(QUALITY_FLAGS.length).toBeLessThan(31);
  });

  it('ignore bits that a newer version of Busbar may have written', () => {
    expect(qualityFlags(1 | (1 << 30))).toEqual(['IDENTITY_BREACH']);
    expect(qualityFlags(0)).toEqual([]);
  });
});
