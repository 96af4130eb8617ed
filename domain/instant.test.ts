import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DAY_MS, HOUR_MS, isoFromInstant, MINUTE_MS, parseInstant } from './instant.ts';

const INSTANTS = fc.integer({ min: Date.parse('0000-01-01T00:00:00Z'), max: Date.parse('9999-12-31T23:59:59.999Z') });
const OFFSET_MINUTES = fc.integer({ min: -(23 * 60 + 59), max: 23 * 60 + 59 });

/** The same instant as a clock in a zone of that offset shows it. */
function textInZone(ms: number, offsetMinutes: number): string {
  const size = Math.abs(offsetMinutes);
  const hours = String(Math.floor(size / 60)).padStart(2, '0');
  const minutes = String(size % 60).padStart(2, '0');
  const zone = `${offsetMinutes < 0 ? '-' : '+'}${hours}:${minutes}`;
  return isoFromInstant(ms + offsetMinutes * MINUTE_MS).replace('Z', zone);
}

describe('parseInstant', () => {
  it('reads what isoFromInstant writes', () => {
    fc.assert(fc.property(INSTANTS, (ms) => parseInstant(isoFromInstant(ms)) === ms));
  });

  it('reads the same instant from every zone', () => {
    const inside = fc.integer({ min: Date.parse('0001-01-01T00:00:00Z'), max: Date.parse('9998-12-31T00:00:00Z') });
    fc.assert(fc.property(inside, OFFSET_MINUTES, (ms, offset) => parseInstant(textInZone(ms, offset)) === ms));
  });

  it('gives only instants that can be written and read back, or undefined, whatever the text', () => {
    const digits = (length: number) => fc.stringMatching(new RegExp(`^[0-9]{${length}}$`));
    const nearlyIso = fc
      .tuple(
        digits(4),
        digits(2),
        digits(2),
        digits(2),
        digits(2),
        digits(2),
        fc.constantFrom('Z', '+01:00', '-23:59', '+99:99', ''),
      )
      .map(([y, mo, d, h, mi, s, zone]) => `${y}-${mo}-${d}T${h}:${mi}:${s}${zone}`);
    fc.assert(
      fc.property(fc.oneof(nearlyIso, fc.string()), (text) => {
        const ms = parseInstant(text);
        return ms === undefined || parseInstant(isoFromInstant(ms)) === ms;
      }),
      { numRuns: 2_000 },
    );
  });

  it.each([
    ['2026-11-21T10:02:13Z', Date.UTC(2026, 10, 21, 10, 2, 13)],
    ['2026-11-21T10:02Z', Date.UTC(2026, 10, 21, 10, 2)],
    ['2026-11-21T05:02:13.25-05:00', Date.UTC(2026, 10, 21, 10, 2, 13, 250)],
    ['2024-02-29T23:00:00-07:00', Date.UTC(2024, 2, 1, 6)],
  ])('reads %s', (text, expected) => {
    expect(parseInstant(text)).toBe(expected);
  });

  it('cuts digits beyond the millisecond off', () => {
    expect(parseInstant('2026-11-21T10:02:13.123999999Z')).toBe(Date.UTC(2026, 10, 21, 10, 2, 13, 123));
  });

  it.each([
    ['a time without a zone', '2026-11-21T10:02:13'],
    ['a date', '2026-11-21'],
    ['a day that does not exist', '2026-02-30T00:00:00Z'],
    ['29 February of a common year', '2026-02-29T00:00:00Z'],
    ['a day that does not exist in a zone whose UTC day does', '2026-02-29T01:00:00+05:00'],
    ['hour 24, which names the next day', '2026-11-21T24:00:00Z'],
    ['a leap second', '2016-12-31T23:59:60Z'],
    ['an impossible offset', '2026-11-21T10:00:00+24:00'],
    ['a blank instead of the T', '2026-11-21 10:00:00Z'],
    ['a lower-case zone', '2026-11-21T10:00:00z'],
    ['an instant that in UTC falls out of the four-digit years', '9999-12-31T23:59:59-01:00'],
    ['an instant before the year 0', '0000-01-01T00:00:00+01:00'],
    ['blanks around it', ' 2026-11-21T10:00:00Z'],
    ['a line break after it', '2026-11-21T10:00:00Z\n'],
    ['nothing', ''],
  ])('refuses %s', (_, text) => {
    expect(parseInstant(text)).toBeUndefined();
  });
});

describe('units', () => {
  it('are milliseconds', () => {
    expect([MINUTE_MS, HOUR_MS, DAY_MS]).toEqual([60_000, 3_600_000, 86_400_000]);
  });
});
