/**
 * Hours as traders call them: by their end, on the market's own clock. The hour from midnight to one is `01`, the last of
 * a day is `24`.
 *
 * In autumn, when the hour from one to two comes twice, the first is `02` and the second, in standard time, is `02*`; a
 * day then has 25 hours. In spring the hour from two to three is left out: `02` is followed by `04`, and a day has 23.
 * So an operating day and a label name one hour, and each hour has one label. Operators write the repeated hour in ways
 * of their own (CAISO `25`, ERCOT a flag), which only their decoders know.
 */
import { instantsAt, startOfDate } from './calendar.ts';
import { HOUR_MS, MINUTE_MS } from './instant.ts';
import type { Market } from './market.ts';
import { dateOfDay, operatingDayOf } from './operating-day.ts';
import { offsetMsAt } from './zone-offset.ts';

/** Half-open, milliseconds UTC. */
export interface Interval {
  readonly startAt: number;
  readonly endAt: number;
}

/** What names an interval of a given length: its day, its hour, and its place in the hour. */
export interface IntervalLabel {
  /** Whole days since 1970-01-01. */
  readonly operatingDay: number;
  /** `01` to `24`, with a star for the repeated hour: `02*`. */
  readonly hourEnding: string;
  /** Counts from 1, to 4 for quarters of an hour. */
  readonly place: number;
}

/** The label of the hour the instant is in. */
export function hourEndingOf(market: Market, instantMs: number): string {
  const label = String(localHourOf(market, instantMs) + 1).padStart(2, '0');
  return isRepeatedHour(market, instantMs) ? `${label}*` : label;
}

/** What the hour hand shows, 0 to 23. Every zone of ours is a whole number of hours from UTC. */
export function localHourOf({ timeZone }: Market, instantMs: number): number {
  return new Date(instantMs + offsetMsAt(timeZone, instantMs)).getUTCHours();
}

/** @param minutes the intervals' length, which divides the hour. */
export function labelOf(market: Market, instantMs: number, minutes: number): IntervalLabel {
  const stepMs = stepMsOf(minutes);
  return {
    operatingDay: operatingDayOf(market, instantMs),
    hourEnding: hourEndingOf(market, instantMs),
    place: Math.floor((instantMs - hourOf(instantMs)) / stepMs) + 1,
  };
}

/** @returns undefined where the day has no such hour, or the hour no such place. */
export function intervalOf(market: Market, label: IntervalLabel, minutes: number): Interval | undefined {
  const stepMs = stepMsOf(minutes);
  const hourAt = hourStartOf(market, label);
  const { place } = label;
  if (hourAt === undefined || !Number.isInteger(place) || place < 1 || place > HOUR_MS / stepMs) return undefined;
  const startAt = hourAt + (place - 1) * stepMs;
  return { startAt, endAt: startAt + stepMs };
}

/** The settlement periods of a day, in order: 23, 24 or 25 hours of them. @param day whole days since 1970-01-01. */
export function intervalsOfDay(market: Market, day: number, minutes: number): readonly Interval[] {
  const stepMs = stepMsOf(minutes);
  const start = startOfDate(market.timeZone, dateOfDay(day));
  const end = startOfDate(market.timeZone, dateOfDay(day + 1));
  return Array.from({ length: (end - start) / stepMs }, (_, place) => {
    const startAt = start + place * stepMs;
    return { startAt, endAt: startAt + stepMs };
  });
}

const LABEL = /^(0[1-9]|1\d|2[0-4])(\*?)$/;

function hourStartOf(market: Market, { operatingDay, hourEnding }: IntervalLabel): number | undefined {
  const [, digits, star] = LABEL.exec(hourEnding) ?? [];
  if (digits === undefined) return undefined;
  const wall = { ...dateOfDay(operatingDay), hour: Number(digits) - 1, minute: 0 };
  return instantsAt(market.timeZone, wall)[star ? 1 : 0];
}

/** The clocks were set back an hour at the end of the hour before, which showed the same. */
function isRepeatedHour({ timeZone }: Market, instantMs: number): boolean {
  return offsetMsAt(timeZone, instantMs - HOUR_MS) - offsetMsAt(timeZone, instantMs) === HOUR_MS;
}

function hourOf(instantMs: number): number {
  return Math.floor(instantMs / HOUR_MS) * HOUR_MS;
}

function stepMsOf(minutes: number): number {
  const stepMs = minutes * MINUTE_MS;
  if (!(stepMs > 0 && HOUR_MS % stepMs === 0))
    throw new RangeError(`intervals of ${minutes} minutes do not fill an hour`);
  return stepMs;
}
