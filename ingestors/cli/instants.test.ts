import { describe, expect, it } from 'vitest';
import { durationText, instantFrom } from './instants.ts';

const NOW = Date.parse('2025-07-10T12:00:00Z');
const iso = (text: string) => new Date(instantFrom(text, NOW)).toISOString();

describe('an instant on the command line', () => {
  it.each([
    ['2025-07-01T00:00Z', '2025-07-01T00:00:00.000Z'],
    ['2025-07-01T00:00-07:00', '2025-07-01T07:00:00.000Z'],
    ['2025-07-01T12:30:15.250Z', '2025-07-01T12:30:15.250Z'],
  ])('is ISO 8601 with a zone: %s', (text, expected) => expect(iso(text)).toBe(expected));

  it('is a date, and means its midnight in UTC', () => expect(iso('2025-07-01')).toBe('2025-07-01T00:00:00.000Z'));

  it.each([
    ['now', '2025-07-10T12:00:00.000Z'],
    ['-30m', '2025-07-10T11:30:00.000Z'],
    ['-2h', '2025-07-10T10:00:00.000Z'],
    ['-7d', '2025-07-03T12:00:00.000Z'],
    ['-2w', '2025-06-26T12:00:00.000Z'],
  ])('is told from now: %s', (text, expected) => expect(iso(text)).toBe(expected));

  it.each(['', '2025-07-01T00:00', '2025-02-30', '2025-07', 'yesterday', '7d', '+7d', '-7', '-7y', '-d', '--to'])(
    'is refused where it could mean anything: "%s"',
    (text) => expect(() => instantFrom(text, NOW)).toThrow(`"${text}" is not an instant`),
  );
});

describe('a duration', () => {
  it.each([
    [0, '0 s'],
    [59_499, '59 s'],
    [59_500, '1 min'],
    [3_540_000, '59 min'],
    [3_599_000, '1 h'],
    [7_500_000, '2 h 5 min'],
    [86_399_000, '1 d'],
    [100 * 3_600_000, '4 d 4 h'],
  ])('of %d ms is %s', (ms, text) => expect(durationText(ms)).toBe(text));
});
