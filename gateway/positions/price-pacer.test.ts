import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { positionEvent } from '../../tests/support/trading-events.ts';
import { DueQueue } from '../live/due-queue.ts';
import { standingFrom } from './board-life.ts';
import { type BoardUpdate, MarkedPosition } from './marked-position.ts';
import { PRICE_SPACING_MS, PricePacer } from './price-pacer.ts';

let told: BoardUpdate[];
let pacer: PricePacer;
const onDropped = vi.fn();

beforeEach(() => {
  vi.useFakeTimers();
  told = [];
  onDropped.mockClear();
  pacer = new PricePacer({ receive: (update) => told.push(update) }, new DueQueue(), onDropped);
});
afterEach(() => {
  pacer.stop();
  vi.useRealTimers();
});

function change(cursor: string, node: string, byPrice: boolean): BoardUpdate {
  const standing = standingFrom(positionEvent(1, 10, { node }));
  return { cursor, positions: [new MarkedPosition(standing, undefined)], byPrice };
}

/** After a rest it is due at once, and served when whatever else waits had its turn. */
function first(update: BoardUpdate): void {
  pacer.receive(update);
  expect(told).toHaveLength(0);
  vi.advanceTimersByTime(0);
  expect(told).toHaveLength(1);
}

const said = () => told.map(({ cursor, positions }) => [cursor, ...positions.map(({ node }) => node)]);

test('the first change by a price passes in its turn, those after it together when it is time', () => {
  first(change('1', 'PJM:A', true));
  pacer.receive(change('2', 'PJM:A', true));
  pacer.receive(change('3', 'PJM:B', true));
  pacer.receive(change('4', 'PJM:A', true));
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
  first(change('1', 'PJM:A', true));
  pacer.receive(change('2', 'PJM:A', true));
  pacer.receive(change('3', 'PJM:B', false));
  expect(said()).toEqual([
    ['1', 'PJM:A'],
    ['3', 'PJM:A', 'PJM:B'],
  ]);
  vi.advanceTimersByTime(2 * PRICE_SPACING_MS);
  expect(told).toHaveLength(2);
});

test('what waits for one that has left is told to nobody', () => {
  first(change('1', 'PJM:A', true));
  pacer.receive(change('2', 'PJM:A', true));
  pacer.stop();
  vi.advanceTimersByTime(2 * PRICE_SPACING_MS);
  expect(told).toHaveLength(1);
});
