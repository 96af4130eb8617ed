import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { positionEvent } from '../../tests/support/trading-events.ts';
import { DueQueue } from '../live/due-queue.ts';
import type { Seat } from './board.ts';
import { standingFrom } from './board-life.ts';
import { type BoardUpdate, MarkedPosition } from './marked-position.ts';
import { PRICE_SPACING_MS, PricePace } from './price-pace.ts';
import { PricePacer } from './price-pacer.ts';

let told: BoardUpdate[];
let pacer: PricePacer;
let seats: Map<string, Seat>;
const onDropped = vi.fn();

beforeEach(() => {
  vi.useFakeTimers();
  told = [];
  onDropped.mockClear();
  seats = new Map(['PJM:A', 'PJM:B'].map((node) => [node, { marked: marked(node) }]));
  pacer = new PricePacer((update) => told.push(update), { due: new DueQueue(), pace: new PricePace(), onDropped });
});
afterEach(() => {
  pacer.stop();
  vi.useRealTimers();
});

function marked(node: string): MarkedPosition {
  return new MarkedPosition(standingFrom(positionEvent(1, 10, { node })), undefined);
}

function change(cursor: string, node: string, byPrice: boolean): void {
  const seat = seats.get(node);
  if (seat) pacer.changed(seat);
  pacer.passed(cursor, byPrice);
}

/** After a rest it is due at once, and served when whatever else waits had its turn. */
function first(cursor: string, node: string): void {
  change(cursor, node, true);
  expect(told).toHaveLength(0);
  vi.advanceTimersByTime(0);
  expect(told).toHaveLength(1);
}

const said = () => told.map(({ cursor, positions }) => [cursor, ...positions.map(({ node }) => node)]);

test('the first change by a price passes in its turn, those after it together when it is time', () => {
  first('1', 'PJM:A');
  change('2', 'PJM:A', true);
  change('3', 'PJM:B', true);
  change('4', 'PJM:A', true);
  vi.advanceTimersByTime(PRICE_SPACING_MS - 1);
  expect(said()).toEqual([['1', 'PJM:A']]);
  vi.advanceTimersByTime(2);
  expect(said()).toEqual([
    ['1', 'PJM:A'],
    ['4', 'PJM:A', 'PJM:B'],
  ]);
  expect(onDropped).toHaveBeenCalledTimes(1);
});

test('a change by a trade never waits, and takes along what does', () => {
  first('1', 'PJM:A');
  change('2', 'PJM:A', true);
  change('3', 'PJM:B', false);
  expect(said()).toEqual([
    ['1', 'PJM:A'],
    ['3', 'PJM:A', 'PJM:B'],
  ]);
  vi.advanceTimersByTime(2 * PRICE_SPACING_MS);
  expect(told).toHaveLength(2);
});

test('what waits for one that has left is told to nobody', () => {
  first('1', 'PJM:A');
  change('2', 'PJM:A', true);
  pacer.stop();
  vi.advanceTimersByTime(2 * PRICE_SPACING_MS);
  expect(told).toHaveLength(1);
});
