import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkIdentity, type LmpFact } from './lmp.ts';
import { MARKETS, type NodeName, nodeNameFrom } from './market.ts';

type Parts = Pick<LmpFact, 'lmp' | 'energy' | 'congestion' | 'loss'> & { readonly ghg?: number | null };

function fact(market: string, { ghg = null, ...parts }: Parts): LmpFact {
  const node = nodeNameFrom(market, 'HUB');
  if (node === undefined) throw new TypeError(`no market ${market}`);
  return { node, run: 'REAL_TIME_5_MIN', startAt: 0, endAt: 300_000, ghg, ...parts };
}

const flagsOf = (market: string, parts: Parts) => checkIdentity(fact(market, parts));
const CENTS = fc.integer({ min: -200_000, max: 200_000 });

describe('RULES 1: identity', () => {
  it.each([
    ['PJM', 0.005, 0.0051],
    ['SPP', 0, 0.0001],
    ['ISONE', 0, 0.0001],
    ['MISO', 0, 0.0001],
    ['NYISO', 0.01, 0.0101],
  ])('%s: a gap of %f is admitted, a gap of %f is flagged', (market, admitted, flagged) => {
    const parts = { energy: 30.1, congestion: -2.35, loss: 0.7 };
    for (const sign of [1, -1]) {
      expect(flagsOf(market, { lmp: 28.45 + sign * admitted, ...parts })).toEqual([]);
      expect(flagsOf(market, { lmp: 28.45 + sign * flagged, ...parts })).toEqual(['IDENTITY_BREACH']);
    }
  });

  it('CAISO: greenhouse gas is part of the sum, with a tolerance of 0.0001', () => {
    const parts = { energy: 30, congestion: 1, loss: 0.5, ghg: 2.25 };
    expect(flagsOf('CAISO', { lmp: 33.7501, ...parts })).toEqual([]);
    expect(flagsOf('CAISO', { lmp: 33.7502, ...parts })).toEqual(['IDENTITY_BREACH']);
    expect(flagsOf('CAISO', { lmp: 31.5, ...parts })).toEqual(['IDENTITY_BREACH']);
  });

  it('CAISO: without greenhouse gas the sum cannot be checked, and that is said instead of a breach', () => {
    expect(flagsOf('CAISO', { lmp: 33.75, energy: 30, congestion: 1, loss: 0.5 })).toEqual(['GHG_MISSING']);
  });

  it('ERCOT publishes one number: nothing is checked and nothing is missing', () => {
    expect(flagsOf('ERCOT', { lmp: 42, energy: null, congestion: null, loss: null })).toEqual([]);
    expect(flagsOf('ERCOT', { lmp: 42, energy: 1, congestion: 1, loss: 1 })).toEqual([]);
  });

  it('a price without any component has nothing to check', () => {
    for (const { id } of MARKETS) {
      expect(flagsOf(id, { lmp: 42, energy: null, congestion: null, loss: null }), id).toEqual([]);
    }
  });

  it('some components without the others are flagged as missing, not as a breach', () => {
    const whole = { energy: 40, congestion: 1, loss: 1 };
    for (const part of ['energy', 'congestion', 'loss'] as const) {
      expect(flagsOf('PJM', { lmp: 42, ...whole, [part]: null }), part).toEqual(['COMPONENT_MISSING']);
    }
  });

  it('a component of 0 is not a missing one', () => {
    expect(flagsOf('PJM', { lmp: 42, energy: 42, congestion: 0, loss: 0 })).toEqual([]);
  });

  it('holds for every sum of cents in every market, whatever binary floating point makes of it', () => {
    fc.assert(
      fc.property(fc.constantFrom(...MARKETS), CENTS, CENTS, CENTS, ({ id }, energy, congestion, loss) => {
        const parts = { energy: energy / 100, congestion: congestion / 100, loss: loss / 100, ghg: 0 };
        return flagsOf(id, { lmp: (energy + congestion + loss) / 100, ...parts }).length === 0;
      }),
    );
  });

  it('breaks for every sum that is off by two cents or more in a market that is checked', () => {
    const checked = MARKETS.filter((market) => market.identityTolerance !== null);
    const gap = fc.integer({ min: 2, max: 10_000 });
    fc.assert(
      fc.property(fc.constantFrom(...checked), CENTS, CENTS, gap, fc.boolean(), ({ id }, energy, loss, off, up) => {
        const lmp = (energy + loss + (up ? off : -off)) / 100;
        const flags = flagsOf(id, { lmp, energy: energy / 100, congestion: 0, loss: loss / 100, ghg: 0 });
        return flags.length === 1 && flags[0] === 'IDENTITY_BREACH';
      }),
    );
  });
});

describe('RULES 3: negative prices', () => {
  it('are ordinary', () => {
    expect(flagsOf('SPP', { lmp: -31.25, energy: -30, congestion: -1, loss: -0.25 })).toEqual([]);
  });
});

describe('outliers', () => {
  it('are flagged beyond 10,000 per MWh on both sides, and not at it', () => {
    const alone = { energy: null, congestion: null, loss: null };
    expect(flagsOf('ERCOT', { lmp: 10_000, ...alone })).toEqual([]);
    expect(flagsOf('ERCOT', { lmp: 10_000.01, ...alone })).toEqual(['PRICE_OUTLIER']);
    expect(flagsOf('ERCOT', { lmp: -10_000.01, ...alone })).toEqual(['PRICE_OUTLIER']);
  });

  it('are flagged beside a breach', () => {
    const flags = flagsOf('PJM', { lmp: 20_000, energy: 1, congestion: 1, loss: 1 });
    expect(flags).toEqual(['PRICE_OUTLIER', 'IDENTITY_BREACH']);
  });
});

describe('an unknown market', () => {
  it('is a programming error, because a node name cannot be made for it', () => {
    expect(() =>
      checkIdentity({ ...fact('PJM', { lmp: 1, energy: 1, congestion: 0, loss: 0 }), node: 'X:Y' as NodeName }),
    ).toThrow(TypeError);
  });
});
