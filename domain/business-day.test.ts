import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { businessDayAfter, isBusinessDay } from './business-day.ts';
import { DAY_MS } from './instant.ts';
import { isWrittenHoliday } from './market-clock.cases.ts';

const dayOf = (iso: string) => Date.parse(`${iso}T00:00Z`) / DAY_MS;
const days = fc.integer({ min: dayOf('1998-01-01'), max: dayOf('2040-12-31') });

describe('business days', () => {
  it('are Monday to Friday less NERC holidays, in 1998 to 2040', () => {
    for (let day = dayOf('1998-01-01'); day <= dayOf('2040-12-31'); day++) {
      const date = new Date(day * DAY_MS);
      const written = ![0, 6].includes(date.getUTCDay()) && !isWrittenHoliday(date);
      if (isBusinessDay(day) !== written) throw new Error(date.toISOString());
    }
  });

  it.each([
    ['2024-07-03', 1, '2024-07-05'],
    ['2024-07-05', 1, '2024-07-08'],
    ['2024-07-08', -2, '2024-07-03'],
    ['2024-07-06', 0, '2024-07-06'],
    ['2022-12-23', 1, '2022-12-27'],
  ])('from %s %i on are %s', (from, count, to) => {
    expect(businessDayAfter(dayOf(from), count)).toBe(dayOf(to));
  });

  it('are as many on the way back as on the way there', () => {
    fc.assert(
      fc.property(days, fc.integer({ min: 1, max: 300 }), (day, count) => {
        const from = businessDayAfter(day);
        const to = businessDayAfter(from, count);
        expect(isBusinessDay(to)).toBe(true);
        expect(businessDayAfter(to, -count)).toBe(from);
      }),
    );
  });
});
