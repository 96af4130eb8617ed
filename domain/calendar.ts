/**
 * Clocks on the walls of markets. Instants are milliseconds UTC; a wall time is what a clock in the zone shows, which comes
 * twice in the hour that is repeated in autumn and not at all in the one that is left out in spring.
 */
import { Temporal } from 'temporal-polyfill';

export interface CalendarDate {
  readonly year: number;
  /** 1 to 12. */
  readonly month: number;
  readonly day: number;
}

export interface WallTime extends CalendarDate {
  /** 0 to 23. */
  readonly hour: number;
  readonly minute: number;
  readonly second?: number;
}

/** Every instant at which a clock in the zone shows the time: one, two (the earlier, daylight-saving one first), or none. */
export function instantsAt(timeZone: string, wall: WallTime): readonly number[] {
  const plain = plainFrom(wall);
  if (!plain) return [];
  const earlier = plain.toZonedDateTime(timeZone, { disambiguation: 'earlier' });
  const later = plain.toZonedDateTime(timeZone, { disambiguation: 'later' });
  const shown = [earlier, later].filter((each) => each.toPlainDateTime().equals(plain));
  return [...new Set(shown.map((each) => each.epochMilliseconds))];
}

export function wallTimeAt(timeZone: string, instantMs: number): Required<WallTime> {
  const { year, month, day, hour, minute, second } = zoned(timeZone, instantMs);
  return { year, month, day, hour, minute, second };
}

/** Midnight at which a day begins. @throws RangeError for a day that does not exist. */
export function startOfDate(timeZone: string, { year, month, day }: CalendarDate): number {
  return Temporal.PlainDate.from({ year, month, day }, { overflow: 'reject' }).toZonedDateTime(timeZone)
    .epochMilliseconds;
}

export function dateAt(timeZone: string, instantMs: number): CalendarDate {
  const { year, month, day } = zoned(timeZone, instantMs);
  return { year, month, day };
}

/** The start of the day that lies `days` after the one the instant is in. */
export function startOfDay(timeZone: string, instantMs: number, days = 0): number {
  return zoned(timeZone, instantMs).startOfDay().add({ days }).startOfDay().epochMilliseconds;
}

/** A day of the zone: 23, 24 or 25 hours. */
export interface ZonedDay extends CalendarDate {
  readonly from: number;
  readonly to: number;
}

/** The days that have an instant in `[from, to)`, in order. */
export function daysIn(timeZone: string, from: number, to: number): readonly ZonedDay[] {
  const days: ZonedDay[] = [];
  for (let start = startOfDay(timeZone, from); start < to; ) {
    const end = startOfDay(timeZone, start, 1);
    days.push({ ...dateAt(timeZone, start), from: start, to: end });
    start = end;
  }
  return days;
}

function zoned(timeZone: string, instantMs: number): Temporal.ZonedDateTime {
  return Temporal.Instant.fromEpochMilliseconds(instantMs).toZonedDateTimeISO(timeZone);
}

function plainFrom(wall: WallTime): Temporal.PlainDateTime | undefined {
  try {
    return Temporal.PlainDateTime.from({ ...wall }, { overflow: 'reject' });
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}
