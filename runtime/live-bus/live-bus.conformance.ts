import { describe, expect, test } from 'vitest';
import { isBusbarError } from '../../domain/errors.ts';
import type {
  Announcement,
  Channel,
  Channels,
  ForecastEvent,
  LiveBus,
  LiveEntry,
  LmpTick,
  PositionEvent,
  TradeEvent,
  Window,
} from './live-bus.ts';

/**
 * What every live bus must do, as checks that run against a bus and throw where it does not. They are plain functions so
 * that a broken bus can be put before them too: see the negative controls in `ring-bus.test.ts`.
 */
export interface BusUnderTest {
  readonly bus: LiveBus;
  /** Lets so much time pass on the bus's clock that everything announced so far is older than `AGE_MS_MAX`. */
  letAge(): Promise<void>;
  stop(): Promise<void>;
}

/** Wide enough for the checks that are not about the window. */
export const WIDE: Window = { entriesMax: 50_000, ageMsMax: 3_600_000 };
export const AGE_MS_MAX = 100;
const NARROW: Window = { entriesMax: 20, ageMsMax: 3_600_000 };
const BRIEF: Window = { entriesMax: 50_000, ageMsMax: AGE_MS_MAX };
/** More announcements than any bus keeps in a window of `NARROW`, the blocks by which Redis trims included. */
const OVER_THE_WINDOW = 300;

interface Check {
  readonly window: Window;
  /** @param on the channel it is to be tried on. */
  readonly run: (given: BusUnderTest, on: OnChannel<Channel>) => Promise<void>;
}

