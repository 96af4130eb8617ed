import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { startOfDate } from '../../../domain/calendar.ts';
import { isBusbarError } from '../../../domain/errors.ts';
import { isoFromInstant, MINUTE_MS } from '../../../domain/instant.ts';
import type { TariffType } from '../../../domain/tariff.ts';
import { RECORDED_DATA, requireOrSkip } from '../../../tests/support/services.ts';
import { ckwStamp } from '../../stand-ins/ckw-prices.ts';
import { decodeTariffs, tariffsEndAt, tariffsPublishedAt } from './decode-tariffs.ts';

const HOUR_ZERO = { start_timestamp: '2026-09-28T00:00+02:00', end_timestamp: '2026-09-28T00:15+02:00' };
const price = (value: unknown, unit: unknown = 'CHF_kWh') => [{ unit, value }];
const PARTS = { grid: price(0.1074), electricity: price(0.12), integrated: price(0.2274), grid_usage: price(0.0771) };

describe('an answer', () => {
  test('becomes one price for each part of each quarter hour, exact and in UTC', () => {
    const { facts, rejects } = decoded([{ ...HOUR_ZERO, ...PARTS }]);
    expect(rejects).toEqual([]);
    expect(facts.map(({ value, ...fact }) => ({ ...fact, value: String(value) }))).toEqual(
      (
        [
          ['grid', '0.1074'],
          ['electricity', '0.12'],
          ['integrated', '0.2274'],
          ['grid_usage', '0.0771'],
        ] as const
      ).map(([type, value]) => ({
        provider: 'CKW',
        tariffName: 'home_dynamic',
        type,
        startAt: Date.parse('2026-09-27T22:00:00Z'),
        endAt: Date.parse('2026-09-27T22:15:00Z'),
        value,
        unit: 'CHF_kWh',
        flags: [],
      })),
    );
  });

  test('that was asked for in UTC is the same', () => {
    const utc = { start_timestamp: '2026-09-27T22:00Z', end_timestamp: '2026-09-27T22:15Z' };
    expect(decoded([{ ...utc, ...PARTS }])).toEqual(decoded([{ ...HOUR_ZERO, ...PARTS }]));
  });

  test('is of the tariff that its name has, of CKW’s default where it has none, and of no other', () => {
    const named = (name: string) => decoded([{ ...HOUR_ZERO, ...PARTS }], name).facts[0]?.tariffName;
    expect(named('business_dynamic')).toBe('business_dynamic');
    expect(named('ckw_business_dynamic_2026-09-28.json')).toBe('business_dynamic');
    expect(named('dynamische-preise_2026-09-28.json')).toBe('home_dynamic');
    expect(() => named('garden_dynamic.json')).toThrow('rename the file');
  });

  test('asked for with one part has only that one', () => {
    const { facts, rejects } = decoded([{ ...HOUR_ZERO, grid: PARTS.grid }]);
    expect(facts.map(({ type }) => type)).toEqual(['grid']);
    expect(rejects).toEqual([]);
  });

  test('may have prices below zero', () => {
    expect(String(decoded([{ ...HOUR_ZERO, electricity: price(-0.0155) }]).facts[0]?.value)).toBe('-0.0155');
  });

  test.each([
    ['the sum within rounding', { integrated: price(0.2275) }, []],
    ['a sum beyond rounding', { integrated: price(0.2276) }, ['integrated']],
    ['a sum that is short', { integrated: price(0.2) }, ['integrated']],
    ['a use of the grid beyond the grid', { grid_usage: price(0.1075) }, ['grid_usage']],
    ['a sum of which a part is missing', { grid: undefined, integrated: price(9) }, []],
  ])('is flagged, never repaired, for %s', (_, parts, flagged) => {
    const { facts } = decoded([{ ...HOUR_ZERO, ...PARTS, ...parts }]);
    expect(facts.filter(({ flags }) => flags.includes('IDENTITY_BREACH')).map(({ type }) => type)).toEqual(flagged);
  });

  test.each([
    ['no value', { grid: [{ unit: 'CHF_kWh' }] }, 'MISSING_FIELD', 'grid: expected a price, got none'],
    ['a blank value', { grid: price('') }, 'MISSING_FIELD', 'grid: expected a price, got none'],
    ['null for a price', { grid: null }, 'MISSING_FIELD', 'grid: expected a price, got none'],
    ['an empty array', { grid: [] }, 'MISSING_FIELD', 'grid: expected a price, got none'],
    ['another unit', { grid: price(5, 'CHF_m') }, 'BAD_VALUE', 'grid: expected the unit CHF_kWh, got "CHF_m"'],
    ['a word', { grid: price('cheap') }, 'BAD_VALUE', 'grid: expected a decimal number, got "cheap"'],
    ['two prices', { grid: [...price(1), ...price(2)] }, 'NOT_THE_FORMAT', 'grid: expected one object'],
    ['a number alone', { grid: 0.1 }, 'NOT_THE_FORMAT', 'grid: expected an array, got 0.1'],
  ])('with %s for one part loses that part only, with the reason', (_, parts, code, reason) => {
    const { facts, rejects } = decoded([{ ...HOUR_ZERO, ...PARTS, ...parts }]);
    expect(facts.map(({ type }) => type)).toEqual(['electricity', 'integrated', 'grid_usage']);
    expect(rejects.map((reject) => reject.code)).toEqual([code]);
    expect(rejects[0]?.reason).toContain(reason);
  });

  test.each([
    ['no start', { start_timestamp: undefined }, 'MISSING_FIELD'],
    ['a time without a zone', { start_timestamp: '2026-09-28T00:00' }, 'BAD_TIME'],
    ['a day that does not exist', { end_timestamp: '2026-09-31T00:00+02:00' }, 'BAD_TIME'],
    [
      'no part',
      { grid: undefined, electricity: undefined, integrated: undefined, grid_usage: undefined },
      'MISSING_FIELD',
    ],
  ])('loses an interval with %s and keeps the others', (_, fields, code) => {
    const later = { start_timestamp: '2026-09-28T00:15+02:00', end_timestamp: '2026-09-28T00:30+02:00' };
    const { facts, rejects } = decoded([
      { ...HOUR_ZERO, ...PARTS, ...fields },
      { ...later, ...PARTS },
    ]);
    expect(facts).toHaveLength(4);
    expect(rejects.map((reject) => reject.code)).toEqual([code]);
  });

  test('leaves dead letters that can be decoded by themselves, once they are mended', () => {
    const { rejects } = decoded([{ ...HOUR_ZERO, ...PARTS, grid: price('x') }]);
    const [{ raw } = { raw: Buffer.alloc(0) }] = rejects;
    const mended = decodeTariffs({ bytes: Buffer.from(raw.toString().replace('"x"', '0.1074')), name: 'home_dynamic' });
    expect(mended.facts).toEqual(decoded([{ ...HOUR_ZERO, grid: PARTS.grid }]).facts);
    expect(tariffsPublishedAt(raw)).toBe(Date.parse('2026-09-27T11:19:17.128+02:00'));
  });

  test('with an interval twice has it once, and not at all where the two contradict each other', () => {
    const slot = { ...HOUR_ZERO, ...PARTS };
    expect(decoded([slot, slot]).facts).toHaveLength(4);
    const { facts, rejects } = decoded([slot, { ...slot, grid: price(0.2) }]);
    expect(facts).toEqual([]);
    expect(rejects.map(({ code }) => code)).toEqual(['CONFLICTING_VERSION', 'CONFLICTING_VERSION']);
  });

  test('says when it was published, and where it ends', () => {
    const bytes = answerOf([{ ...HOUR_ZERO, ...PARTS }]);
    expect(tariffsPublishedAt(bytes)).toBe(Date.parse('2026-09-27T09:19:17.128Z'));
    expect(tariffsEndAt(bytes)).toBe(Date.parse('2026-09-27T22:15:00Z'));
  });

  test('without prices says that there are none', () => {
    expect(codeOf(() => decoded([]))).toBe('NO_DATA');
  });

  test.each([
    ['a page', '<html><body>Maintenance</body></html>'],
    [
      'half an answer',
      answerOf([{ ...HOUR_ZERO, ...PARTS }])
        .toString()
        .slice(0, 120),
    ],
    ['nothing', ''],
    ['an error', '{"error":"internal"}'],
    ['an array', '[]'],
    ['what is not UTF-8', Buffer.from([0x7b, 0xff, 0x7d])],
  ])('that is %s is malformed', (_, bytes) => {
    expect(codeOf(() => decodeTariffs({ bytes: Buffer.from(bytes), name: 'home_dynamic' }))).toBe('MALFORMED');
  });
});

