import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { MARK_AGE_MS_MAX, MARK_RUNS, markPriceOf } from '../../domain/mark-price.ts';
import { createHealth } from '../../runtime/health.ts';
import type { LiveBus, LmpTick, PositionEvent } from '../../runtime/live-bus/live-bus.ts';
import { createMetrics } from '../../runtime/metrics.ts';
import type { Delivery } from '../../schema/question.ts';
import type { PnlUpdate, PositionFilter, PositionRow } from '../../schema/trading-rows.ts';
import { breakable } from '../../tests/support/breakable-bus.ts';
import { ringBus, silent, tick } from '../../tests/support/live.ts';
import { positionEvent } from '../../tests/support/trading-events.ts';
import { createLiveHub, type LiveHub } from '../live/hub.ts';
import { standingFrom } from './board-life.ts';
import { positionRow, type StandingPosition } from './position-row.ts';
import type { NodePrice, PositionsSource } from './positions-source.ts';
import { PRICES_AHEAD_MAX } from './prices-ahead.ts';

const NOW = Date.UTC(2026, 0, 1, 1);
const START = NOW - 600_000;

/** What is committed, and how it is announced. A question to it can be held, and it can be away. */
class Store implements PositionsSource {
  readonly committed = new Map<string, StandingPosition>();
  readonly newest = new Map<string, NodePrice>();
  readonly asked: string[][] = [];
  loads = 0;
  readonly #bus: LiveBus;
  #sequence = 0;
  #held: (() => void)[] | undefined;
  away = false;

  constructor(bus: LiveBus) {
    this.#bus = bus;
  }

  async positions(): Promise<readonly StandingPosition[]> {
    this.loads += 1;
    return this.#answer([...this.committed.values()]);
  }

  async prices(nodes: readonly string[]): Promise<readonly NodePrice[]> {
    this.asked.push([...nodes]);
    return this.#answer([...this.newest.values()].filter(({ node }) => nodes.includes(node)));
  }

  commitPosition(event: PositionEvent): void {
    this.committed.set(`${event.account} ${event.node}`, standingFrom(event));
  }

  commitPrice(price: LmpTick): void {
    this.newest.set(`${price.node} ${price.run}`, price);
  }

  async announcePositions(...events: readonly PositionEvent[]): Promise<void> {
    await this.#bus.announce('positions', { source: 'trades/0', sequence: ++this.#sequence, batches: [events] });
  }

  async announcePrices(...events: readonly LmpTick[]): Promise<void> {
    await this.#bus.announce('lmp', { source: 'prices/0', sequence: ++this.#sequence, batches: [events] });
  }

  async position(...events: readonly PositionEvent[]): Promise<void> {
    for (const each of events) this.commitPosition(each);
    await this.announcePositions(...events);
  }

  async price(...events: readonly LmpTick[]): Promise<void> {
    for (const each of events) this.commitPrice(each);
    await this.announcePrices(...events);
  }

  /** From here on answers wait, with what was true when they were asked. */
  hold(): void {
    this.#held ??= [];
  }

  release(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const go of held) go();
  }

  async #answer<Rows>(rows: Rows): Promise<Rows> {
    const held = this.#held;
    if (held) await new Promise<void>((go) => held.push(go));
    if (this.away) throw new Error('connect ECONNREFUSED');
    return rows;
  }
}

let bus: LiveBus;
let store: Store;
let hub: LiveHub;
let metrics: ReturnType<typeof createMetrics>;
let health: ReturnType<typeof createHealth>;

beforeEach(() => {
  bus = ringBus();
  store = new Store(bus);
});
afterEach(async () => {
  await hub.close();
  await bus.close();
});

async function start({ on = bus, runs = MARK_RUNS, clock = () => NOW } = {}): Promise<void> {
  metrics = createMetrics();
  health = createHealth();
  const bounds = { entriesMax: 8, eventsMax: 40 };
  hub = createLiveHub({ bus: on, log: silent, metrics, health, bounds, source: store, runs, clock });
  await hub.ready;
  await settled();
}

