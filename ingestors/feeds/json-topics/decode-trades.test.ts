import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isoFromInstant } from '../../../domain/instant.ts';
import { localNameOf, type NodeName, nodeNameFrom, parseNodeName } from '../../../domain/market.ts';
import { Decimal } from '../../../domain/money.ts';
import type { Trade } from '../../../domain/trade.ts';
import { TRADES_SCHEMA, type TradeVersionEvent } from '../../../schema/events/trades.ts';
import type { Reject } from '../../feed.ts';
import { decodeTrades } from './decode-trades.ts';

function decoded(value: string | Buffer) {
  return decodeTrades({ bytes: Buffer.from(value), name: 'trades' });
}

function tradeOf(value: string): Trade {
  const { facts, rejects } = decoded(value);
  expect(rejects).toEqual([]);
  const [trade, ...others] = facts;
  if (trade === undefined || others.length > 0) throw new Error('not one trade');
  return trade;
}

function rejectOf(value: string | Buffer): Reject {
  const { facts, rejects } = decoded(value);
  expect(facts).toEqual([]);
  const [reject, ...others] = rejects;
  if (reject === undefined || others.length > 0) throw new Error('not one reject');
  return reject;
}

const GOOD = {
  trade_id: 'T-1001',
  ts: '2026-11-21T10:02:13.250Z',
  account: 'DESK-EAST',
  hub: 'PJM-WEST',
  side: 'BUY',
  mw: 25,
  price_mwh: 31.55,
} as const satisfies TradeVersionEvent;

/** A good record with some of its fields replaced; undefined leaves a field out. */
function trade(fields: object = {}): string {
  return JSON.stringify({ ...GOOD, ...fields });
}

describe('exact values', () => {
  it('a record without the optional fields is the first version of an hour that counts', () => {
    expect(tradeOf(trade())).toEqual({
      tradeId: 'T-1001',
      version: 1,
      ts: Date.UTC(2026, 10, 21, 10, 2, 13, 250),
      account: 'DESK-EAST',
      node: 'PJM:PJM-WEST',
      side: 'BUY',
      mw: new Decimal(25n, 0),
      price: new Decimal(3155n, 2),
      minutes: 60,
      status: 'ACTIVE',
    });
  });

  it('a cancellation says its version, and a day of 23 hours its length', () => {
    const cancelled = tradeOf(trade({ version: 3, status: 'CANCELLED', minutes: 1_380, side: 'SELL' }));
    expect(cancelled).toMatchObject({ version: 3, status: 'CANCELLED', minutes: 1_380, side: 'SELL' });
  });

  it('an optional field that is null is as if it were absent', () => {
    expect(tradeOf(trade({ version: null, status: null, minutes: null }))).toEqual(tradeOf(trade()));
  });

  it.each([
    [0.1, '0.1'],
    ['0.1', '0.1'],
    ['31.50', '31.5'],
    ['007', '7'],
    ['12345.12345678901234567890', '12345.1234567890123456789'],
    [0.1 + 0.2, '0.30000000000000004'],
    [1e-7, '0.0000001'],
    [-250, '-250'],
    ['-0.01', '-0.01'],
    [0, '0'],
    ['-0', '0'],
    [999_999.99, '999999.99'],
  ])('a price of %j is exactly %s (RULES 3, 9)', (price, exactly) => {
    expect(String(tradeOf(trade({ price_mwh: price })).price)).toBe(exactly);
  });

  it('a quantity may come as text as well', () => {
    expect(String(tradeOf(trade({ mw: '0.0010' })).mw)).toBe('0.001');
  });

  it('a node may be named with its market, and then needs no market in its own name', () => {
    expect(tradeOf(trade({ hub: 'CAISO:TH_NP15_GEN-APND' })).node).toBe('CAISO:TH_NP15_GEN-APND');
    expect(tradeOf(trade({ hub: 'PJM:51291' })).node).toBe('PJM:51291');
    expect(tradeOf(trade({ hub: 'PJM-A:B' })).node).toBe('PJM:PJM-A:B');
  });

  it('ids and accounts that are numbers are their digits', () => {
    expect(tradeOf(trade({ trade_id: 7_001, account: 12 }))).toMatchObject({ tradeId: '7001', account: '12' });
    expect(tradeOf(trade({ trade_id: '7001' })).tradeId).toBe('7001');
  });

  it('a name keeps every letter, blanks and all, up to a hundred', () => {
    const name = ` Énergie / 電力 ⚡ ${'x'.repeat(84)}`;
    expect([...name]).toHaveLength(100);
    expect(tradeOf(trade({ account: name })).account).toBe(name);
  });

  it('an instant in another zone is the same instant', () => {
    expect(tradeOf(trade({ ts: '2026-11-21T05:02:13.250-05:00' })).ts).toBe(tradeOf(trade()).ts);
  });

  it('fields beyond the format are ignored, and of a field that stands twice the last counts', () => {
    expect(tradeOf(trade({ trader: 'x', fees: 3, __proto__: null }))).toEqual(tradeOf(trade()));
    expect(String(tradeOf(trade().replace('"mw":25', '"mw":25,"mw":30')).mw)).toBe('30');
  });
});

