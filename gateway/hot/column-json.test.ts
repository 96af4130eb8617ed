import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isoFromInstant } from '../../domain/instant.ts';
import { freshDatabase, type TestDatabase } from '../../tests/support/postgres.ts';
import { itemsOf, numbersJson } from './column-json.ts';
import { instantJson } from './instant-json.ts';

let db: TestDatabase;
beforeAll(async () => {
  db = await freshDatabase();
});
afterAll(() => db.drop());

/** What the statements of hot queries make of a column. */
async function columnOf(numbers: readonly (number | null)[]): Promise<string> {
  const text =
    'SELECT array_to_json(array_agg(n ORDER BY place))::text AS json FROM unnest($1::float8[]) WITH ORDINALITY AS t (n, place)';
  // As texts: the driver would write -0 as 0.
  const values = numbers.map((number) => (number === null ? null : Object.is(number, -0) ? '-0' : String(number)));
  const { rows } = await db.pool.query<{ json: string }>(text, [values]);
  return rows[0]?.json ?? '[]';
}

/** Doubles of every size, and decimals as operators publish them. */
const NUMBER = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.integer({ min: -1_000_000, max: 1_000_000 }).map((cents) => cents / 100),
  fc
    .tuple(fc.integer({ min: -1074, max: 1023 }), fc.constantFrom(-1, 1, 3))
    .map(([power, factor]) => factor * 2 ** power)
    .filter(Number.isFinite),
  fc
    .tuple(fc.integer({ min: 1, max: 999 }), fc.integer({ min: -30, max: 30 }))
    .map(([digits, power]) => Number(`${digits}e${power}`)),
  fc.constantFrom(-0, 0, 1e15, 1e21, 1e-4, 1e-5, 1e-6, 1e-7, 5e-324, Number.MAX_VALUE, Number.MAX_SAFE_INTEGER),
);

describe('a column of numbers', () => {
  test('is written as JSON writes them, whatever they are', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.option(NUMBER), { maxLength: 200 }), async (numbers) => {
        const json = numbersJson(await columnOf(numbers));
        expect(json).toBe(JSON.stringify(numbers));
        expect(itemsOf(json)).toEqual(numbers.map((number) => JSON.stringify(number)));
      }),
      { numRuns: 300 },
    );
  }, 60_000);

  test('differs from what Postgres writes where it has to', async () => {
    const numbers = [-0, 1e15, 1e-5, 0.1 + 0.2];
    expect(await columnOf(numbers)).not.toBe(JSON.stringify(numbers));
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY])('is not written with %s in it', async (number) => {
    const text = await columnOf([1, number]);
    expect(() => numbersJson(text)).toThrow(TypeError);
  });
});

test('an instant is written as DateTime writes it', () => {
  const instant = fc.oneof(
    fc.integer({ min: Date.parse('0000-01-01T00:00Z'), max: Date.parse('9999-12-31T23:59:59.999Z') }),
    fc.integer({ min: -1_000_000, max: 60_000_000 }).map((minute) => minute * 60_000),
  );
  fc.assert(
    fc.property(instant, (ms) => {
      expect(instantJson(ms)).toBe(JSON.stringify(isoFromInstant(ms)));
    }),
  );
});