/** Lets everything that was announced reach whoever subscribed. */
async function settled(): Promise<void> {
  for (let each = 0; each < 20; each++) await turn();
}

function subscribe(filter: PositionFilter = {}, delivery: Delivery = 'LATEST', after?: string) {
  return hub.pnl(filter, delivery, after)[Symbol.asyncIterator]();
}

async function next(updates: AsyncIterator<PnlUpdate>): Promise<PnlUpdate> {
  const { value, done } = await updates.next();
  if (done) throw new Error('the subscription ended');
  return value;
}

/** What waits, without waiting for more. */
async function waiting(updates: AsyncIterator<PnlUpdate>): Promise<readonly PositionRow[] | undefined> {
  await settled();
  const pending = updates.next();
  const first = await Promise.race([pending, settled().then(() => undefined)]);
  await updates.return?.();
  return first?.value?.positions;
}

const said = ({ positions }: PnlUpdate) =>
  positions.map(({ account, node, seq, last, unrealizedPnl }) => [account, node, seq, last?.price, unrealizedPnl]);

/** A spot price of so many minutes past `START`. */
const spot = (lmp: number, minute = 0, changes: Partial<LmpTick> = {}) =>
  tick('PJM:A', lmp, { run: 'SPOT', startAt: START + minute * 60_000, endAt: START + minute * 60_000, ...changes });

describe('a subscription to positions', () => {
  test('begins with one event of all its positions, by account and node, marked at the prices of the store', async () => {
    store.commitPosition(positionEvent(3, 10, { account: 'desk-2' }));
    store.commitPosition(positionEvent(1, -5, { node: 'PJM:B' }));
    store.commitPosition(positionEvent(2, 10));
    store.commitPrice(spot(31.5));
    await start();
    expect(said(await next(subscribe()))).toEqual([
      ['desk-1', 'PJM:A', 2, '31.5', '15'],
      ['desk-1', 'PJM:B', 1, undefined, null],
      ['desk-2', 'PJM:A', 3, '31.5', '15'],
    ]);
    expect(said(await next(subscribe({ account: 'desk-1' })))).toHaveLength(2);
    expect(said(await next(subscribe({ node: 'PJM:A' })))).toHaveLength(2);
    expect(said(await next(subscribe({ account: 'desk-1', node: 'PJM:B' })))).toHaveLength(1);
  });

  test('begins with an empty event where there is none yet, with the cursor of where it begins', async () => {
    await start();
    expect(await next(subscribe({ account: 'nobody' }))).toEqual({
      cursor: await bus.tail('positions'),
      positions: [],
    });
  });

  test('is told what a trade made of its position, with the entry’s id as the cursor, and nothing of others', async () => {
    store.commitPosition(positionEvent(1, 10));
    store.commitPrice(spot(31));
    await start();
    const updates = subscribe({ account: 'desk-1' });
    await next(updates);
    await store.position(positionEvent(1, 99, { account: 'desk-2' }));
    await store.position(positionEvent(2, 20));
    const update = await next(updates);
    expect(said(update)).toEqual([['desk-1', 'PJM:A', 2, '31', '20']]);
    expect(update.cursor).toBe(await bus.tail('positions'));
  });

  test('is told of each position that a trade left and came to when it was amended to another account', async () => {
    store.commitPosition(positionEvent(1, 10));
    await start();
    const updates = subscribe();
    await next(updates);
    await store.position(positionEvent(2, 0), positionEvent(1, 10, { account: 'desk-9' }));
    expect(said(await next(updates)).map(([account, , seq]) => [account, seq])).toEqual([
      ['desk-1', 2],
      ['desk-9', 1],
    ]);
  });

  test('takes the highest `seq`, in whatever order they come, and each once', async () => {
    await start();
    const updates = subscribe({}, 'EVERY');
    await next(updates);
    await store.position(positionEvent(7, 70));
    await store.announcePositions(positionEvent(6, 60), positionEvent(7, 70));
    expect((await waiting(updates))?.map(({ seq }) => seq)).toEqual([7]);
  });

  test('waits, where the board is still loading, for how things stand then', async () => {
    store.commitPosition(positionEvent(1, 10));
    store.hold();
    await start();
    const pending = next(subscribe());
    await settled();
    store.release();
    expect(said(await pending)).toHaveLength(1);
  });

  test('misses nothing that is committed while the board is loading', async () => {
    store.hold();
    await start();
    await store.position(positionEvent(1, 10));
    await settled();
    store.release();
    await settled();
    expect(said(await next(subscribe()))).toHaveLength(1);
  });

  test('is refused where it would be of more positions than one answer may hold', async () => {
    for (let account = 0; account <= 100_000; account++) {
      store.committed.set(`${account}`, standingFrom(positionEvent(1, 0, { account: `${account}` })));
    }
    await start();
    await expect(subscribe().next()).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED', details: { limit: 'positions' } });
    expect(said(await next(subscribe({ account: '7' })))).toHaveLength(1);
  });
});