describe('a day', () => {
  test.each([
    ['when clocks go forward', { year: 2026, month: 3, day: 29 }, 92],
    ['of 24 hours', { year: 2026, month: 9, day: 28 }, 96],
    ['when clocks go back', { year: 2026, month: 10, day: 25 }, 100],
  ])('%s has its quarter hours in order, and no two with one key', (_, date, quarters) => {
    const from = startOfDate('Europe/Zurich', date);
    const starts = Array.from({ length: quarters }, (_, place) => from + place * 15 * MINUTE_MS);
    const slots = starts.map((start) => ({
      start_timestamp: ckwStamp(start, false),
      end_timestamp: ckwStamp(start + 15 * MINUTE_MS, false),
      grid: PARTS.grid,
    }));
    const { facts, rejects } = decoded(slots);
    expect(rejects).toEqual([]);
    expect(facts.map(({ startAt }) => startAt)).toEqual(starts);
    expect(facts.at(-1)?.endAt).toBe(startOfDate('Europe/Zurich', { ...date, day: date.day + 1 }));
  });
});

describe.skipIf(!requireOrSkip('recorded-data'))('the recorded day', () => {
  const name = 'dynamische-preise_2026-09-28.json';
  test('decodes to what the file says, read by other means', () => {
    const bytes = readFileSync(join(RECORDED_DATA, 'ckw', name));
    const { facts, rejects } = decodeTariffs({ bytes, name });
    expect(rejects).toEqual([]);
    expect(facts.flatMap(({ flags }) => flags)).toEqual([]);
    // By the text alone, without JSON, the calendar or decimals of ours.
    const slot = /"start_timestamp":"([^"]+)","end_timestamp":"([^"]+)"(.*?)(?=\{"start_timestamp"|\]\})/g;
    const part = /"(grid|electricity|integrated|grid_usage)":\[\{"unit":"CHF_kWh","value":([\d.]+)/g;
    const expected = [...bytes.toString().matchAll(slot)].flatMap(([, start = '', end = '', rest = '']) =>
      [...rest.matchAll(part)].map(([, type = '', digits = '']) => [type, new Date(start), new Date(end), digits]),
    );
    expect(expected).toHaveLength(96 * 4);
    expect(
      facts.map(({ type, startAt, endAt, value }) => [
        type,
        new Date(startAt),
        new Date(endAt),
        value.toNumber().toFixed(4),
      ]),
    ).toEqual(expected);
    const hundredths = (type: TariffType) =>
      facts
        .filter((fact) => fact.type === type)
        .reduce((sum, { value }) => sum + Math.round(value.toNumber() * 1e4), 0);
    expect(hundredths('integrated')).toBe(hundredths('grid') + hundredths('electricity'));
    expect(isoFromInstant(tariffsPublishedAt(bytes) ?? 0)).toBe('2026-09-27T09:19:17.128Z');
  });
});

function decoded(prices: readonly object[], name = 'home_dynamic') {
  return decodeTariffs({ bytes: answerOf(prices), name });
}

function answerOf(prices: readonly object[]): Buffer {
  return Buffer.from(JSON.stringify({ publication_timestamp: '2026-09-27T11:19:17.128697+02:00', prices }));
}

function codeOf(work: () => unknown): string | undefined {
  try {
    work();
  } catch (error) {
    return isBusbarError(error) ? error.code : String(error);
  }
  return undefined;
}
