import { offsetMsAt } from '../../domain/zone-offset.ts';
import type { Range } from '../../schema/context.ts';

/** The points a series is laid out on. */
export interface Axis {
  /** From the first point's start to the last point's end: points that start in the range, whole. */
  readonly bounds: Range;
  /**
   * Starts of the points, ascending: those that have ended by now and those up to the last one with a price. What has
   * not been delivered yet is not missing.
   * @param lastAt start of the last point with a price; undefined where there is none.
   */
  starts(now: number, lastAt: number | undefined): number[];
}

/** Points of equal length that begin at multiples of it since the epoch, as clock hours and their parts do in UTC. */
export function gridAxis(range: Range, stepMs: number): Axis {
  const bounds = { from: ceilTo(range.from, stepMs), to: ceilTo(range.to, stepMs) };
  return {
    bounds,
    starts: (now, lastAt) => {
      const ended = Math.floor(now / stepMs) * stepMs;
      const end = Math.min(bounds.to, lastAt === undefined ? ended : Math.max(ended, lastAt + stepMs));
      const count = Math.max(0, (end - bounds.from) / stepMs);
      return Array.from({ length: count }, (_, place) => bounds.from + place * stepMs);
    },
  };
}

/** Days or months of a time zone, from local midnight to local midnight. */
export function calendarAxis(range: Range, unit: 'days' | 'months', timeZone: string): Axis {
  const midnights = midnightsOf(range, unit, timeZone);
  const ends = midnights.slice(1);
  const bounds = { from: midnights.at(0) ?? range.to, to: midnights.at(-1) ?? range.to };
  return {
    bounds,
    starts: (now, lastAt = Number.NEGATIVE_INFINITY) => {
      const firstAhead = ends.findIndex((end, place) => end > now && (midnights[place] ?? end) > lastAt);
      return midnights.slice(0, firstAhead < 0 ? ends.length : firstAhead);
    },
  };
}

/**
 * Starts of the days or months that start in the range, and the end of the last. Offsets are remembered by day, so that years
 * of days take milliseconds where asking the calendar for each takes 70 µs.
 */
function midnightsOf({ from, to }: Range, unit: 'days' | 'months', timeZone: string): number[] {
  const local = new Date(from + offsetMsAt(timeZone, from));
  const midnights: number[] = [];
  for (let place = 0; ; place++) {
    const [months, days] = unit === 'months' ? [place, 1] : [0, local.getUTCDate() + place];
    const wall = new Date(0).setUTCFullYear(local.getUTCFullYear(), local.getUTCMonth() + months, days);
    const midnight = midnightAt(timeZone, wall);
    if (midnight >= from) midnights.push(midnight);
    if (midnight >= to) return midnights;
  }
}

/** @param wall midnight on the zone's clock, as if it were UTC. No market changes its clocks at midnight. */
function midnightAt(timeZone: string, wall: number): number {
  const offset = offsetMsAt(timeZone, wall - offsetMsAt(timeZone, wall));
  return wall - offset;
}

function ceilTo(instant: number, stepMs: number): number {
  return Math.ceil(instant / stepMs) * stepMs;
}

type Values<Value> = readonly (Value | null)[];

/**
 * Puts columns onto an axis that holds all their starts; points without a row become null.
 * @param starts of the rows, ascending.
 */
export function layOut<Column extends string, Value>(
  columns: Readonly<Record<Column, Values<Value>>>,
  starts: readonly number[],
  axis: readonly number[],
): Readonly<Record<Column, Values<Value>>> {
  // As many rows as points: nothing is missing, which is how most series are.
  if (starts.length === axis.length) return columns;
  const rows = rowOfPoint(starts, axis);
  const spread = (values: Values<Value>): Values<Value> => rows.map((row) => (row < 0 ? null : (values[row] ?? null)));
  const entries = Object.entries<Values<Value>>(columns).map(([name, values]) => [name, spread(values)]);
  return Object.fromEntries(entries);
}

/** For each point the place of its row, −1 where it has none. */
function rowOfPoint(starts: readonly number[], axis: readonly number[]): number[] {
  let row = 0;
  const rows = axis.map((start) => (starts[row] === start ? row++ : -1));
  if (row < starts.length) throw new RangeError(`no point starts at ${starts[row]}, where a row does`);
  return rows;
}
