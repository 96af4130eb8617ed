import { isNercHoliday } from './holidays.ts';
import { localHourOf } from './hour-ending.ts';
import type { Market, OnPeakHours } from './market.ts';
import { operatingDayOf, weekdayOfDay } from './operating-day.ts';

/** ATC, around the clock, is all hours; ON_PEAK and OFF_PEAK divide them. */
export const BLOCKS = ['ATC', 'ON_PEAK', 'OFF_PEAK'] as const;

export type Block = (typeof BLOCKS)[number];

/**
 * Whether an interval that starts at the instant is on-peak.
 * @param hours the market's own by default; MISO leaves them to the contract.
 */
export function isOnPeak(market: Market, instantMs: number, hours: OnPeakHours = market.onPeak): boolean {
  const hourEnding = localHourOf(market, instantMs) + 1;
  const isPeakHour = hourEnding >= hours.firstHourEnding && hourEnding <= hours.lastHourEnding;
  return isPeakHour && hasOnPeak(operatingDayOf(market, instantMs), hours);
}

/** As `isOnPeak`. */
export function isInBlock(market: Market, block: Block, instantMs: number, hours?: OnPeakHours): boolean {
  return block === 'ATC' || isOnPeak(market, instantMs, hours) === (block === 'ON_PEAK');
}

/** Whether a day has on-peak hours at all. @param day whole days since 1970-01-01. */
export function hasOnPeak(day: number, hours: OnPeakHours): boolean {
  return weekdayOfDay(day) <= hours.lastWeekday && !isNercHoliday(day);
}