describe('rejects', () => {
  it.each<[string, string, string, string]>([
    ['no JSON', 'hello', 'NOT_JSON', 'hello'],
    ['an array', `[${trade()}]`, 'NOT_THE_FORMAT', 'got an array'],
    ['an empty object', '{}', 'MISSING_FIELD', 'trade_id:'],
    ['a null id', trade({ trade_id: null }), 'MISSING_FIELD', 'trade_id:'],
    ['no ts', trade({ ts: undefined }), 'MISSING_FIELD', 'ts:'],
    ['no account', trade({ account: undefined }), 'MISSING_FIELD', 'account:'],
    ['no hub', trade({ hub: undefined }), 'MISSING_FIELD', 'hub:'],
    ['no side', trade({ side: undefined }), 'MISSING_FIELD', 'side:'],
    ['no quantity', trade({ mw: undefined }), 'MISSING_FIELD', 'mw:'],
    ['a null price', trade({ price_mwh: null }), 'MISSING_FIELD', 'price_mwh:'],
    ['an empty id', trade({ trade_id: '' }), 'BAD_VALUE', 'trade_id: expected 1 to 100 characters'],
    ['an account of blanks', trade({ account: ' \u00a0' }), 'BAD_VALUE', 'not all blank'],
    ['an id of 101 characters', trade({ trade_id: 'x'.repeat(101) }), 'BAD_VALUE', 'trade_id:'],
    ['an account with U+0000', trade({ account: 'A\u0000' }), 'BAD_VALUE', String.raw`"A\u0000"`],
    ['an account with half a surrogate pair', trade({ account: 'A\ud800' }), 'BAD_VALUE', String.raw`"A\ud800"`],
    ['an id of a fraction', trade({ trade_id: 1.5 }), 'BAD_VALUE', 'got 1.5'],
    ['an id that a number cannot hold', trade().replace('"T-1001"', '9007199254740993'), 'BAD_VALUE', 'trade_id:'],
    ['an id of true', trade({ trade_id: true }), 'BAD_VALUE', 'got true'],
    ['a side in small letters', trade({ side: 'buy' }), 'BAD_VALUE', 'side: expected BUY or SELL, got "buy"'],
    ['a side named like what objects inherit', trade({ side: 'constructor' }), 'BAD_VALUE', 'side:'],
    ['an unknown status', trade({ status: 'VOID' }), 'BAD_VALUE', 'expected ACTIVE or CANCELLED, got "VOID"'],
    ['an empty status', trade({ status: '' }), 'BAD_VALUE', 'status:'],
    ['a quantity of 0', trade({ mw: 0 }), 'BAD_VALUE', 'mw: expected more than 0'],
    ['a quantity of 0 as text', trade({ mw: '0.00' }), 'BAD_VALUE', 'mw: expected more than 0'],
    ['a negative quantity', trade({ mw: -25 }), 'BAD_VALUE', 'the side says which way, got -25'],
    ['a quantity of a million', trade({ mw: 1_000_000 }), 'BAD_VALUE', 'less than a million'],
    ['a price of minus a million', trade({ price_mwh: -1_000_000 }), 'BAD_VALUE', 'less than a million'],
    ['a price of a million as text', trade({ price_mwh: '1000000' }), 'BAD_VALUE', 'got "1000000"'],
    ['a price beyond a double', trade().replace('31.55', '1e999'), 'BAD_VALUE', 'got Infinity'],
    ['a price of 21 decimals', trade({ price_mwh: 1e-21 }), 'BAD_VALUE', 'at most 20 decimals, got 1e-21'],
    ['a price of 21 decimals as text', trade({ price_mwh: `1.${'1'.repeat(21)}` }), 'BAD_VALUE', '20 decimals'],
    ['a price with an exponent as text', trade({ price_mwh: '1e3' }), 'BAD_VALUE', 'got "1e3"'],
    ['a price with a blank', trade({ price_mwh: ' 31' }), 'BAD_VALUE', 'got " 31"'],
    ['a price with a comma', trade({ price_mwh: '31,55' }), 'BAD_VALUE', 'got "31,55"'],
    ['an empty price', trade({ price_mwh: '' }), 'BAD_VALUE', 'got ""'],
    ['a price in an array', trade({ price_mwh: [31] }), 'BAD_VALUE', 'got an array'],
    ['a version of 0', trade({ version: 0 }), 'BAD_VALUE', 'version: expected a whole number from 1'],
    ['a version of a fraction', trade({ version: 1.5 }), 'BAD_VALUE', 'version:'],
    ['a version as text', trade({ version: '2' }), 'BAD_VALUE', 'got "2"'],
    ['a version beyond the store', trade({ version: 2 ** 31 }), 'BAD_VALUE', 'version:'],
    ['a delivery of no minutes', trade({ minutes: 0 }), 'BAD_VALUE', 'minutes:'],
    ['a delivery of more than a year', trade({ minutes: 527_041 }), 'BAD_VALUE', 'from 1 to 527040'],
    ['a ts without a zone', trade({ ts: '2026-11-21T10:00:00' }), 'BAD_TIME', '"2026-11-21T10:00:00"'],
    ['a day that does not exist', trade({ ts: '2026-02-30T10:00:00Z' }), 'BAD_TIME', 'ts:'],
    ['a hub that is a number', trade({ hub: 7 }), 'BAD_VALUE', 'hub: expected a string, got 7'],
    ['a hub of no market of ours', trade({ hub: 'XYZ-WEST' }), 'UNKNOWN_NODE', '"XYZ-WEST"'],
    ['a node of no market of ours', trade({ hub: 'XYZ:PJM-WEST' }), 'UNKNOWN_NODE', '"XYZ:PJM-WEST"'],
    ['a node without a name', trade({ hub: 'PJM:' }), 'BAD_VALUE', 'hub: expected 1 to 200 characters'],
    ['a node with a line break', trade({ hub: 'PJM:A\nB' }), 'BAD_VALUE', String.raw`"PJM:A\nB"`],
  ])('%s', (_, value, code, words) => {
    const reject = rejectOf(value);
    expect(reject.code).toBe(code);
    expect(reject.reason).toContain(words);
    expect(reject.raw.toString()).toBe(value);
  });

  it('a record of a price topic is a trade without an id', () => {
    expect(rejectOf(JSON.stringify({ ts: GOOD.ts, hub: GOOD.hub, price_mwh: 31.5 }))).toMatchObject({
      code: 'MISSING_FIELD',
      reason: 'trade_id: expected a value, got none',
    });
  });

  it('a reason is short, whatever came', () => {
    const long = 'x'.repeat(1_000_000);
    const number = '9'.repeat(1_000_000);
    for (const field of ['trade_id', 'account', 'hub', 'side', 'status', 'mw', 'price_mwh', 'version', 'minutes']) {
      for (const value of [long, number]) expect(rejectOf(trade({ [field]: value })).reason.length).toBeLessThan(200);
    }
  });
});