describe('a price', () => {
  beforeEach(async () => {
    store.commitPosition(positionEvent(1, 10));
    store.commitPosition(positionEvent(1, 10, { node: 'PJM:B' }));
    store.commitPrice(spot(30));
    await start();
  });

  test('marks the positions of its node again, no others, and says of when it is', async () => {
    const updates = subscribe();
    await next(updates);
    await store.price(spot(29.5, 5, { publishedAt: NOW }));
    const update = await next(updates);
    expect(said(update)).toEqual([['desk-1', 'PJM:A', 1, '29.5', '-5']]);
    expect(update.positions[0]?.asOf).toBe(NOW);
  });

  test('marks again where it corrects the present one, and not where it is older or was known', async () => {
    const updates = subscribe({}, 'EVERY');
    await next(updates);
    await store.price(spot(99, -1));
    await store.price(spot(30));
    await store.price(spot(28, 0, { revision: 2 }));
    await store.price(spot(27, 0, { revision: 1 }));
    expect((await waiting(updates))?.map(({ last }) => last?.price)).toEqual(['28']);
  });

  test('of a run that stands behind, or that does not mark, changes nothing', async () => {
    const updates = subscribe({}, 'EVERY');
    await next(updates);
    await store.price(spot(50, 5, { run: 'REAL_TIME_5_MIN' }), spot(60, 5, { run: 'DAY_AHEAD_HOURLY' }));
    expect(await waiting(updates)).toBeUndefined();
  });

  test('of a run that stands before takes over', async () => {
    await store.price(tick('PJM:B', 40, { run: 'REAL_TIME_HOURLY', startAt: START }));
    await settled();
    const updates = subscribe({ node: 'PJM:B' });
    expect(said(await next(updates))[0]?.[3]).toBe('40');
    await store.price(tick('PJM:B', 41, { run: 'REAL_TIME_5_MIN', startAt: START }));
    expect(said(await next(updates))[0]?.[3]).toBe('41');
  });

  test('that is older than 31 days no longer marks', async () => {
    await hub.close();
    let now = NOW;
    await start({ clock: () => now });
    expect(said(await next(subscribe({ node: 'PJM:A' })))[0]?.[3]).toBe('30');
    now = START + MARK_AGE_MS_MAX;
    expect(said(await next(subscribe({ node: 'PJM:A' })))[0]?.[3]).toBeUndefined();
  });
});

