import { describe, expect, it } from 'vitest';
import type { Gap } from './completeness.ts';
import { INTERVALS_BETWEEN_MAX, windowsFrom } from './repair.ts';

const FIVE_MIN = 300_000;
const HOUR = 3_600_000;

/** A gap by the places of its intervals: `[from, to)`. */
function gap(node: string, from: number, to: number, { partition = 'RT', lengthMs = FIVE_MIN } = {}): Gap {
  const run = 'REAL_TIME_5_MIN';
  return { partition, run, node, from: from * lengthMs, to: to * lengthMs, intervals: to - from };
}

const shown = (gaps: readonly Gap[], lengthMs = FIVE_MIN) =>
  windowsFrom(gaps).map(({ from, to, partitions, nodes }) => [
    partitions?.join(),
    nodes?.join(),
    from / lengthMs,
    to / lengthMs,
  ]);

describe('the windows of a repair', () => {
  it('are the gaps, those that nodes share as one', () => {
    expect(shown([gap('A', 0, 2), gap('A', 100, 101), gap('B', 0, 2)])).toEqual([
      ['RT', 'A,B', 0, 2],
      ['RT', 'A', 100, 101],
    ]);
  });

  it('join gaps of a node that have few intervals between them', () => {
    const to = 1 + INTERVALS_BETWEEN_MAX;
    expect(shown([gap('A', 0, 1), gap('A', to, to + 1)])).toEqual([['RT', 'A', 0, to + 1]]);
    expect(shown([gap('A', 0, 1), gap('A', to + 1, to + 2)])).toHaveLength(2);
  });

  it('count what lies between in the intervals of the run, not in time', () => {
    const hourly = [gap('A', 0, 2, { lengthMs: HOUR }), gap('A', 26, 29, { lengthMs: HOUR })];
    expect(shown(hourly, HOUR)).toEqual([['RT', 'A', 0, 29]]);
  });

  it('are one where a feed missed every other interval', () => {
    const everyOther = Array.from({ length: 500 }, (_, place) => gap('A', 2 * place, 2 * place + 1));
    expect(shown(everyOther)).toEqual([['RT', 'A', 0, 999]]);
  });

  it('join nothing of different nodes or partitions', () => {
    expect(shown([gap('A', 0, 1), gap('A', 3, 4, { partition: 'DA' }), gap('B', 2, 3)])).toEqual([
      ['RT', 'A', 0, 1],
      ['DA', 'A', 3, 4],
      ['RT', 'B', 2, 3],
    ]);
  });
});
