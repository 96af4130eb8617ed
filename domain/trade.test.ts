import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { NodeName } from './market.ts';
import { decimalFrom } from './money.ts';
import { compareTrades, currentTrades, type Trade } from './trade.ts';

function version(tradeId: string, number: number, rest: Partial<Trade> = {}): Trade {
  return {
    tradeId,
    version: number,
    ts: 0,
    account: 'desk',
    node: 'PJM:HUB' as NodeName,
    side: 'BUY',
    mw: decimalFrom(1),
    price: decimalFrom(40),
    minutes: 60,
    status: 'ACTIVE',
    ...rest,
  };
}

const shown = (trades: readonly Trade[]) => trades.map(({ tradeId, version }) => `${tradeId} v${version}`);

describe('the order of trades', () => {
  it('is by instant first', () => {
    expect(compareTrades({ ts: 1, tradeId: 'b' }, { ts: 2, tradeId: 'a' })).toBeLessThan(0);
    expect(compareTrades({ ts: 2, tradeId: 'a' }, { ts: 1, tradeId: 'b' })).toBeGreaterThan(0);
  });

  it('is by id as text at the same instant', () => {
    const ids = ['T9', 't1', 'T10', 'T1', 'T'];
    const ordered = ids.sort((one, other) => compareTrades({ ts: 0, tradeId: one }, { ts: 0, tradeId: other }));
    expect(ordered).toEqual(['T', 'T1', 'T10', 'T9', 't1']);
  });

  it('is by code point, which is the order of the UTF-8 bytes', () => {
    const id = fc.string({ unit: 'binary', maxLength: 4 });
    fc.assert(
      fc.property(id, id, (one, other) => {
        const byBytes = Buffer.compare(Buffer.from(one), Buffer.from(other));
        expect(Math.sign(compareTrades({ ts: 0, tradeId: one }, { ts: 0, tradeId: other }))).toBe(byBytes);
      }),
      { numRuns: 2_000, examples: [['\u{1f50b}', '\uff5e']] },
    );
  });
});

describe('currentTrades', () => {
  it('keeps the highest version of each, whatever the order they came in', () => {
    const versions = [version('b', 2), version('a', 1), version('b', 1), version('a', 3), version('a', 2)];
    expect(shown(currentTrades(versions))).toEqual(['a v3', 'b v2']);
  });

  it('drops what is cancelled, and takes back what was entered again', () => {
    const versions = [
      version('a', 2, { status: 'CANCELLED' }),
      version('a', 1),
      version('b', 2, { status: 'CANCELLED' }),
      version('b', 3),
    ];
    expect(shown(currentTrades(versions))).toEqual(['b v3']);
  });

  it('gives them in their order, by the instant of the version that counts', () => {
    const versions = [version('a', 1, { ts: 1 }), version('b', 1, { ts: 2 }), version('a', 2, { ts: 3 })];
    expect(shown(currentTrades(versions))).toEqual(['b v1', 'a v2']);
  });

  it('counts a version that came twice as it came first', () => {
    const versions = [version('a', 1, { side: 'SELL' }), version('a', 1)];
    expect(currentTrades(versions).map(({ side }) => side)).toEqual(['SELL']);
  });
});