describe('a price that begins more than an hour ahead', () => {
  test('marks when its time has come, for who subscribes then and, with the next price, for who did before', async () => {
    let now = NOW;
    store.commitPosition(positionEvent(1, 10));
    store.commitPrice(spot(31));
    await start({ clock: () => now });
    const updates = subscribe({}, 'EVERY');
    await next(updates);
    await store.announcePrices(spot(500, 130));
    await settled();
    now += 90 * 60_000;
    await store.announcePrices(spot(37, 100));
    expect(said(await next(updates))[0]?.[3]).toBe('500');
    expect(said(await next(subscribe()))[0]?.[3]).toBe('500');
  });

  test('is asked for where more lie ahead than are kept', async () => {
    let now = NOW;
    store.commitPosition(positionEvent(1, 10));
    await start({ clock: () => now });
    const updates = subscribe({}, 'EVERY');
    await next(updates);
    const minutes = Array.from({ length: PRICES_AHEAD_MAX + 10 }, (_, place) => 120 + place);
    await store.announcePrices(...minutes.map((each) => spot(each, each)));
    store.commitPrice(spot(120 + PRICES_AHEAD_MAX + 9, 120 + PRICES_AHEAD_MAX + 9));
    await settled();
    now += 5 * 60 * 60_000;
    await store.announcePrices(tick('PJM:A', 1, { startAt: START }));
    expect(said(await next(updates))[0]?.[3]).toBe(String(119 + PRICES_AHEAD_MAX));
    expect(said(await next(updates))[0]?.[3]).toBe(String(129 + PRICES_AHEAD_MAX));
  });
});

describe('a position at a node that nobody held', () => {
  test('is marked at the price that the store has', async () => {
    store.commitPrice(spot(33));
    await start();
    const updates = subscribe();
    await next(updates);
    await store.position(positionEvent(1, 10));
    expect(said(await next(updates))).toEqual([['desk-1', 'PJM:A', 1, '33', '30']]);
    await store.position(positionEvent(2, 20));
    await next(updates);
    expect(store.asked).toEqual([['PJM:A']]);
  });

  test('misses no price that comes while the store is asked, and is not overtaken', async () => {
    store.commitPrice(spot(33));
    await start();
    const updates = subscribe({}, 'EVERY');
    await next(updates);
    store.hold();
    await store.position(positionEvent(1, 10));
    await store.position(positionEvent(2, 20));
    await settled();
    await store.price(spot(34, 5));
    await settled();
    store.release();
    expect((await waiting(updates))?.map(({ seq, last }) => [seq, last?.price])).toEqual([
      [1, '34'],
      [2, '34'],
    ]);
  });
});

describe('a subscriber that does not keep up', () => {
  beforeEach(async () => {
    store.commitPosition(positionEvent(1, 10));
    store.commitPosition(positionEvent(1, 10, { account: 'desk-2' }));
    await start();
  });

  test('LATEST gets each position once, as it stands when it is taken', async () => {
    const updates = subscribe();
    await next(updates);
    for (let minute = 0; minute < 100; minute++) await store.price(spot(minute, minute / 2));
    await store.position(positionEvent(2, 20));
    await settled();
    expect(said(await next(updates))).toEqual([['desk-1', 'PJM:A', 2, '99', '1380']]);
    expect(said(await next(updates))).toEqual([['desk-2', 'PJM:A', 1, '99', '690']]);
    expect(await waiting(updates)).toBeUndefined();
    expect((await metrics.conflatedTicks.get()).values[0]?.value).toBe(199);
  });

  test('EVERY gets each change in order', async () => {
    const updates = subscribe({ account: 'desk-1' }, 'EVERY');
    await next(updates);
    await store.price(spot(31, 1), spot(32, 2));
    await store.position(positionEvent(2, 20));
    await store.price(spot(33, 3));
    expect((await waiting(updates))?.map(({ seq, last }) => [seq, last?.price])).toEqual([
      [1, '31'],
      [1, '32'],
      [2, '32'],
      [2, '33'],
    ]);
  });

  test('EVERY ends with LIMIT_EXCEEDED behind its bounds, with its beginning whole', async () => {
    const updates = subscribe({}, 'EVERY');
    for (let minute = 0; minute < 20; minute++) await store.price(spot(minute, minute / 2));
    await settled();
    expect(said(await next(updates))).toHaveLength(2);
    expect(said(await next(updates))).toHaveLength(16);
    await expect(updates.next()).rejects.toMatchObject({
      code: 'LIMIT_EXCEEDED',
      details: { cursor: expect.any(String) },
    });
  });

  test('does not touch the others', async () => {
    const slow = subscribe({}, 'EVERY');
    const fast = subscribe({ account: 'desk-2' }, 'EVERY');
    await next(fast);
    for (let minute = 0; minute < 50; minute++) {
      await store.price(spot(minute, minute / 2));
      expect(said(await next(fast))[0]?.[3]).toBe(String(minute));
    }
    await slow.return?.();
  });
});

