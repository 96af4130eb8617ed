import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { daysIn } from '../../domain/calendar.ts';
import { HOUR_MS } from '../../domain/instant.ts';
import { calendarAxis, gridAxis, layOut } from './series-axis.ts';

const at = (iso: string) => Date.parse(iso);
const LATE = at('2100-01-01Z');

describe('an axis', () => {
  const instant = fc.integer({ min: at('2000-01-01Z'), max: at('2030-01-01Z') });
  const length = fc.integer({ min: 1, max: 400 * 24 * HOUR_MS });
  const zone = fc.constantFrom('America/New_York', 'America/Chicago', 'America/Los_Angeles', 'Etc/GMT+5');

  it('of days or months joins without gap or overlap: two ranges make the points of the whole', () => {
    fc.assert(
      fc.property(
        instant,
        length,
        length,
        zone,
        fc.constantFrom('days' as const, 'months' as const),
        (from, a, b, timeZone, unit) => {
          const starts = (start: number, end: number) =>
            calendarAxis({ from: start, to: end }, unit, timeZone).starts(LATE, undefined);
          expect([...starts(from, from + a), ...starts(from + a, from + a + b)]).toEqual(starts(from, from + a + b));
        },
      ),
      { numRuns: 30 },
    );
  });

  it.each(['America/New_York', 'America/Chicago', 'America/Los_Angeles', 'Etc/GMT+5'])(
    'of days begins at every midnight of %s, and one of months at those of the first days',
    (timeZone) => {
      const range = { from: at('1998-01-01T12:00Z'), to: at('2008-01-01T12:00Z') };
      const days = daysIn(timeZone, range.from, range.to).slice(1);
      expect(calendarAxis(range, 'days', timeZone).starts(LATE, undefined)).toEqual(days.map(({ from }) => from));
      expect(calendarAxis(range, 'months', timeZone).starts(LATE, undefined)).toEqual(
        days.filter(({ day }) => day === 1).map(({ from }) => from),
      );
    },
  );

  it('of hours joins likewise', () => {
    fc.assert(
      fc.property(instant, length, length, (from, a, b) => {
        const starts = (start: number, end: number) =>
          gridAxis({ from: start, to: end }, HOUR_MS).starts(LATE, undefined);
        expect([...starts(from, from + a), ...starts(from + a, from + a + b)]).toEqual(starts(from, from + a + b));
      }),
      { numRuns: 30 },
    );
  });

  it('is empty where no point starts in the range', () => {
    const range = { from: at('2024-07-04T05:00Z'), to: at('2024-07-04T06:00Z') };
    const axis = calendarAxis(range, 'days', 'America/New_York');
    expect([axis.starts(LATE, undefined), axis.bounds.to - axis.bounds.from]).toEqual([[], 0]);
  });

  it('ends before the day that is not over, unless it has a price', () => {
    const range = { from: at('2024-07-01T04:00Z'), to: at('2024-07-31T04:00Z') };
    const axis = calendarAxis(range, 'days', 'America/New_York');
    const now = at('2024-07-03T12:00Z');
    expect(axis.starts(now, undefined).length).toBe(2);
    expect(axis.starts(now, at('2024-07-03T04:00Z')).length).toBe(3);
  });
});

describe('a column laid out on an axis', () => {
  it('refuses a row that no point stands for, rather than losing it', () => {
    expect(() => layOut({ lmp: [1, 2] }, [5, 11], [0, 5, 10])).toThrow(RangeError);
  });
});
