import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { HOUR_MS, MINUTE_MS } from '../../domain/instant.ts';
import { MARK_RUNS, markableStarts, markPriceOf } from '../../domain/mark-price.ts';
import type { MarketRun } from '../../domain/market-run.ts';
import { tick } from '../../tests/support/live.ts';
import { positionEvent } from '../../tests/support/trading-events.ts';
import { Board, type Seat } from './board.ts';
import { standingFrom } from './board-life.ts';
import type { NodePrice } from './positions-source.ts';
import { PRICES_AHEAD_MAX } from './prices-ahead.ts';

const NOW = Date.UTC(2026, 0, 1, 1);

let board: Board<string>;
let now: number;

beforeEach(() => {
  now = NOW;
  board = new Board({ runs: MARK_RUNS, clock: () => now });
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
  board.prices([tick(node, lmp, { startAt: NOW - 60_000 + lmp })], changes.tell);
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

describe('prices that begin more than an hour ahead', () => {
  const spot = (lmp: number, startAt: number) => {
    const changes = new Changes();
    board.prices([tick('PJM:A', lmp, { run: 'SPOT', startAt })], changes.tell);
    return changes;
  };
  const price = () => board.select({ account: 'desk-1' })[0]?.price?.lmp;

  test('mark from an hour before they begin, for whoever looks and whoever watches', () => {
    board.watch({ account: 'desk-1' }, 'one');
    spot(31, now);
    expect(said(spot(500, now + 2 * HOUR_MS))).toEqual({});
    now += HOUR_MS - 1;
    expect(said(spot(32, now))).toEqual({ one: ['desk-1'] });
    expect(price()).toBe(32);
    now += 1;
    expect(price()).toBe(500);
    // Older than the one that has become due, of which nobody was told.
    expect(said(spot(33, now))).toEqual({ one: ['desk-1'] });
    expect(said(spot(34, now + 1))).toEqual({});
    now += HOUR_MS + 1;
    expect(said(spot(35, now))).toEqual({ one: ['desk-1'] });
    expect(price()).toBe(35);
  });

  test('are told with a price of another run as well', () => {
    board.watch({ account: 'desk-1' }, 'one');
    spot(31, now);
    spot(40, now + 2 * HOUR_MS);
    now += HOUR_MS;
    const changes = new Changes();
    board.prices([tick('PJM:A', 1, { run: 'DAY_AHEAD_HOURLY', startAt: now })], changes.tell);
    expect(said(changes)).toEqual({ one: ['desk-1'] });
    expect(price()).toBe(40);
  });

  test('mark by their highest revision', () => {
    const startAt = now + 2 * HOUR_MS;
    for (const [lmp, revision] of [
      [40, 2],
      [41, 3],
      [39, 1],
    ] as const) {
      board.prices([tick('PJM:A', lmp, { run: 'SPOT', startAt, revision })], () => undefined);
    }
    now += HOUR_MS;
    expect(price()).toBe(41);
  });

  test('one by one become the mark, hours of a day-ahead run too', () => {
    board = new Board({ runs: ['DAY_AHEAD_HOURLY'], clock: () => now });
    board.enter(['PJM:A']);
    place('desk-1', 'PJM:A');
    const hours = Array.from({ length: 48 }, (_, hour) =>
      tick('PJM:A', hour, { run: 'DAY_AHEAD_HOURLY', startAt: NOW + (10 + hour) * HOUR_MS }),
    );
    board.prices(hours, () => undefined);
    expect(price()).toBeUndefined();
    for (let hour = 0; hour < 48; hour++) {
      now = NOW + (9 + hour) * HOUR_MS;
      expect(price()).toBe(hour);
    }
    expect(board.takeShort()).toEqual([]);
  });
});

describe('however prices, answers of the store and the clock fall', () => {
  const RUNS: readonly MarketRun[] = ['SPOT', 'DAY_AHEAD_HOURLY'];
  const step = fc.record({
    run: fc.constantFrom(...RUNS, 'REAL_TIME_5_MIN' as const),
    startsInMinutes: fc.integer({ min: -90, max: 49 * 60 }),
    /** Of so many prices, a minute after each other. */
    length: fc.constantFrom(0, 0, 1, 1, 1, 3, 60, 300),
    minutes: fc.constantFrom(0, 0, 0, 1, 5, 15, 60, 90, 600),
    isAnswered: fc.boolean(),
  });

  test('positions are marked as a question to the store marks them', () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 5, maxLength: 40 }), (steps) => {
        now = NOW;
        board = new Board({ runs: RUNS, clock: () => now });
        board.enter(['PJM:A']);
        place('desk', 'PJM:A');
        const store = new Map<string, NodePrice>();
        let answers: NodePrice[][] = [];
        /** An answer says what was so when it was asked for, however late it comes. */
        const look = () => {
          const mark = board.select({})[0]?.price;
          if (board.takeShort().length > 0) answers.push(answerOf([...store.values()]));
          return mark;
        };
        const answer = () => {
          const late = answers;
          answers = [];
          for (const each of late) board.prices(each, () => undefined);
        };
        for (const { run, startsInMinutes, length, minutes, isAnswered } of steps) {
          for (let each = 0; each < length; each++) {
            const startAt = now + (startsInMinutes + each) * MINUTE_MS;
            const key = `${run} ${startAt}`;
            const price = tick('PJM:A', each, { run, startAt, revision: (store.get(key)?.revision ?? 0) + 1 });
            store.set(key, price);
            board.prices([price], () => undefined);
          }
          look();
          now += minutes * MINUTE_MS;
          if (!isAnswered) continue;
          do answer();
          while (look() && answers.length > 0);
          expect(look()).toEqual(markPriceOf(store.values(), RUNS, now));
        }
      }),
      { numRuns: 200 },
    );
  });

  /** As `PositionsSource` says it. */
  function answerOf(prices: NodePrice[]): NodePrice[] {
    const { upTo } = markableStarts(now);
    return RUNS.flatMap((run) => {
      const ofRun = prices.filter((price) => price.run === run).sort((one, other) => one.startAt - other.startAt);
      const ahead = ofRun.filter(({ startAt }) => startAt > upTo).slice(0, PRICES_AHEAD_MAX + 1);
      return [...ofRun.filter(({ startAt }) => startAt <= upTo).slice(-1), ...ahead];
    });
  }
});