describe('a cursor of positions', () => {
  test('begins with how things stand, also where it is no longer kept', async () => {
    store.commitPosition(positionEvent(1, 10));
    await start();
    const { cursor } = await next(subscribe());
    expect(said(await next(subscribe({}, 'LATEST', cursor)))).toHaveLength(1);
    expect(said(await next(subscribe({}, 'EVERY', '0123456789ab-7')))).toHaveLength(1);
  });

  test('that is none is told so', async () => {
    await start();
    await expect(subscribe({}, 'LATEST', 'yesterday').next()).rejects.toMatchObject({ code: 'BAD_USER_INPUT' });
  });
});

describe('positions that cannot be followed', () => {
  const isLive = () => health.report().components['live positions']?.ok;

  test.each(['positions', 'lmp'] as const)(
    'end with UNAVAILABLE where %s are lost, and are loaded anew',
    async (channel) => {
      store.commitPosition(positionEvent(1, 10));
      const broken = breakable(bus, channel);
      await start({ on: broken.bus });
      const updates = subscribe();
      const { cursor } = await next(updates);
      broken.break();
      await expect(updates.next()).rejects.toMatchObject({ code: 'UNAVAILABLE', details: { cursor } });
      expect(() => subscribe()).toThrow('cannot be followed');
      expect(isLive()).toBe(false);
      await store.position(positionEvent(2, 20));
      await store.price(spot(35, 1));
      broken.mend();
      await expect.poll(isLive).toBe(true);
      const again = subscribe();
      expect(said(await next(again))).toEqual([['desk-1', 'PJM:A', 2, '35', '100']]);
      await store.position(positionEvent(3, 30));
      expect(said(await next(again))[0]?.[2]).toBe(3);
    },
  );

  test('end where the store does not answer for a new node, and come back with it', async () => {
    await start();
    const updates = subscribe();
    await next(updates);
    store.away = true;
    await store.position(positionEvent(1, 10));
    await expect(updates.next()).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    store.away = false;
    await expect.poll(isLive).toBe(true);
    expect(said(await next(subscribe()))).toHaveLength(1);
  });

  test('wait for a store that is away at the start, and refuse meanwhile', async () => {
    store.away = true;
    await start();
    expect(() => subscribe()).toThrow('cannot be followed');
    expect(health.report().components['live positions']).toMatchObject({ ok: false, detail: 'connect ECONNREFUSED' });
    store.away = false;
    await expect.poll(isLive).toBe(true);
    expect(said(await next(subscribe()))).toEqual([]);
  });

  test('are given up where too much comes while the store says nothing, and come back with it', async () => {
    store.hold();
    await start();
    for (let seq = 1; seq <= 20_001; seq++) await store.announcePositions(positionEvent(seq, 10));
    await settled();
    expect(health.report().components['live positions']?.detail).toMatch('does not answer');
    store.commitPosition(positionEvent(20_001, 10));
    store.release();
    await expect.poll(isLive).toBe(true);
    expect(said(await next(subscribe()))[0]?.[2]).toBe(20_001);
  });

  test('do not come back by a load that the loss has overtaken', async () => {
    const broken = breakable(bus, 'positions');
    store.hold();
    await start({ on: broken.bus });
    broken.break();
    await settled();
    store.release();
    await settled();
    expect(isLive()).toBe(false);
    expect(() => subscribe()).toThrow('cannot be followed');
  });

  test('are loaded once the readers of both channels stand, not before', async () => {
    const broken = breakable(bus, 'lmp');
    broken.break();
    const starting = start({ on: broken.bus });
    await settled();
    expect(store.loads).toBe(0);
    broken.mend();
    await starting;
    expect(store.loads).toBe(1);
  });

  test('end when the hub closes, also those that wait for the board', async () => {
    await start();
    const updates = subscribe();
    await next(updates);
    await hub.close();
    await expect(updates.next()).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect(() => subscribe()).toThrow('cannot be followed');
    store.hold();
    await start();
    const early = subscribe();
    await hub.close();
    await expect(early.next()).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    store.release();
    expect((await metrics.liveSubscriptions.get()).values[0]?.value).toBe(0);
  });
});

