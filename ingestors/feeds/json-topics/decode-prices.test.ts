import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LmpFact } from '../../../domain/lmp.ts';
import { FORECASTS_TOPIC, TOPICS } from '../../../schema/events/topics.ts';
import type { Reject } from '../../feed.ts';
import { decodeDayaheadPrices, decodePrices, decodeRealtimePrices } from './decode-prices.ts';
import { JSON_TOPIC_FEEDS } from './feed.ts';
import type { RecordDecoder } from './record.ts';

const DECODERS = { prices: decodePrices, dayahead_prices: decodeDayaheadPrices, realtime_prices: decodeRealtimePrices };

function decoded(decode: RecordDecoder<LmpFact>, value: string | Buffer) {
  return decode({ bytes: typeof value === 'string' ? Buffer.from(value) : value, name: 'topic' });
}

function factOf(decode: RecordDecoder<LmpFact>, value: string): LmpFact {
  const { facts, rejects } = decoded(decode, value);
  expect(rejects).toEqual([]);
  expect(facts).toHaveLength(1);
  const [fact] = facts;
  if (fact === undefined) throw new Error('no fact');
  return fact;
}

function rejectOf(decode: RecordDecoder<LmpFact>, value: string | Buffer): Reject {
  const { facts, rejects } = decoded(decode, value);
  expect(facts).toEqual([]);
  expect(rejects).toHaveLength(1);
  const [reject] = rejects;
  if (reject === undefined) throw new Error('no reject');
  return reject;
}

/** A good record with some of its fields replaced; undefined leaves a field out. */
function spot(fields: object = {}): string {
  return JSON.stringify({ ts: '2026-11-21T10:02:13.250Z', hub: 'PJM-WEST', price_mwh: 31.5, ...fields });
}

function dayahead(fields: object = {}): string {
  const parts = { lmp_da: 31.5, energy_da: 30, congestion_da: 1.25, loss_da: 0.25 };
  return JSON.stringify({ ts: '2026-11-21T10:00:00Z', hub: 'ERCOT-HOUSTON', ...parts, ...fields });
}

function realtime(fields: object = {}): string {
  const parts = { lmp_rt: -4.5, energy_rt: -6, congestion_rt: 1.25, loss_rt: 0.25 };
  return JSON.stringify({ ts: '2026-11-21T10:05:00Z', hub: 'NYISO-ZONEJ', ...parts, ...fields });
}

