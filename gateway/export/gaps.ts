import type { Axis } from '../reads/series-axis.ts';
import type { Row } from './columns.ts';
import { PAGE_ROWS } from './snapshot.ts';

/**
 * Lays rows out on an axis as they come: points without a row become rows of nulls, as series show them.
 * @param pages of rows whose first cell is their start, ascending.
 * @param width cells of a row.
 * @param now milliseconds UTC: where the future begins, which is not a gap.
 */
export async function* withGaps(
  pages: AsyncIterable<readonly Row[]>,
  axis: Axis,
  width: number,
  now: number,
): AsyncGenerator<readonly Row[]> {
  const gap = (start: number | undefined): Row => [String(start), ...Array<null>(width - 1).fill(null)];
  // Every point of the range, whatever the time; how far the axis goes is known after the last row.
  const starts = axis.starts(Number.POSITIVE_INFINITY, undefined);
  let place = 0;
  let lastAt: number | undefined;
  let laid: Row[] = [];
  for await (const page of pages) {
    for (const row of page) {
      lastAt = Number(row[0]);
      for (; place < starts.length && (starts[place] ?? lastAt) < lastAt; place++) {
        laid.push(gap(starts[place]));
        if (laid.length >= PAGE_ROWS) {
          yield laid;
          laid = [];
        }
      }
      if (starts[place++] !== lastAt) throw new RangeError(`no point starts at ${lastAt}, where a row does`);
      laid.push(row);
    }
    yield laid;
    laid = [];
  }
  const end = axis.starts(now, lastAt).length;
  for (; place < end; place += PAGE_ROWS) yield starts.slice(place, Math.min(end, place + PAGE_ROWS)).map(gap);
}