/** What the producers of others may name things, in the planes of Unicode that JSON schemas and JavaScript count alike. */
const NAMES = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 40 })
  .filter((text) => /\S/.test(text) && !/[\p{Cc}\p{Cs}]/u.test(text) && text.length <= 100);

function amounts(min: bigint, max: bigint): fc.Arbitrary<Decimal> {
  return fc
    .tuple(fc.bigInt({ min, max }), fc.nat({ max: 20 }))
    .filter(([digits, decimals]) => {
      const limit = 1_000_000n * 10n ** BigInt(decimals);
      return digits < limit && -digits < limit;
    })
    .map(([digits, decimals]) => new Decimal(digits, decimals));
}

const NODES = fc
  .tuple(fc.constantFrom('PJM', 'CAISO', 'ERCOT'), NAMES)
  .map(([market, name]) => nodeNameFrom(market, name))
  .filter((node): node is NodeName => node !== undefined);

const TRADES: fc.Arbitrary<Trade> = fc.record({
  tradeId: NAMES,
  version: fc.integer({ min: 1, max: 2 ** 31 - 1 }),
  ts: fc.integer({ min: Date.UTC(2000, 0, 1), max: Date.UTC(2050, 0, 1) }),
  account: NAMES,
  node: NODES,
  side: fc.constantFrom('BUY', 'SELL'),
  mw: amounts(1n, 10n ** 25n),
  price: amounts(-(10n ** 25n), 10n ** 25n),
  minutes: fc.integer({ min: 1, max: 527_040 }),
  status: fc.constantFrom('ACTIVE', 'CANCELLED'),
});