describe('exact values', () => {
  it('a spot price is a point at its instant, without components', () => {
    expect(factOf(decodePrices, spot())).toEqual({
      node: 'PJM:PJM-WEST',
      run: 'SPOT',
      startAt: Date.UTC(2026, 10, 21, 10, 2, 13, 250),
      endAt: Date.UTC(2026, 10, 21, 10, 2, 13, 250),
      lmp: 31.5,
      energy: null,
      congestion: null,
      loss: null,
      ghg: null,
    });
  });

  it('a day-ahead price covers the hour that begins at ts', () => {
    expect(factOf(decodeDayaheadPrices, dayahead())).toEqual({
      node: 'ERCOT:ERCOT-HOUSTON',
      run: 'DAY_AHEAD_HOURLY',
      startAt: Date.UTC(2026, 10, 21, 10),
      endAt: Date.UTC(2026, 10, 21, 11),
      lmp: 31.5,
      energy: 30,
      congestion: 1.25,
      loss: 0.25,
      ghg: null,
    });
  });

  it('a real-time price covers five minutes from ts, and may be negative (RULES 3)', () => {
    expect(factOf(decodeRealtimePrices, realtime())).toEqual({
      node: 'NYISO:NYISO-ZONEJ',
      run: 'REAL_TIME_5_MIN',
      startAt: Date.UTC(2026, 10, 21, 10, 5),
      endAt: Date.UTC(2026, 10, 21, 10, 10),
      lmp: -4.5,
      energy: -6,
      congestion: 1.25,
      loss: 0.25,
      ghg: null,
    });
  });

  it('a real-time tick off the 5-minute grid keeps its own start', () => {
    const fact = factOf(decodeRealtimePrices, realtime({ ts: '2026-11-21T10:02:13Z' }));
    expect([fact.startAt, fact.endAt]).toEqual([Date.UTC(2026, 10, 21, 10, 2, 13), Date.UTC(2026, 10, 21, 10, 7, 13)]);
  });

  it('an instant in another zone is the same instant', () => {
    const fact = factOf(decodeDayaheadPrices, dayahead({ ts: '2026-11-21T05:00:00-05:00' }));
    expect(fact.startAt).toBe(Date.UTC(2026, 10, 21, 10));
  });

  it('a component that is null or absent is null, and one of 0 is 0 (RULES 1)', () => {
    const fact = factOf(decodeRealtimePrices, realtime({ energy_rt: null, congestion_rt: undefined, loss_rt: 0 }));
    expect([fact.energy, fact.congestion, fact.loss]).toEqual([null, null, 0]);
  });

  it('a price of 0 is a price', () => {
    expect(factOf(decodePrices, spot({ price_mwh: 0 })).lmp).toBe(0);
  });

  it('fields beyond the format are ignored, and of a field that stands twice the last counts', () => {
    expect(factOf(decodePrices, spot({ volume: 'x', energy_rt: 3, __proto__: null })).energy).toBeNull();
    const twice = '{"ts":"2026-11-21T10:00:00Z","hub":"PJM-WEST","price_mwh":1,"price_mwh":2}';
    expect(factOf(decodePrices, twice).lmp).toBe(2);
  });

  it('blanks around the object are JSON', () => {
    expect(factOf(decodePrices, ` \r\n${spot()}\n`).lmp).toBe(31.5);
  });

  it('a hub keeps every dash and letter, also beyond ASCII', () => {
    expect(factOf(decodePrices, spot({ hub: 'SPP-ÉNERGIE-1-A' })).node).toBe('SPP:SPP-ÉNERGIE-1-A');
  });

  it('records that are sound share their empty list of rejects, which nobody can fill', () => {
    const { rejects } = decoded(decodePrices, spot());
    expect(rejects).toBe(decoded(decodeRealtimePrices, realtime()).rejects);
    expect(Object.isFrozen(rejects)).toBe(true);
  });
});

