import { describe, expect, it } from 'vitest';
import { isNercHoliday, nercHolidays } from './holidays.ts';
import { DAY_MS } from './instant.ts';
import { isWrittenHoliday } from './market-clock.cases.ts';

const dates = (year: number) => nercHolidays(year).map(({ day }) => new Date(day * DAY_MS).toISOString().slice(5, 10));

describe('NERC holidays (RULES 6)', () => {
  it('are the days of 1998 to 2040 that their definition picks, one by one', () => {
    const wrong: string[] = [];
    for (let day = Date.UTC(1998, 0, 1) / DAY_MS; day < Date.UTC(2041, 0, 1) / DAY_MS; day++) {
      const date = new Date(day * DAY_MS);
      if (isNercHoliday(day) !== isWrittenHoliday(date)) wrong.push(date.toISOString());
    }
    expect(wrong).toEqual([]);
  });

  it.each([
    // The first year is in the list that NERC published in 2010.
    [2010, ['01-01', '05-31', '07-05', '09-06', '11-25', '12-25']],
    [2012, ['01-02', '05-28', '07-04', '09-03', '11-22', '12-25']],
    [2022, ['01-01', '05-30', '07-04', '09-05', '11-24', '12-26']],
    [2023, ['01-02', '05-29', '07-04', '09-04', '11-23', '12-25']],
  ])('of %i are %j: Sunday’s is kept on Monday, Saturday’s stays', (year, expected) => {
    expect(dates(year)).toEqual(expected);
  });

  it('are six a year, each named', () => {
    for (let year = 1998; year <= 2040; year++) {
      const holidays = nercHolidays(year);
      expect(new Set(holidays.map(({ day }) => day)).size).toBe(6);
      expect(holidays.map(({ name }) => name)).toEqual([
        'New Year’s Day',
        'Memorial Day',
        'Independence Day',
        'Labor Day',
        'Thanksgiving Day',
        'Christmas Day',
      ]);
    }
  });
});