function eventOf({ tradeId, ts, node, mw, price, ...same }: Trade): TradeVersionEvent {
  const { account, side, version, minutes, status } = same;
  const amount = { mw: String(mw), price_mwh: String(price) };
  return { trade_id: tradeId, ts: isoFromInstant(ts), account, hub: node, side, ...amount, version, minutes, status };
}

/** Equal numbers have equal texts, whatever their decimals. */
function plain(each: Trade): object {
  return { ...each, mw: String(each.mw), price: String(each.price) };
}

describe('whatever arrives', () => {
  function isOneOutcome(bytes: Buffer): boolean {
    const { facts, rejects } = decodeTrades({ bytes, name: 'trades' });
    const sound = facts.every(
      ({ mw, price, version, minutes, node, tradeId, account }) =>
        mw.sign > 0 &&
        Math.abs(price.toNumber()) < 1_000_000 &&
        version >= 1 &&
        minutes >= 1 &&
        parseNodeName(node) === node &&
        ![tradeId, account].some((name) => name === '' || /[\p{Cc}\p{Cs}]/u.test(name)),
    );
    const said = rejects.every(
      ({ raw, reason }) => raw === bytes && reason.length < 400 && !/[\p{Cc}\p{Cs}]/u.test(reason),
    );
    return facts.length + rejects.length === 1 && sound && said;
  }

  it('a trade is read back as it was written, amounts to the last digit', () => {
    fc.assert(
      fc.property(TRADES, (each) => {
        expect(plain(tradeOf(JSON.stringify(eventOf(each))))).toEqual(plain(each));
      }),
    );
  });

  it('is one trade or one reject with its bytes and a reason that can be stored', () => {
    const bytes = fc.oneof(
      fc.uint8Array().map((array) => Buffer.from(array)),
      fc.json().map((text) => Buffer.from(text)),
      MAYBE_EVENTS.map((event) => Buffer.from(JSON.stringify(event))),
    );
    fc.assert(fc.property(bytes, isOneOutcome), { numRuns: 2_000 });
  });

  it('also when a good record is cut short or has bytes changed', () => {
    const bytes = Buffer.from(trade({ version: 2, status: 'CANCELLED', minutes: 15 }));
    for (let length = 0; length < bytes.length; length += 1) {
      expect(rejectOf(bytes.subarray(0, length)).code).toMatch(/^NOT_(JSON|THE_FORMAT)$/);
    }
    fc.assert(
      fc.property(fc.nat({ max: bytes.length - 1 }), fc.nat({ max: 255 }), (at, byte) => {
        const mutated = Buffer.from(bytes);
        mutated[at] = byte;
        return isOneOutcome(mutated);
      }),
      { numRuns: 3_000 },
    );
  });
});