export const CHECKS = {
  'a reader sees entries in the order they were announced, events unchanged': {
    window: WIDE,
    async run({ bus }, { channel, announcement, take }) {
      const start = await bus.tail(channel);
      for (let sequence = 1; sequence <= 20; sequence++) await bus.announce(channel, announcement('a', sequence, 3));
      const entries = await take(bus, start, 60);
      expect(entries.flatMap(({ events }) => events)).toEqual(
        range(1, 20).flatMap((sequence) => announcement('a', sequence, 3).batches.flat()),
      );
      expect(new Set(entries.map(({ id }) => id)).size).toBe(60);
    },
  },

  'a reader that resumes with its cursor again and again under concurrent appends misses nothing and sees nothing twice':
    {
      window: WIDE,
      async run({ bus }, { channel, announceMany, take }) {
        const start = await bus.tail(channel);
        const writers = ['a', 'b', 'c'].map((source) => announceMany(bus, source, 200));
        const resumed: LiveEntry<Channels[Channel]>[] = [];
        for (let cursor = start, some = 1; resumed.length < 600; some = (some % 23) + 1) {
          const entries = await take(bus, cursor, Math.min(some, 600 - resumed.length));
          resumed.push(...entries);
          cursor = entries.at(-1)?.id ?? cursor;
        }
        await Promise.all(writers);
        expect(resumed).toEqual(await take(bus, start, 600));
        for (const source of ['a', 'b', 'c']) {
          expect(keysOf(resumed).filter((key) => key.startsWith(source))).toEqual(
            range(1, 200).map((id) => `${source}:${id}:0`),
          );
        }
      },
    },

  'an announcement made twice, or after a later one of its source, is without effect': {
    window: WIDE,
    async run({ bus }, { channel, announcement, takeUntil }) {
      const start = await bus.tail(channel);
      expect(await bus.announce(channel, announcement('a', 5))).toBe(true);
      expect(await bus.announce(channel, announcement('a', 5))).toBe(false);
      expect(await bus.announce(channel, announcement('a', 4))).toBe(false);
      expect(await bus.announce(channel, announcement('a', 7))).toBe(true);
      const racing = await Promise.all(range(1, 8).map(() => bus.announce(channel, announcement('a', 9))));
      expect(racing.filter(Boolean)).toHaveLength(1);
      await bus.announce(channel, announcement('end', 1));
      expect(keysOf(await takeUntil(bus, start, 'end:1:0'))).toEqual(['a:5:0', 'a:7:0', 'a:9:0', 'end:1:0']);
    },
  },

  'each source has a sequence of its own': {
    window: WIDE,
    async run({ bus }, { channel, announcement }) {
      expect(await bus.lastAnnounced(channel, 'a')).toBeUndefined();
      await bus.announce(channel, announcement('a', 9_007_199_254_740_000));
      expect(await bus.announce(channel, announcement('b', 3))).toBe(true);
      expect(await bus.lastAnnounced(channel, 'a')).toBe(9_007_199_254_740_000);
      expect(await bus.lastAnnounced(channel, 'b')).toBe(3);
      expect(await bus.announce(channel, announcement('a', 9_007_199_254_740_001))).toBe(true);
    },
  },

  'the entries of one announcement stay together while several sources announce': {
    window: WIDE,
    async run({ bus }, { channel, announceMany, take }) {
      const start = await bus.tail(channel);
      await Promise.all(['a', 'b', 'c'].map((source) => announceMany(bus, source, 40, 5)));
      const keys = keysOf(await take(bus, start, 600));
      for (let first = 0; first < keys.length; first += 5) {
        const announced = keys[first]?.replace(/:0$/, '');
        expect(keys.slice(first, first + 5)).toEqual(range(0, 4).map((batch) => `${announced}:${batch}`));
      }
    },
  },

  'each channel has entries and sequences of its own': {
    window: WIDE,
    async run({ bus }, { channel, announcement, take }) {
      const other = otherThan(channel);
      const [start, otherStart] = [await bus.tail(channel), await bus.tail(other.channel)];
      await bus.announce(channel, announcement('a', 5));
      expect(await bus.lastAnnounced(other.channel, 'a')).toBeUndefined();
      expect(await bus.tail(other.channel)).toBe(otherStart);
      expect(await bus.announce(other.channel, other.announcement('a', 4))).toBe(true);
      expect(await bus.announce(channel, announcement('a', 6))).toBe(true);
      expect(keysOf(await take(bus, start, 2))).toEqual(['a:5:0', 'a:6:0']);
      expect(keysOf(await other.take(bus, otherStart, 1))).toEqual(['a:4:0']);
    },
  },

  'an announcement without entries is remembered': {
    window: WIDE,
    async run({ bus }, { channel, announcement }) {
      expect(await bus.announce(channel, announcement('a', 1, 0))).toBe(true);
      expect(await bus.announce(channel, announcement('a', 1, 1))).toBe(false);
      expect(await bus.lastAnnounced(channel, 'a')).toBe(1);
    },
  },

  'a reader given the tail sees exactly what comes later': {
    window: WIDE,
    async run({ bus }, { channel, announcement, take }) {
      const empty = await bus.tail(channel);
      expect(await bus.tail(channel)).toBe(empty);
      await bus.announce(channel, announcement('a', 1));
      const tail = await bus.tail(channel);
      await bus.announce(channel, announcement('a', 2));
      expect(keysOf(await take(bus, tail, 1))).toEqual(['a:2:0']);
      expect(keysOf(await take(bus, empty, 2))).toEqual(['a:1:0', 'a:2:0']);
      expect(await bus.tail(channel)).toBe((await take(bus, tail, 1))[0]?.id);
    },
  },

  'a reader without a cursor begins at the present end': {
    window: WIDE,
    async run({ bus }, { channel, announcement }) {
      await bus.announce(channel, announcement('a', 1));
      const reading = new AbortController();
      const reader = bus.read(channel, undefined, reading.signal)[Symbol.asyncIterator]();
      const first = reader.next();
      // The reader has begun once it sees something; which announcement that is depends on when it had connected.
      let sequence = 2;
      const seen = await eventually(first, () => bus.announce(channel, announcement('a', sequence++)));
      expect(keysOf(seen.value ?? [])).not.toContain('a:1:0');
      reading.abort();
      expect((await drained(reader)).done).toBe(true);
    },
  },

  'many readers of one channel all see everything': {
    window: WIDE,
    async run({ bus }, { channel, announceMany, take }) {
      const start = await bus.tail(channel);
      const readers = range(1, 20).map(() => take(bus, start, 100));
      await announceMany(bus, 'a', 100);
      const first = await readers[0];
      for (const entries of await Promise.all(readers)) expect(entries).toEqual(first);
    },
  },

  'abort ends a waiting reader cleanly, and one that was aborted before it began': {
    window: WIDE,
    async run({ bus }, { channel, announcement }) {
      const start = await bus.tail(channel);
      await bus.announce(channel, announcement('a', 1));
      const reading = new AbortController();
      const reader = bus.read(channel, start, reading.signal)[Symbol.asyncIterator]();
      expect((await reader.next()).value).toHaveLength(1);
      const waiting = reader.next();
      reading.abort();
      expect(await waiting).toEqual({ done: true, value: undefined });
      for await (const _ of bus.read(channel, start, AbortSignal.abort())) expect.unreachable();
    },
  },

  'a cursor that is none is BAD_USER_INPUT': {
    window: WIDE,
    async run({ bus }, { failureOf }) {
      const cursors = [
        '',
        '0',
        '0-0',
        '$',
        '+',
        '-',
        'abc',
        '(1-1',
        '00000000000g-1-1',
        '000000000000-',
        '000000000000-x',
      ];
      for (const cursor of [...cursors, '000000000000--1', `000000000000-${'9'.repeat(20)}-0`, '000000000000-1-1 ']) {
        expect(await failureOf(bus, cursor), cursor).toBe('BAD_USER_INPUT');
      }
    },
  },

  'a cursor of another channel is CURSOR_EXPIRED': {
    window: WIDE,
    async run({ bus }, { channel, announcement, failureOf }) {
      const other = otherThan(channel);
      const empty = await bus.tail(other.channel);
      expect(await failureOf(bus, empty)).toBe('CURSOR_EXPIRED');
      await bus.announce(other.channel, other.announcement('a', 1));
      expect(await failureOf(bus, await bus.tail(other.channel))).toBe('CURSOR_EXPIRED');
      await bus.announce(channel, announcement('a', 1));
      for (const cursor of [empty, await bus.tail(other.channel)]) {
        expect(await failureOf(bus, cursor)).toBe('CURSOR_EXPIRED');
      }
    },
  },

  'a cursor of another life of the stream is CURSOR_EXPIRED': {
    window: WIDE,
    async run({ bus }, { channel, announcement, failureOf }) {
      const cursor = (await bus.tail(channel)).replace(/^[0-9a-f]{12}/, '000000000000');
      expect(await failureOf(bus, cursor)).toBe('CURSOR_EXPIRED');
      await bus.announce(channel, announcement('a', 1));
      expect(await failureOf(bus, cursor)).toBe('CURSOR_EXPIRED');
    },
  },

  'a cursor that the number of entries has overtaken is CURSOR_EXPIRED, the newest ones are still good': {
    window: NARROW,
    async run({ bus }, { channel, announcement, announceMany, take, failureOf }) {
      const start = await bus.tail(channel);
      await bus.announce(channel, announcement('a', 1));
      const old = await bus.tail(channel);
      await announceMany(bus, 'b', OVER_THE_WINDOW);
      expect(await failureOf(bus, start)).toBe('CURSOR_EXPIRED');
      expect(await failureOf(bus, old)).toBe('CURSOR_EXPIRED');
      const newest = await bus.tail(channel);
      await announceMany(bus, 'c', NARROW.entriesMax);
      expect(keysOf(await take(bus, newest, NARROW.entriesMax))).toEqual(range(1, 20).map((id) => `c:${id}:0`));
    },
  },

  'a cursor whose next entry has aged out is CURSOR_EXPIRED, the cursor of the newest entry never is': {
    window: BRIEF,
    async run({ bus, letAge }, { channel, announcement, announceMany, take, failureOf }) {
      const start = await bus.tail(channel);
      await announceMany(bus, 'a', OVER_THE_WINDOW);
      const newest = await bus.tail(channel);
      await letAge();
      await announceMany(bus, 'b', OVER_THE_WINDOW);
      expect(await failureOf(bus, start)).toBe('CURSOR_EXPIRED');
      const tail = await bus.tail(channel);
      await letAge();
      await bus.announce(channel, announcement('c', 1));
      expect(keysOf(await take(bus, tail, 1))).toEqual(['c:1:0']);
      expect(await failureOf(bus, newest)).toBe('CURSOR_EXPIRED');
    },
  },

  'a reader that falls behind the window is told so, after which nothing more comes': {
    window: NARROW,
    async run({ bus }, { channel, announcement, announceMany }) {
      const start = await bus.tail(channel);
      await bus.announce(channel, announcement('a', 1));
      const reader = bus.read(channel, start, AbortSignal.timeout(10_000))[Symbol.asyncIterator]();
      expect(keysOf((await reader.next()).value ?? [])).toEqual(['a:1:0']);
      await announceMany(bus, 'a', OVER_THE_WINDOW, 1, 2);
      await expect(drained(reader)).rejects.toMatchObject({ code: 'CURSOR_EXPIRED' });
      expect((await reader.next()).done).toBe(true);
    },
  },

  'a closed bus refuses, and ends its readers with UNAVAILABLE': {
    window: WIDE,
    async run({ bus }, { channel, announcement }) {
      const start = await bus.tail(channel);
      await bus.announce(channel, announcement('a', 1));
      const reader = bus.read(channel, start, AbortSignal.timeout(10_000))[Symbol.asyncIterator]();
      await reader.next();
      const waiting = reader.next();
      await bus.close();
      await expect(waiting).rejects.toMatchObject({ code: 'UNAVAILABLE' });
      await expect(bus.ping()).rejects.toMatchObject({ code: 'UNAVAILABLE' });
      await expect(bus.announce(channel, announcement('a', 2))).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    },
  },
} satisfies Record<string, Check>;

