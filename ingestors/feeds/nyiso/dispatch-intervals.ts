import { startOfDay } from '../../../domain/calendar.ts';
import { MINUTE_MS } from '../../../domain/instant.ts';
import { EASTERN } from './reports.ts';

/**
 * The intervals of the real-time dispatch, whose stamps name their ends. Most are 5 minutes long; a dispatch out of turn
 * (`04:04:18`) closes the interval that is open and opens the next, so that an interval begins where the one before it
 * ended, but no more than 5 minutes before its own end: what did not come is a gap.
 */
const DISPATCH_MS = 5 * MINUTE_MS;

/** The look-ahead of the real-time commitment. */
const COMMITMENT_MS = 15 * MINUTE_MS;

/**
 * Where the interval that ends at each stamp of a file begins, milliseconds UTC.
 *
 * The file of a day that is under way ends with rows that are no dispatch: the look-ahead of the real-time commitment, every
 * quarter of an hour from the next one on. They are told by that step and left out, with the quarter hour they begin at,
 * which may be of either kind: as soon as it has been dispatched the next interval follows after 5 minutes. Without a dispatch
 * before them nothing tells them: such rows are read as dispatch, and the next file corrects those that were none.
 * @param stamps of all rows, in any order.
 */
export function dispatchStarts(stamps: Iterable<number>): ReadonlyMap<number, number> {
  const ends = [...new Set(stamps)].sort((a, b) => a - b);
  return new Map(
    ends.slice(0, lookAheadAt(ends)).map((end, i) => {
      // The last interval of the day before is in the file of that day.
      const before = ends[i - 1] ?? startOfDay(EASTERN, end - 1);
      return [end, Math.max(before, end - DISPATCH_MS)];
    }),
  );
}

/** The place of the first stamp that may be look-ahead; their number where none is. */
function lookAheadAt(ends: readonly number[]): number {
  let first = ends.length - 1;
  while (first > 0 && stepTo(ends, first) === COMMITMENT_MS) first -= 1;
  const isLookAhead = first > 0 && first < ends.length - 1 && (ends[first] ?? 0) % COMMITMENT_MS === 0;
  return isLookAhead ? first : ends.length;
}

function stepTo(ends: readonly number[], place: number): number {
  return (ends[place] ?? 0) - (ends[place - 1] ?? 0);
}
