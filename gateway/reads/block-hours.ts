import { type Block, hasOnPeak, isInBlock } from '../../domain/blocks.ts';
import { nercHolidays } from '../../domain/holidays.ts';
import { DAY_MS } from '../../domain/instant.ts';
import { MARKETS, type Market } from '../../domain/market.ts';
import { operatingDayOf } from '../../domain/operating-day.ts';
import type { Range, Resolution } from '../../schema/context.ts';
import type { Axis } from './series-axis.ts';

/**
 * The hours of a block, once for the store, which averages its prices, and once for the axis they are laid out on. Both
 * have them from domain/: the store is given each market's hours and the holidays, and reads the market's clock itself,
 * so that a condition costs the same for a day and for ten years.
 */
const PEAK_HOURS = MARKETS.map(
  ({ id, onPeak: { firstHourEnding, lastHourEnding, lastWeekday } }) =>
    `('${id}', ${firstHourEnding}, ${lastHourEnding}, ${lastWeekday})`,
).join(', ');

/** Joins to `asked.market` what `inBlock` compares with. */
export const JOIN_PEAK = `JOIN (VALUES ${PEAK_HOURS}) AS peak (market, first_hour, last_hour, last_weekday)
      ON peak.market = asked.market`;

/**
 * A condition on rows with an `operating_day`, beside `asked.zone` and `peak`.
 * @param startsAt the column that holds the row's start.
 * @param holidays the place of `holidayDays` in the statement.
 */
export function inBlock(block: Exclude<Block, 'ATC'>, startsAt: string, holidays: string): string {
  const onPeak = `
    date_part('hour', ${startsAt} AT TIME ZONE asked.zone) + 1 BETWEEN peak.first_hour AND peak.last_hour
    AND date_part('isodow', operating_day) <= peak.last_weekday
    AND operating_day - DATE '1970-01-01' NOT IN (SELECT unnest(${holidays}::int[]))`;
  return block === 'ON_PEAK' ? onPeak : `NOT (${onPeak})`;
}

/** Holidays, as whole days since 1970-01-01, of every year that a point which starts in the range may reach into. */
export function holidayDays({ from, to }: Range): number[] {
  const last = yearOf(to + 32 * DAY_MS);
  const days: number[] = [];
  for (let year = yearOf(from - DAY_MS); year <= last; year++) days.push(...nercHolidays(year).map(({ day }) => day));
  return days;
}

/** The points of an axis that have an hour of the block. */
export function blockAxis(axis: Axis, market: Market, resolution: Resolution, block: Block): Axis {
  // Every month has hours of every block.
  if (block === 'ATC' || resolution === 'MONTH') return axis;
  const isDay = resolution === 'DAY';
  const holds = isDay
    ? (start: number) => block === 'OFF_PEAK' || hasOnPeak(operatingDayOf(market, start), market.onPeak)
    : (start: number) => isInBlock(market, block, start);
  return { bounds: axis.bounds, starts: (now, lastAt) => axis.starts(now, lastAt).filter(holds) };
}

function yearOf(instantMs: number): number {
  return new Date(instantMs).getUTCFullYear();
}