/** Runs every check against a fresh bus each, on every channel. */
export function describeLiveBus(name: string, create: (window: Window) => Promise<BusUnderTest>): void {
  describe.each(EACH)(`${name}, $channel`, (on) => {
    for (const [sentence, check] of Object.entries(CHECKS)) {
      test(sentence, async () => {
        const given = await create(check.window);
        try {
          await check.run(given, on);
        } finally {
          await given.stop();
        }
      });
    }
  });
}

/** How to announce to one channel and read from it. */
export interface OnChannel<C extends Channel> {
  readonly channel: C;
  /** An announcement whose events say which source, sequence and batch they belong to. */
  announcement(source: string, sequence: number, batches?: number): Announcement<Channels[C]>;
  announceMany(bus: LiveBus, source: string, count: number, batches?: number, first?: number): Promise<void>;
  /** The next `count` entries after a cursor. @throws Error where they do not come in time. */
  take(bus: LiveBus, after: string, count: number, msMax?: number): Promise<LiveEntry<Channels[C]>[]>;
  takeUntil(bus: LiveBus, after: string, key: string): Promise<LiveEntry<Channels[C]>[]>;
  /** @returns the code of the error that reading after a cursor begins with, undefined where it begins well. */
  failureOf(bus: LiveBus, after: string): Promise<string | undefined>;
}