describe('rejects', () => {
  it.each<[string, string, string, string]>([
    ['no JSON', 'hello', 'NOT_JSON', 'hello'],
    ['NaN, which is not JSON', spot().replace('31.5', 'NaN'), 'NOT_JSON', 'JSON'],
    ['Infinity, which is not JSON', spot().replace('31.5', 'Infinity'), 'NOT_JSON', 'JSON'],
    ['a byte order mark', `\ufeff${spot()}`, 'NOT_JSON', 'JSON'],
    ['two objects', spot() + spot(), 'NOT_JSON', 'JSON'],
    ['blanks only', '  ', 'NOT_JSON', 'JSON'],
    ['an array', `[${spot()}]`, 'NOT_THE_FORMAT', 'got an array'],
    ['a number', '31.5', 'NOT_THE_FORMAT', 'got 31.5'],
    ['null', 'null', 'NOT_THE_FORMAT', 'got null'],
    ['a text', '"PJM-WEST"', 'NOT_THE_FORMAT', 'got "PJM-WEST"'],
    ['no ts', spot({ ts: undefined }), 'MISSING_FIELD', 'ts:'],
    ['a null ts', spot({ ts: null }), 'MISSING_FIELD', 'ts:'],
    ['no hub', spot({ hub: undefined }), 'MISSING_FIELD', 'hub:'],
    ['no price', spot({ price_mwh: undefined }), 'MISSING_FIELD', 'price_mwh:'],
    ['a null price', spot({ price_mwh: null }), 'MISSING_FIELD', 'price_mwh:'],
    ['an empty object', '{}', 'MISSING_FIELD', 'ts:'],
    ['a price as text', spot({ price_mwh: '31.5' }), 'BAD_VALUE', 'price_mwh: expected a finite number, got "31.5"'],
    ['a price beyond a double', spot().replace('31.5', '1e999'), 'BAD_VALUE', 'got Infinity'],
    ['a negative price beyond a double', spot().replace('31.5', '-1e999'), 'BAD_VALUE', 'got -Infinity'],
    ['a price of true', spot({ price_mwh: true }), 'BAD_VALUE', 'got true'],
    ['a price in an object', spot({ price_mwh: { value: 1 } }), 'BAD_VALUE', 'got an object'],
    ['a hub that is a number', spot({ hub: 7 }), 'BAD_VALUE', 'hub: expected a string, got 7'],
    ['a hub of 201 characters', spot({ hub: `PJM-${'x'.repeat(197)}` }), 'BAD_VALUE', '1 to 200'],
    ['a hub with U+0000', spot({ hub: 'PJM-\u0000' }), 'BAD_VALUE', String.raw`"PJM-\u0000"`],
    ['a hub with half a surrogate pair', spot({ hub: 'PJM-\ud800' }), 'BAD_VALUE', String.raw`"PJM-\ud800"`],
    ['a hub of no market of ours', spot({ hub: 'XYZ-WEST' }), 'UNKNOWN_NODE', '"XYZ-WEST"'],
    ['a hub without a dash', spot({ hub: 'PJM' }), 'UNKNOWN_NODE', '"PJM"'],
    ['a hub that begins with the dash', spot({ hub: '-PJM' }), 'UNKNOWN_NODE', '"-PJM"'],
    ['an empty hub', spot({ hub: '' }), 'UNKNOWN_NODE', '""'],
    ['a hub named like what objects inherit', spot({ hub: 'constructor-x' }), 'UNKNOWN_NODE', '"constructor-x"'],
    ['a ts without a zone', spot({ ts: '2026-11-21T10:00:00' }), 'BAD_TIME', '"2026-11-21T10:00:00"'],
    ['a day that does not exist', spot({ ts: '2026-02-30T10:00:00Z' }), 'BAD_TIME', '"2026-02-30T10:00:00Z"'],
    ['a ts in milliseconds', spot({ ts: 1795255333123 }), 'BAD_TIME', 'got 1795255333123'],
    ['an empty ts', spot({ ts: '' }), 'BAD_TIME', 'got ""'],
  ])('%s', (_, value, code, words) => {
    const reject = rejectOf(decodePrices, value);
    expect(reject.code).toBe(code);
    expect(reject.reason).toContain(words);
    expect(reject.raw.toString()).toBe(value);
  });

  it('a day-ahead ts off the hour', () => {
    for (const ts of [
      '2026-11-21T10:30:00Z',
      '2026-11-21T10:00:01Z',
      '2026-11-21T10:00:00.001Z',
      '2026-11-21T10:00:00+05:30',
    ]) {
      expect(rejectOf(decodeDayaheadPrices, dayahead({ ts })), ts).toMatchObject({ code: 'BAD_TIME' });
    }
  });

  it.each(['energy', 'congestion', 'loss'])('%s as text, which is never taken for a number', (part) => {
    const reason = expect.stringContaining(part);
    expect(rejectOf(decodeDayaheadPrices, dayahead({ [`${part}_da`]: '' }))).toMatchObject({
      code: 'BAD_VALUE',
      reason,
    });
    expect(rejectOf(decodeRealtimePrices, realtime({ [`${part}_rt`]: '1' }))).toMatchObject({
      code: 'BAD_VALUE',
      reason,
    });
  });

  it('the price of another topic is a missing one', () => {
    expect(rejectOf(decodeRealtimePrices, dayahead())).toMatchObject({
      code: 'MISSING_FIELD',
      reason: expect.stringContaining('lmp_rt'),
    });
    expect(rejectOf(decodeDayaheadPrices, realtime({ ts: '2026-11-21T10:00:00Z' }))).toMatchObject({
      reason: expect.stringContaining('lmp_da'),
    });
  });

  it('a record without a value, with nothing as its raw bytes', () => {
    const reject = rejectOf(decodePrices, Buffer.alloc(0));
    expect(reject.code).toBe('NOT_THE_FORMAT');
    expect(reject.raw).toHaveLength(0);
  });

  it('bytes that are not UTF-8, kept as they came', () => {
    const bytes = Buffer.from(spot({ hub: 'PJM-?' }));
    bytes[bytes.indexOf('?')] = 0xff;
    const reject = rejectOf(decodePrices, bytes);
    expect(reject.code).toBe('NOT_JSON');
    expect(reject.raw).toBe(bytes);
  });

  it('a reason is short, whatever came', () => {
    const long = 'x'.repeat(1_000_000);
    for (const value of [long, `"${long}"`, spot({ hub: long }), spot({ ts: long }), spot({ price_mwh: long })]) {
      expect(rejectOf(decodePrices, value).reason.length).toBeLessThan(200);
    }
  });

  it('a million nested arrays are refused without exhausting the stack', () => {
    expect(rejectOf(decodePrices, '['.repeat(1_000_000)).code).toBe('NOT_JSON');
    const nested = `{"ts":${'['.repeat(100_000)}${']'.repeat(100_000)}}`;
    expect(rejectOf(decodePrices, nested)).toMatchObject({
      code: 'BAD_TIME',
      reason: expect.stringContaining('an array'),
    });
  });
});

