import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { positionEvent } from '../../tests/support/trading-events.ts';
import { DueQueue } from '../live/due-queue.ts';
import type { Seat } from './board.ts';
import { standingFrom } from './board-life.ts';
import { type BoardUpdate, MarkedPosition } from './marked-position.ts';
import { heldPosition } from './position-row.ts';
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
  const standing = standingFrom(positionEvent(1, 10, { node }));
  return new MarkedPosition(standing, undefined, heldPosition(standing));
}

function change(cursor: string, node: string, byPrice: boolean): void {
  const seat = seats.get(node);
  if (seat) pacer.changed(seat, byPrice);
  pacer.passed(cursor);
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

test('a change by a trade never waits, and what a price changed does all the same', () => {
  first('1', 'PJM:A');
  change('2', 'PJM:A', true);
  change('3', 'PJM:B', false);
  expect(said()).toEqual([
    ['1', 'PJM:A'],
    ['3', 'PJM:B'],
  ]);
  vi.advanceTimersByTime(PRICE_SPACING_MS - 1);
  expect(told).toHaveLength(2);
  vi.advanceTimersByTime(2);
  expect(said().at(-1)).toEqual(['3', 'PJM:A']);
});

test('trades without a pause keep no price back', () => {
  first('1', 'PJM:A');
  for (let at = 2; at < 14; at++) {
    change(`price ${at}`, 'PJM:A', true);
    vi.advanceTimersByTime(PRICE_SPACING_MS / 5);
    change(`trade ${at}`, 'PJM:B', false);
  }
  const showing = (wanted: string) => told.filter(({ positions }) => positions.some(({ node }) => node === wanted));
  expect(showing('PJM:A')).toHaveLength(3);
  expect(showing('PJM:B')).toHaveLength(12);
});

test('a trade at a position that a price changed tells both, and leaves nothing to wait for', () => {
  first('1', 'PJM:A');
  change('2', 'PJM:A', true);
  change('3', 'PJM:A', false);
  expect(said().at(-1)).toEqual(['3', 'PJM:A']);
  vi.advanceTimersByTime(2 * PRICE_SPACING_MS);
  expect(told).toHaveLength(2);
});

test('a trade takes along what prices changed where that is due', () => {
  vi.advanceTimersByTime(PRICE_SPACING_MS);
  const seat = seats.get('PJM:A');
  if (seat) pacer.changed(seat, true);
  change('1', 'PJM:B', false);
  expect(said()).toEqual([['1', 'PJM:A', 'PJM:B']]);
});

test('what waits for one that has left is told to nobody', () => {
  first('1', 'PJM:A');
  change('2', 'PJM:A', true);
  pacer.stop();
  vi.advanceTimersByTime(2 * PRICE_SPACING_MS);
  expect(told).toHaveLength(1);
});
