import { isNercHoliday } from './holidays.ts';
import { weekdayOfDay } from './operating-day.ts';

const FRIDAY = 5;

/** Monday to Friday less NERC holidays. @param day whole days since 1970-01-01. */
export function isBusinessDay(day: number): boolean {
  return weekdayOfDay(day) <= FRIDAY && !isNercHoliday(day);
}

/** The `count`-th business day after the day, or before it where the count is negative; the day itself for 0. */
export function businessDayAfter(day: number, count = 1): number {
  const step = Math.sign(count);
  let reached = day;
  for (let left = Math.abs(count); left > 0; ) {
    reached += step;
    if (isBusinessDay(reached)) left--;
  }
  return reached;
}
