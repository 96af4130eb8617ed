import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { localNameOf, MARKETS, marketById, marketOf, type NodeName, nodeNameFrom, parseNodeName } from './market.ts';

const MARKET_IDS = fc.constantFrom(...MARKETS.map((market) => market.id));
const LOCAL_NAMES = fc.string({ minLength: 1, maxLength: 200, unit: fc.constantFrom(...'ABCxyz019-_.: /&\u00e9') });

describe('markets', () => {
  it('have unique ids that hold no colon and no dash, which separate them from names', () => {
    const ids = MARKETS.map((market) => market.id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const id of ids) expect(id).toMatch(/^[A-Z]+$/);
  });

  it('have a time zone that the platform knows', () => {
    for (const { timeZone } of MARKETS) expect(() => new Intl.DateTimeFormat('en', { timeZone })).not.toThrow();
  });

  it('keep MISO on EST all year (RULES 4)', () => {
    const miso = marketById('MISO');
    for (const day of ['2026-01-15T12:00:00Z', '2026-07-15T12:00:00Z']) {
      const local = new Intl.DateTimeFormat('en', { timeZone: miso?.timeZone, hour: '2-digit', hour12: false });
      expect(local.format(new Date(day))).toBe('07');
    }
  });

  it('are found by id, and by nothing that every object inherits', () => {
    expect(marketById('PJM')?.name).toBe('Mid-Atlantic');
    for (const id of ['pjm', '', 'toString', '__proto__']) expect(marketById(id), id).toBeUndefined();
  });
});

describe('node names', () => {
  it('come back from their text, market and local name (RULES 11)', () => {
    fc.assert(
      fc.property(MARKET_IDS, LOCAL_NAMES, (market, name) => {
        const node = nodeNameFrom(market, name);
        expect(node).toBe(`${market}:${name}`);
        expect(parseNodeName(`${market}:${name}`)).toBe(node);
        if (node === undefined) return;
        expect(marketOf(node).id).toBe(market);
        expect(localNameOf(node)).toBe(name);
      }),
    );
  });

  it('are either refused or exactly the text they were read from, whatever the text', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.tuple(MARKET_IDS, fc.string({ unit: 'binary' })).map((pair) => pair.join(':')),
    );
    fc.assert(
      fc.property(text, (each) => {
        const node = parseNodeName(each);
        return node === undefined || (node === each && marketOf(node).id === each.slice(0, each.indexOf(':')));
      }),
    );
  });

  it('survive the way to UTF-8 and back', () => {
    const unit = fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code));
    fc.assert(
      fc.property(fc.string({ unit, minLength: 1, maxLength: 20 }), (name) => {
        const node = nodeNameFrom('PJM', name);
        return node === undefined || Buffer.from(node, 'utf8').toString('utf8') === node;
      }),
      { numRuns: 1_000 },
    );
  });

  it.each([
    ['no market', 'PJM-WEST'],
    ['an unknown market', 'XYZ:HUB'],
    ['a market in lower case', 'pjm:HUB'],
    ['an empty name', 'PJM:'],
    ['an empty text', ''],
    ['a name of U+0000, which Postgres refuses in text', 'PJM:HUB\u0000'],
    ['a name with a line break', 'PJM:HUB\nX'],
    ['a name with half a surrogate pair', 'PJM:HUB\ud800'],
    ['a name of 201 characters', `PJM:${'x'.repeat(201)}`],
  ])('refuse %s', (_, text) => {
    expect(parseNodeName(text)).toBeUndefined();
  });

  it('keep every colon after the first in the local name', () => {
    expect(nodeNameFrom('PJM', 'A:B')).toBe('PJM:A:B');
    expect(localNameOf(parseNodeName('PJM:A:B') as NodeName)).toBe('A:B');
  });

  it('throw as a programming error where a text was only claimed to be one', () => {
    expect(() => marketOf('nowhere' as NodeName)).toThrow(TypeError);
  });
});
