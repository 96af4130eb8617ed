import type { CalendarDate } from './calendar.ts';
import { DAY_MS } from './instant.ts';
import type { Market } from './market.ts';
import { offsetMsAt } from './zone-offset.ts';

/**
 * The day of delivery an instant belongs to, in the market's own time zone, as whole days since 1970-01-01.
 * Operating days are 23, 24 or 25 hours long.
 */
export function operatingDayOf(market: Market, instantMs: number): number {
  return Math.floor((instantMs + offsetMsAt(market.timeZone, instantMs)) / DAY_MS);
}

/** The date of an operating day. */
export function dateOfDay(day: number): CalendarDate {
  const date = new Date(day * DAY_MS);
  return { year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate() };
}

/** 1 is Monday, 7 is Sunday. */
export function weekdayOfDay(day: number): number {
  // 1970-01-01 was a Thursday.
  return ((((day + 3) % 7) + 7) % 7) + 1;
}