/** Good values, and for every rule of the contract some on both sides of it. */
const ODD: Readonly<Record<keyof TradeVersionEvent, fc.Arbitrary<unknown>>> = {
  trade_id: fc.oneof(NAMES, fc.constantFrom('', ' ', 'A\u0007', 'x'.repeat(100), 'x'.repeat(101), 7, -7, 1.5, 2 ** 53)),
  ts: fc.oneof(
    fc
      .date({ min: new Date('1990-01-01'), max: new Date('2090-01-01'), noInvalidDate: true })
      .map((date) => date.toISOString()),
    fc.constantFrom('2026-11-21T10:00Z', '2026-11-21T10:00:00+05:30', '2026-11-21T10:00:00.123456789Z'),
    fc.constantFrom('', '2026-11-21', '2026-11-21T10:00:00', '2026-13-21T10:00:00Z', '2026-11-21T24:00:00Z', 5),
    fc.constantFrom('2026-11-32T10:00Z', '2026-11-00T10:00Z', '2026-11-21T10:60Z', '2026-11-21T10:00+24:00'),
  ),
  account: fc.oneof(NAMES, fc.constantFrom('', '\u3000', 'A\u0000', '\ud800', 0, true, {})),
  hub: fc.oneof(
    NODES,
    NODES.map(localNameOf).map((name) => `PJM-${name}`.slice(0, 200)),
    fc.constantFrom('', 'PJM', 7, 'PJM:'),
  ),
  side: fc.constantFrom('BUY', 'SELL', 'buy', '', 1),
  mw: fc.oneof(
    amounts(1n, 10n ** 12n).map(String),
    fc.integer(),
    fc.constantFrom(0, '0', '-1', '0.0', 1e-7, 1e6, '1e6', ''),
  ),
  price_mwh: fc.oneof(
    amounts(-(10n ** 12n), 10n ** 12n).map(String),
    fc.integer({ min: -10_000, max: 10_000 }).map((cents) => cents / 100),
    fc.constantFrom(0, -0, '-0', -1e6, 999_999.5, '.5', '5.', '+5', `1.${'1'.repeat(21)}`, '1000000', true),
  ),
  version: fc.constantFrom(undefined, 1, 2, 2 ** 31 - 1, 2 ** 31, 0, -1, 1.5, '1'),
  status: fc.constantFrom(undefined, 'ACTIVE', 'CANCELLED', 'active', '', 0),
  minutes: fc.constantFrom(undefined, 5, 60, 1_500, 527_040, 527_041, 0, 0.5, '60'),
};

/** Good in all but some of their fields, which are odd or null or absent. */
const MAYBE_EVENTS = fc
  .tuple(
    fc.record(ODD),
    fc.subarray(Object.keys(ODD), { maxLength: 3 }),
    fc.constantFrom('odd', 'odd', 'null', 'absent'),
  )
  .map(([odd, fields, how]) => {
    const values = new Map<string, unknown>(Object.entries(odd));
    const replaced = fields.map((field) => [
      field,
      how === 'odd' ? values.get(field) : how === 'null' ? null : undefined,
    ]);
    return { ...GOOD, ...Object.fromEntries(replaced) };
  });

describe('the contract', () => {
  const keepsContract = new Ajv2020({ strict: true, allErrors: true, allowUnionTypes: true }).compile(TRADES_SCHEMA);

  it('accepts what the decoder accepts, and nothing else', () => {
    const seen = { accepted: 0, refused: 0 };
    fc.assert(
      fc.property(MAYBE_EVENTS, (event) => {
        const value = JSON.stringify(event);
        const accepted = decoded(value).facts.length === 1;
        seen[accepted ? 'accepted' : 'refused'] += 1;
        expect(keepsContract(JSON.parse(value)), value).toBe(accepted);
      }),
      { numRuns: 5_000 },
    );
    expect(Math.min(seen.accepted, seen.refused)).toBeGreaterThan(500);
  });

  it('accepts every trade as it is written', () => {
    fc.assert(fc.property(TRADES, (each) => keepsContract(eventOf(each))));
  });

  it('cannot say three things, which the decoder then says', () => {
    const beyond = [{ price_mwh: 1e-21 }, { ts: '2026-02-30T10:00:00Z' }, { hub: 'XYZ-WEST' }];
    for (const fields of beyond) {
      expect(keepsContract({ ...GOOD, ...fields })).toBe(true);
      expect(rejectOf(trade(fields)).code).toMatch(/^BAD_VALUE|BAD_TIME|UNKNOWN_NODE$/);
    }
  });
});