export const ON_LMP = onChannel('lmp', tick);
const EACH: readonly OnChannel<Channel>[] = [
  ON_LMP,
  onChannel('trades', trade),
  onChannel('positions', position),
  onChannel('forecasts', forecast),
];

function otherThan(channel: Channel): OnChannel<Channel> {
  return EACH.find((other) => other.channel !== channel) ?? expect.unreachable();
}

function onChannel<C extends Channel>(
  channel: C,
  eventOf: (node: string, ledgerId: number) => Channels[C],
): OnChannel<C> {
  const announcement = (source: string, sequence: number, batches = 1): Announcement<Channels[C]> => ({
    source,
    sequence,
    batches: range(0, batches - 1).map((batch) => [eventOf(`PJM:${source}:${sequence}:${batch}`, sequence)]),
  });
  return {
    channel,
    announcement,
    async announceMany(bus, source, count, batches = 1, first = 1) {
      for (const sequence of range(first, first + count - 1))
        await bus.announce(channel, announcement(source, sequence, batches));
    },
    async take(bus, after, count, msMax = 5_000) {
      const entries = await collect({ bus, channel, after, msMax }, (seen) => seen.length >= count);
      return entries.slice(0, count);
    },
    takeUntil: (bus, after, key) =>
      collect({ bus, channel, after, msMax: 5_000 }, (seen) => keysOf(seen).includes(key)),
    failureOf: (bus, after) => failureOfReading(bus, channel, after),
  };
}

