import { Temporal } from 'temporal-polyfill';
import { DAY_MS } from './instant.ts';

/**
 * How far a clock on the zone's wall is ahead of UTC, in milliseconds; behind it is negative.
 *
 * The calendar is asked once for each day of UTC, and on a day in which the clocks change also for when: 0.06 µs against
 * 17 µs for each price.
 */
export function offsetMsAt(timeZone: string, instantMs: number): number {
  const { changesAt, before, after } = dayAt(timeZone, Math.floor(instantMs / DAY_MS));
  return instantMs < changesAt ? before : after;
}

/** A day of UTC. Where the clocks do not change in it, both offsets are the same. */
interface OffsetDay {
  readonly changesAt: number;
  readonly before: number;
  readonly after: number;
}

const ZONES = new Map<string, Map<number, OffsetDay>>();
const DAYS_MAX = 20_000;

function dayAt(timeZone: string, day: number): OffsetDay {
  let days = ZONES.get(timeZone);
  if (!days) {
    days = new Map();
    ZONES.set(timeZone, days);
  }
  const known = days.get(day);
  if (known) return known;
  // Bounded: a load of many years begins again rather than grow for ever.
  if (days.size >= DAYS_MAX) days.clear();
  const asked = askCalendar(timeZone, day * DAY_MS);
  days.set(day, asked);
  return asked;
}

function askCalendar(timeZone: string, start: number): OffsetDay {
  const before = offsetByCalendar(timeZone, start);
  const after = offsetByCalendar(timeZone, start + DAY_MS);
  return { before, after, changesAt: before === after ? start : changeIn(timeZone, start, before) };
}

/** No zone changes its clocks twice in a day, so the first instant with another offset is found by halving. */
function changeIn(timeZone: string, start: number, before: number): number {
  let unchanged = start;
  let changed = start + DAY_MS;
  while (changed - unchanged > 1) {
    const middle = Math.floor((unchanged + changed) / 2);
    if (offsetByCalendar(timeZone, middle) === before) unchanged = middle;
    else changed = middle;
  }
  return changed;
}

function offsetByCalendar(timeZone: string, instantMs: number): number {
  const zoned = Temporal.Instant.fromEpochMilliseconds(instantMs).toZonedDateTimeISO(timeZone);
  return zoned.offsetNanoseconds / 1e6;
}