describe('however commits, announcements, loads and outages fall', () => {
  const step = fc.record({
    act: fc.constantFrom(
      'trade',
      'trade',
      'price',
      'price',
      'announce',
      'announce',
      'hold',
      'release',
      'lose',
      'settle',
    ),
    account: fc.constantFrom('desk-1', 'desk-2'),
    node: fc.constantFrom('PJM:A', 'PJM:B', 'PJM:C'),
  });

  test('what a subscriber hears last is how things stand', async () => {
    await start();
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 60 }), async (steps) => {
        await hub.close();
        const own = ringBus();
        const broken = breakable(own, 'positions');
        store = new Store(own);
        store.hold();
        await start({ on: broken.bus });
        const followers = [follow('LATEST'), follow('EVERY')];
        const late: (() => Promise<void>)[] = [];
        for (const [at, { act, account, node }] of steps.entries()) {
          const event = positionEvent(at, at, { account, node });
          const price = spot(at, at, { node });
          if (act === 'trade') {
            store.commitPosition(event);
            late.push(() => store.announcePositions(event));
          }
          if (act === 'price') {
            store.commitPrice(price);
            late.push(() => store.announcePrices(price));
          }
          if (act === 'announce') await late.shift()?.();
          if (act === 'hold') store.hold();
          if (act === 'release') store.release();
          if (act === 'settle') await settled();
          if (act === 'lose') {
            broken.break();
            broken.mend();
          }
        }
        store.release();
        for (const announce of late) await announce();
        for (const { rows } of followers) await expect.poll(() => sorted(rows), { interval: 5 }).toEqual(standing());
        await hub.close();
        await Promise.all(followers.map(({ stop }) => stop()));
        await own.close();
      }),
      { numRuns: 50 },
    );
  });

  /** Follows and begins anew, as a client would. The hub's close ends it. */
  function follow(delivery: Delivery) {
    const from = hub;
    const rows = new Map<string, PositionRow>();
    let stopped = false;
    const run = async () => {
      while (!stopped) {
        try {
          for await (const { positions } of from.pnl({}, delivery, undefined)) {
            for (const row of positions) rows.set(`${row.account} ${row.node}`, row);
          }
        } catch {
          await turn();
        }
      }
    };
    const running = run();
    const stop = () => {
      stopped = true;
      return running;
    };
    return { rows, stop };
  }

  function standing(): PositionRow[] {
    const marked = [...store.committed].map(([key, each]): [string, PositionRow] => {
      const prices = [...store.newest.values()].filter(({ node }) => node === each.node);
      return [key, positionRow(each, markPriceOf(prices, MARK_RUNS, NOW))];
    });
    return sorted(new Map(marked));
  }

  function sorted(rows: ReadonlyMap<string, PositionRow>): PositionRow[] {
    return [...rows].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, row]) => row);
  }
});