describe('whatever arrives', () => {
  const decoders = fc.constantFrom(...Object.values(DECODERS));
  // Postgres refuses U+0000 in text, half a surrogate pair does not survive UTF-8, and no terminal likes the others.
  const storable = (text: string) => !/[\p{Cc}\p{Cs}]/u.test(text);

  function isOneOutcome(decode: RecordDecoder<LmpFact>, bytes: Buffer): boolean {
    const { facts, rejects } = decode({ bytes, name: 'topic' });
    const sound = facts.every((fact) => Number.isFinite(fact.lmp) && fact.endAt >= fact.startAt && storable(fact.node));
    const said = rejects.every(
      (reject) => reject.raw === bytes && storable(reject.reason) && reject.reason.length < 400,
    );
    return facts.length + rejects.length === 1 && sound && said;
  }

  it('is one fact or one reject with its bytes and a reason that can be stored', () => {
    const bytes = fc.oneof(
      fc.uint8Array().map((array) => Buffer.from(array)),
      fc.string({ unit: 'binary' }).map((text) => Buffer.from(text)),
      fc.json().map((text) => Buffer.from(text)),
      fc
        .record(
          {
            ts: fc.oneof(fc.string(), fc.constant('2026-11-21T10:00:00Z')),
            hub: fc.oneof(
              fc.string({ unit: 'binary' }),
              fc.string({ unit: 'binary' }).map((name) => `PJM-${name}`),
            ),
            price_mwh: fc.oneof(fc.double(), fc.string()),
          },
          { requiredKeys: [] },
        )
        .map((record) => Buffer.from(JSON.stringify(record))),
    );
    fc.assert(fc.property(decoders, bytes, isOneOutcome), { numRuns: 1_000 });
  });

  it('also when a good record is cut short or has bytes changed', () => {
    for (const [decode, good] of [
      [decodePrices, spot()],
      [decodeDayaheadPrices, dayahead()],
      [decodeRealtimePrices, realtime()],
    ] as const) {
      const bytes = Buffer.from(good);
      for (let length = 0; length < bytes.length; length += 1) {
        expect(rejectOf(decode, bytes.subarray(0, length)).code).toMatch(/^NOT_(JSON|THE_FORMAT)$/);
      }
      const place = fc.nat({ max: bytes.length - 1 });
      fc.assert(
        fc.property(place, fc.nat({ max: 255 }), (at, byte) => {
          const mutated = Buffer.from(bytes);
          mutated[at] = byte;
          return isOneOutcome(decode, mutated);
        }),
        { numRuns: 2_000 },
      );
    }
  });

  it('decodes to the same fact every time', () => {
    expect(decoded(decodeRealtimePrices, realtime())).toEqual(decoded(decodeRealtimePrices, realtime()));
  });
});

describe('feeds', () => {
  it('are named after their topics and refuse nodes that nobody knows, but where nodes are told of', () => {
    for (const feed of JSON_TOPIC_FEEDS) {
      expect(feed.source).toMatchObject({ kind: 'topic', topic: feed.id });
      expect(feed.unknownNodes).toBe(feed.id === 'nodes' ? 'register' : 'reject');
    }
    expect(JSON_TOPIC_FEEDS.map((feed) => feed.id)).toEqual(
      TOPICS.filter(({ topic }) => topic !== FORECASTS_TOPIC).map(({ topic }) => topic),
    );
    const prices = JSON_TOPIC_FEEDS.filter(({ family }) => family === 'lmp');
    expect(prices.map((feed) => [feed.id, feed.decode])).toEqual(Object.entries(DECODERS));
  });
});