export function tick(node: string, ledgerId: number): LmpTick {
  return {
    node,
    run: 'REAL_TIME_5_MIN',
    startAt: 1_719_400_000_000,
    endAt: 1_719_400_300_000,
    lmp: -31.25,
    energy: 30.1,
    congestion: -61.35,
    loss: 0,
    ghg: null,
    revision: 2,
    flags: ['IDENTITY_BREACH'],
    publishedAt: 1_719_400_000_123,
    ledgerId,
  };
}

function trade(node: string, ledgerId: number): TradeEvent {
  return {
    tradeId: `T-${ledgerId}`,
    version: 3,
    ts: 1_719_400_000_000,
    account: 'desk "one"',
    node,
    side: 'SELL',
    mw: '12.5',
    price: '-31.2500000001',
    minutes: 1_380,
    status: 'ACTIVE',
    ledgerId,
    recordedAt: 1_719_400_000_123,
  };
}

function position(node: string, ledgerId: number): PositionEvent {
  return {
    account: 'desk "one"',
    node,
    seq: ledgerId,
    position: {
      method: 'AVERAGE_COST',
      quantity: '-17250',
      cost: '539062.500001725',
      realized: '9007199254740993.1234567891',
      trades: 7,
      last: { ts: 1_719_400_000_000, tradeId: `T-${ledgerId}` },
    },
    ledgerId,
    recordedAt: 1_719_400_000_123,
  };
}

function forecast(node: string, ledgerId: number): ForecastEvent {
  const models = [{ model: 'SMA_5', value: -31.25, samples: 3, mae: 0.1, rmse: 0.2, bias: -0.05 }] as const;
  return { node, run: 'SPOT', lastAt: 1_719_400_000_000, lastPrice: -31, models, ledgerId };
}

/** Which announcement and batch each entry belongs to: `source:sequence:batch`. */
export function keysOf(entries: readonly LiveEntry<Channels[Channel]>[]): string[] {
  return entries.flatMap(({ events }) => events.map(({ node }) => node.slice('PJM:'.length)));
}

export function range(first: number, last: number): number[] {
  return Array.from({ length: Math.max(last - first + 1, 0) }, (_, place) => first + place);
}

async function failureOfReading(bus: LiveBus, channel: Channel, after: string): Promise<string | undefined> {
  const reading = new AbortController();
  try {
    await bus.read(channel, after, reading.signal)[Symbol.asyncIterator]().next();
    return undefined;
  } catch (error) {
    if (isBusbarError(error)) return error.code;
    throw error;
  } finally {
    reading.abort();
  }
}

interface Reading<C extends Channel> {
  readonly bus: LiveBus;
  readonly channel: C;
  readonly after: string;
  readonly msMax: number;
}

async function collect<C extends Channel>(
  { bus, channel, after, msMax }: Reading<C>,
  enough: (entries: readonly LiveEntry<Channels[C]>[]) => boolean,
): Promise<LiveEntry<Channels[C]>[]> {
  const seen: LiveEntry<Channels[C]>[] = [];
  for await (const entries of bus.read(channel, after, AbortSignal.timeout(msMax))) {
    seen.push(...entries);
    if (enough(seen)) return seen;
  }
  throw new Error(`only ${seen.length} entries came`);
}

/** Repeats an action until a promise settles. */
async function eventually<T>(promise: Promise<T>, action: () => Promise<unknown>): Promise<T> {
  let settled = false;
  const done = promise.finally(() => {
    settled = true;
  });
  done.catch(() => undefined);
  while (!settled) await action();
  return done;
}

async function drained<T>(reader: AsyncIterator<T>): Promise<IteratorResult<T>> {
  for (;;) {
    const next = await reader.next();
    if (next.done) return next;
  }
}
