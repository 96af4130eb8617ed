import { instantsAt } from '../../../domain/calendar.ts';
import { EASTERN } from './reports.ts';

/**
 * Where time stamps stand in time. NYISO writes Eastern wall time without a zone (`MM/DD/YYYY HH:MM[:SS]`), so that the
 * hour that is repeated in autumn comes twice under the same stamps: only the order of a node's rows within the file
 * tells the two apart. A file that holds the hour once, or in no clear order, does not tell.
 */
export interface Stamped {
  readonly stamp: string;
  readonly name: string;
}

export interface PlacedStamp {
  /** Milliseconds UTC; of an ambiguous one the earlier. Undefined where there is no such time. */
  readonly at: number | undefined;
  /** One of two instants, and the file does not tell which. */
  readonly isAmbiguous: boolean;
}

const STAMP = /^(\d{1,2})\/(\d{1,2})\/(\d{4}) (\d{1,2}):(\d{2})(?::(\d{2}))?$/;
const NO_SUCH_TIME: PlacedStamp = { at: undefined, isAmbiguous: false };

/** @param rows all rows of one file, in its order. */
export function placeStamps(rows: readonly Stamped[]): readonly PlacedStamp[] {
  const instantsOf = rememberedInstants();
  const repeated = new Map<string, { readonly at: number; readonly instants: readonly PlacedStamp[] }[]>();
  const placed = rows.map(({ stamp, name }, at): PlacedStamp => {
    const instants = instantsOf(stamp);
    const [first = NO_SUCH_TIME, second] = instants;
    if (second === undefined) return first;
    repeated.set(name, [...(repeated.get(name) ?? []), { at, instants }]);
    return { ...first, isAmbiguous: true };
  });
  for (const stamps of repeated.values()) {
    const passes = passesOf(stamps.map(({ instants }) => instants[0]?.at ?? 0));
    stamps.forEach(({ at, instants }, i) => {
      const sure = instants[passes?.[i] ?? -1];
      if (sure) placed[at] = sure;
    });
  }
  return placed;
}

/**
 * For each of a node's stamps in the repeated hour whether it is of the hour's first pass (0) or its second (1): where they
 * turn back once, the second pass begins; where each comes exactly twice, the first of them is the earlier.
 * @returns undefined where neither is so.
 */
function passesOf(times: readonly number[]): readonly number[] | undefined {
  let turns = 0;
  const byTurn = times.map((time, i) => {
    if (time < (times[i - 1] ?? time)) turns += 1;
    return turns;
  });
  if (turns === 1) return byTurn;
  const seen = new Map<number, number>();
  const byOccurrence = times.map((time) => {
    const before = seen.get(time) ?? 0;
    seen.set(time, before + 1);
    return before;
  });
  return [...seen.values()].every((count) => count === 2) ? byOccurrence : undefined;
}

/** A file has some 300 stamps, each hundreds of times. */
function rememberedInstants(): (stamp: string) => readonly PlacedStamp[] {
  const known = new Map<string, readonly PlacedStamp[]>();
  return (stamp) => {
    const found = known.get(stamp) ?? instantsOfStamp(stamp).map((at) => ({ at, isAmbiguous: false }));
    known.set(stamp, found);
    return found;
  };
}

function instantsOfStamp(stamp: string): readonly number[] {
  const parts = STAMP.exec(stamp);
  if (!parts) return [];
  const [month = 0, day = 0, year = 0, hour = 0, minute = 0, second = 0] = parts
    .slice(1)
    .map((part) => Number(part ?? 0));
  return instantsAt(EASTERN, { year, month, day, hour, minute, second });
}
