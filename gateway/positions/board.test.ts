import { beforeEach, expect, test } from 'vitest';
import { MARK_RUNS } from '../../domain/mark-price.ts';
import { tick } from '../../tests/support/live.ts';
import { positionEvent } from '../../tests/support/trading-events.ts';
import { Board, type Seat } from './board.ts';
import { standingFrom } from './board-life.ts';

const NOW = Date.UTC(2026, 0, 1, 1);

let board: Board<string>;

beforeEach(() => {
  board = new Board({ runs: MARK_RUNS, clock: () => NOW });
  board.enter(['PJM:A', 'PJM:B']);
  for (let account = 0; account < 3; account++) place(`desk-${account}`, 'PJM:A');
  place('desk-0', 'PJM:B');
});

/** Of what each watcher is told, in order. */
class Changes extends Map<string, Seat[]> {
  readonly tell = (watcher: string, seat: Seat) => void this.set(watcher, [...(this.get(watcher) ?? []), seat]);
}

function place(account: string, node: string, seq = 1): Changes {
  const changes = new Changes();
  board.place(standingFrom(positionEvent(seq, 10, { account, node })), changes.tell);
  return changes;
}

function price(node: string, lmp: number): Changes {
  const changes = new Changes();
  board.price(tick(node, lmp, { startAt: NOW - 60_000 + lmp }), changes.tell);
  return changes;
}

const said = (changes: Changes) =>
  Object.fromEntries([...changes].map(([watcher, seats]) => [watcher, seats.map(({ marked }) => marked.account)]));

test('a price concerns the watched positions of its node only', () => {
  board.watch({ account: 'desk-1' }, 'one');
  board.watch({}, 'all');
  expect(said(price('PJM:A', 31))).toEqual({ one: ['desk-1'], all: ['desk-1', 'desk-0', 'desk-2'] });
  expect(said(price('PJM:B', 31))).toEqual({ all: ['desk-0'] });
  expect(said(price('PJM:C', 31))).toEqual({});
});

test('a new position is watched by those who asked for what it is', () => {
  board.watch({ account: 'desk-9' }, 'account');
  board.watch({ node: 'PJM:B' }, 'node');
  board.watch({ account: 'desk-9', node: 'PJM:A' }, 'other');
  expect(said(place('desk-9', 'PJM:B'))).toEqual({ account: ['desk-9'], node: ['desk-9'] });
  expect(said(price('PJM:B', 31))).toEqual({ account: ['desk-9'], node: ['desk-0', 'desk-9'] });
});

test('nothing is done for a watcher that has left', () => {
  const leave = board.watch({ node: 'PJM:A' }, 'node');
  expect(price('PJM:A', 31).size).toBe(1);
  leave();
  expect(price('PJM:A', 32).size).toBe(0);
  expect(place('desk-0', 'PJM:A', 2).size).toBe(0);
  expect(place('desk-9', 'PJM:A').size).toBe(0);
});

test('watchers are told of the same mark, which is calculated when the first of them takes it', () => {
  board.watch({ account: 'desk-1' }, 'one');
  board.watch({ node: 'PJM:A' }, 'other');
  const changes = price('PJM:A', 31);
  const mark = changes.get('one')?.[0]?.marked;
  expect(mark).toBeDefined();
  expect(changes.get('other')?.map(({ marked }) => marked)).toContain(mark);
  expect(mark?.row).toBe(board.select({ account: 'desk-1', node: 'PJM:A' })[0]?.row);
});

test('a position at a node that was not entered is a mistake of whoever places it', () => {
  expect(() => place('desk-1', 'PJM:Z')).toThrow(TypeError);
});
