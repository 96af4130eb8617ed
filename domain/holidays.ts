import { DAY_MS } from './instant.ts';
import { dateOfDay, weekdayOfDay } from './operating-day.ts';

const MONDAY = 1;
const THURSDAY = 4;
const SUNDAY = 7;

export interface NercHoliday {
  readonly name: string;
  /** Whole days since 1970-01-01, on which it is kept. */
  readonly day: number;
}

/**
 * The six additional off-peak days of a year, in order (RULES 6). One that falls on a Sunday is kept on the Monday after
 * it, one on a Saturday stays there.
 */
export function nercHolidays(year: number): readonly NercHoliday[] {
  return [
    { name: 'New Year’s Day', day: notSunday(dayOf(year, 1, 1)) },
    { name: 'Memorial Day', day: onOrBefore(MONDAY, dayOf(year, 5, 31)) },
    { name: 'Independence Day', day: notSunday(dayOf(year, 7, 4)) },
    // The first Monday lies in the first seven days of the month, the fourth Thursday in the fourth seven.
    { name: 'Labor Day', day: onOrBefore(MONDAY, dayOf(year, 9, 7)) },
    { name: 'Thanksgiving Day', day: onOrBefore(THURSDAY, dayOf(year, 11, 28)) },
    { name: 'Christmas Day', day: notSunday(dayOf(year, 12, 25)) },
  ];
}

/** @param day whole days since 1970-01-01. */
export function isNercHoliday(day: number): boolean {
  const { year } = dateOfDay(day);
  let days = BY_YEAR.get(year);
  if (!days) {
    days = new Set(nercHolidays(year).map((holiday) => holiday.day));
    BY_YEAR.set(year, days);
  }
  return days.has(day);
}

const BY_YEAR = new Map<number, ReadonlySet<number>>();

function dayOf(year: number, month: number, day: number): number {
  // Date.UTC takes the years 0 to 99 for 1900 to 1999.
  return new Date(0).setUTCFullYear(year, month - 1, day) / DAY_MS;
}

function notSunday(day: number): number {
  return weekdayOfDay(day) === SUNDAY ? day + 1 : day;
}

function onOrBefore(weekday: number, day: number): number {
  return day - ((weekdayOfDay(day) - weekday + 7) % 7);
}
