import { setTimeout as delay } from 'node:timers/promises';
import { pino } from 'pino';
import { createClient } from 'redis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type RedisServer, startRedis } from '../../tests/support/redis.ts';
import { requireOrSkip } from '../../tests/support/services.ts';
import { AGE_MS_MAX, describeLiveBus, keysOf, ON_LMP, range, WIDE } from './live-bus.conformance.ts';
import type { LiveBus, LiveEntry, LmpTick, Window } from './live-bus.ts';
import { createRedisBus } from './redis-bus.ts';

const { announceMany, announcement, failureOf, take } = ON_LMP;
const log = pino({ level: 'silent' });
/** Short, so that a test of a Redis that does not answer need not wait long. */
const ANSWER_MS_MAX = 400;

describe.skipIf(!requireOrSkip('redis'))('the live bus over Redis', () => {
  let shared: RedisServer;
  let prefixes = 0;
  beforeAll(async () => {
    shared = await startRedis();
  });
  afterAll(() => shared?.stop());

  describeLiveBus('over one Redis', async (window) => {
    const bus = createRedisBus({ url: shared.url, window, log, prefix: `test-${prefixes++}:` });
    return { bus, letAge: () => delay(AGE_MS_MAX + 20), stop: () => bus.close() };
  });

  describe('between processes', () => {
    test('a cursor of one bus resumes on another, and both refuse what either has announced', async () => {
      const [one, two] = pair(WIDE);
      const start = await one.tail('lmp');
      await announceMany(one, 'a', 10);
      expect(await two.announce('lmp', announcement('a', 10))).toBe(false);
      expect(await two.lastAnnounced('lmp', 'a')).toBe(10);
      const cursor = (await take(one, start, 4)).at(-1)?.id ?? '';
      expect(keysOf(await take(two, cursor, 6))).toEqual(range(5, 10).map((id) => `a:${id}:0`));
      await close(one, two);
    });

    test('readers of two buses see the announcements of both in one order', async () => {
      const [one, two] = pair(WIDE);
      const start = await one.tail('lmp');
      const readers = [take(one, start, 400), take(two, start, 400)];
      await Promise.all([announceMany(one, 'a', 200), announceMany(two, 'b', 200)]);
      const [first, second] = await Promise.all(readers);
      expect(first).toEqual(second);
      await close(one, two);
    });

    test('all readers of a process share one blocking connection, given up with the last of them', async () => {
      const [bus] = pair(WIDE);
      const start = await bus.tail('lmp');
      await bus.announce('lmp', announcement('a', 1));
      const before = await blockedClients(shared);
      const reading = new AbortController();
      const readers = range(1, 10).map(() => bus.read('lmp', start, reading.signal)[Symbol.asyncIterator]());
      await Promise.all(readers.map((reader) => reader.next()));
      const waiting = readers.map((reader) => reader.next());
      await until(async () => (await blockedClients(shared)) === before + 1);
      await bus.announce('lmp', announcement('a', 2));
      for (const next of await Promise.all(waiting)) expect(keysOf(next.value ?? [])).toEqual(['a:2:0']);
      expect(await blockedClients(shared)).toBeLessThanOrEqual(before + 1);
      const last = readers.map((reader) => reader.next());
      reading.abort();
      await Promise.all(last);
      await until(async () => (await blockedClients(shared)) === before);
      await bus.close();
    });

    test('a reader slower than the shared ring catches up from Redis without a gap', async () => {
      const [bus] = pair(WIDE);
      const start = await bus.tail('lmp');
      await bus.announce('lmp', announcement('a', 1));
      const reading = new AbortController();
      const fast = take(bus, start, 3_001);
      const slow = bus.read('lmp', start, reading.signal)[Symbol.asyncIterator]();
      const seen: LiveEntry<LmpTick>[] = [...((await slow.next()).value ?? [])];
      await announceMany(bus, 'a', 3_000, 1, 2);
      const all = await fast;
      while (seen.length < all.length) seen.push(...((await slow.next()).value ?? []));
      expect(seen).toEqual(all);
      reading.abort();
      await bus.close();
    });
  });

  function pair(window: Window): [LiveBus, LiveBus] {
    const prefix = `test-${prefixes++}:`;
    const create = () => createRedisBus({ url: shared.url, window, log, prefix });
    return [create(), create()];
  }
});

describe.skipIf(!requireOrSkip('redis'))('the live bus through faults of Redis', () => {
  let redis: RedisServer;
  let bus: LiveBus;
  const begin = async (options: { persist?: boolean } = {}) => {
    redis = await startRedis(options);
    bus = createRedisBus({ url: redis.url, window: WIDE, log, answerMsMax: ANSWER_MS_MAX });
  };
  afterEach(async () => {
    await bus.close();
    await redis.stop();
  });

  describe('without persistence', () => {
    beforeEach(() => begin());

    test('a restart: an old cursor is CURSOR_EXPIRED, before and after new entries', async () => {
      const start = await bus.tail('lmp');
      await announceMany(bus, 'a', 3);
      const tail = await bus.tail('lmp');
      await redis.restart();
      await until(() => answers(bus));
      expect(await bus.lastAnnounced('lmp', 'a')).toBeUndefined();
      for (const cursor of [start, tail]) expect(await failureOf(bus, cursor)).toBe('CURSOR_EXPIRED');
      expect(await bus.announce('lmp', announcement('a', 3))).toBe(true);
      for (const cursor of [start, tail]) expect(await failureOf(bus, cursor)).toBe('CURSOR_EXPIRED');
    });

    test('a restart: a reader that was waiting is told CURSOR_EXPIRED', async () => {
      const { next } = await waitingReader(bus, redis);
      await redis.restart();
      await expect(next).rejects.toMatchObject({ code: 'CURSOR_EXPIRED' });
    });

    test('FLUSHALL: a reader that was waiting is told CURSOR_EXPIRED although nothing new comes', async () => {
      const { next } = await waitingReader(bus, redis);
      await command(redis, ['FLUSHALL']);
      await expect(next).rejects.toMatchObject({ code: 'CURSOR_EXPIRED' });
    });

    test('FLUSHALL of a stream that was still empty: its cursor is CURSOR_EXPIRED', async () => {
      const empty = await bus.tail('lmp');
      await command(redis, ['FLUSHALL']);
      await bus.announce('lmp', announcement('a', 1));
      expect(await failureOf(bus, empty)).toBe('CURSOR_EXPIRED');
    });

    test('the stream evicted but not its hash: a cursor before the end is CURSOR_EXPIRED, the end is still good', async () => {
      const start = await bus.tail('lmp');
      await announceMany(bus, 'a', 3);
      const tail = await bus.tail('lmp');
      await command(redis, ['DEL', '{busbar:live:1:lmp}:entries']);
      expect(await failureOf(bus, start)).toBe('CURSOR_EXPIRED');
      await bus.announce('lmp', announcement('a', 4));
      expect(await failureOf(bus, start)).toBe('CURSOR_EXPIRED');
      expect(keysOf(await take(bus, tail, 1))).toEqual(['a:4:0']);
    });

    test('scripts forgotten: announcing goes on', async () => {
      await bus.announce('lmp', announcement('a', 1));
      await command(redis, ['SCRIPT', 'FLUSH']);
      expect(await bus.announce('lmp', announcement('a', 2))).toBe(true);
    });

    test('Redis away: every call fails with UNAVAILABLE within its time, and works again when Redis is back', async () => {
      const start = await bus.tail('lmp');
      await redis.kill();
      await expectUnavailable(() => bus.announce('lmp', announcement('a', 1)));
      await expectUnavailable(() => bus.ping());
      await expectUnavailable(() => bus.lastAnnounced('lmp', 'a'));
      await expectUnavailable(() => bus.tail('lmp'));
      expect(await failureOf(bus, start)).toBe('UNAVAILABLE');
      await redis.restart();
      await until(() => answers(bus));
      expect(await bus.announce('lmp', announcement('a', 1))).toBe(true);
    });

    test('Redis paused: an announcement fails in time, is taken when announced again, and has its effect once', async () => {
      const start = await bus.tail('lmp');
      await bus.announce('lmp', announcement('a', 1));
      redis.pause();
      await expectUnavailable(() => bus.announce('lmp', announcement('a', 2)));
      await expectUnavailable(() => bus.announce('lmp', announcement('a', 2)));
      redis.resume();
      await until(() => answers(bus));
      await bus.announce('lmp', announcement('a', 2));
      await bus.announce('lmp', announcement('a', 3));
      expect(keysOf(await take(bus, start, 3))).toEqual(['a:1:0', 'a:2:0', 'a:3:0']);
    });

    test('Redis paused: a waiting reader goes on after it, and abort ends one at once', async () => {
      const start = await bus.tail('lmp');
      const { next } = await waitingReader(bus, redis);
      redis.pause();
      await expectUnavailable(() => bus.ping());
      const reading = new AbortController();
      const stuck = bus.read('lmp', start, reading.signal)[Symbol.asyncIterator]().next();
      reading.abort();
      expect(await stuck).toEqual({ done: true, value: undefined });
      // Long enough that the follower, too, has given up its connection.
      await delay(1_000 + 2 * ANSWER_MS_MAX);
      redis.resume();
      await until(() => answers(bus));
      await bus.announce('lmp', announcement('a', 2));
      expect(keysOf((await next).value ?? [])).toEqual(['a:2:0']);
    });

    test('Redis refuses writes: UNAVAILABLE, nothing of the announcement is taken', async () => {
      const start = await bus.tail('lmp');
      await command(redis, ['CONFIG', 'SET', 'maxmemory', '1']);
      await expectUnavailable(() => bus.announce('lmp', announcement('a', 1, 3)));
      await command(redis, ['CONFIG', 'SET', 'maxmemory', '0']);
      expect(await bus.announce('lmp', announcement('a', 1, 3))).toBe(true);
      expect(keysOf(await take(bus, start, 3))).toEqual(['a:1:0', 'a:1:1', 'a:1:2']);
    });
  });

  describe('back from an older state', () => {
    beforeEach(() => begin());

    /** Loses all that was announced since the last SAVE: as a replica that lagged, or a log that was not on the disk yet. */
    const loseTheEnd = async () => {
      await redis.kill();
      await redis.restart();
      await until(() => answers(bus));
    };
    const another = () => createRedisBus({ url: redis.url, window: WIDE, log, answerMsMax: ANSWER_MS_MAX });

    test('an entry that was taken is lost: a cursor before it is CURSOR_EXPIRED when its source announces again', async () => {
      await bus.announce('lmp', announcement('a', 10));
      const cursor = await bus.tail('lmp');
      await command(redis, ['SAVE']);
      expect(await bus.announce('lmp', announcement('a', 20))).toBe(true);
      await redis.kill();
      await redis.restart();
      await announceStubbornly(bus, 'a', [30]);
      expect(await failureOf(bus, cursor)).toBe('CURSOR_EXPIRED');
      expect(await bus.lastAnnounced('lmp', 'a')).toBe(30);
    });

    test('over a connection that was never lost, too', async () => {
      await bus.announce('lmp', announcement('a', 10));
      const cursor = await bus.tail('lmp');
      const meta = '{busbar:live:1:lmp}:meta';
      await bus.announce('lmp', announcement('a', 20));
      await command(redis, ['HSET', meta, 'last', cursor, 'source:a', '10']);
      await command(redis, ['XTRIM', '{busbar:live:1:lmp}:entries', 'MAXLEN', '0']);
      expect(await bus.announce('lmp', announcement('a', 30))).toBe(true);
      expect(await failureOf(bus, cursor)).toBe('CURSOR_EXPIRED');
    });

    test('a source that has nothing more to announce, and readers that wait, are told no less', async () => {
      await bus.announce('lmp', announcement('a', 10));
      const cursor = await bus.tail('lmp');
      await command(redis, ['SAVE']);
      await bus.announce('lmp', announcement('a', 20));
      await loseTheEnd();
      expect(await failureOf(bus, cursor)).toBe('CURSOR_EXPIRED');
    });

    test('nothing of it is lost: cursors are good, and what comes after them', async () => {
      await bus.announce('lmp', announcement('a', 10));
      const cursor = await bus.tail('lmp');
      await bus.announce('lmp', announcement('a', 20));
      await command(redis, ['SAVE']);
      await loseTheEnd();
      await bus.announce('lmp', announcement('a', 30));
      expect(keysOf(await take(bus, cursor, 2))).toEqual(['a:20:0', 'a:30:0']);
    });

    test('several who notice it begin anew once: a cursor from after the first is good', async () => {
      const other = another();
      await Promise.all([bus.announce('lmp', announcement('a', 10)), other.announce('lmp', announcement('b', 10))]);
      await command(redis, ['SAVE']);
      await Promise.all([bus.announce('lmp', announcement('a', 20)), other.announce('lmp', announcement('b', 20))]);
      await loseTheEnd();
      const cursor = await bus.tail('lmp');
      await until(() => answers(other));
      await other.announce('lmp', announcement('b', 30));
      await bus.announce('lmp', announcement('a', 30));
      expect(keysOf(await take(bus, cursor, 2))).toEqual(['b:30:0', 'a:30:0']);
      await other.close();
    });

    test('twice, the second time from before the first: cursors of both are CURSOR_EXPIRED', async () => {
      await bus.announce('lmp', announcement('a', 10));
      const cursors = [await bus.tail('lmp')];
      await command(redis, ['SAVE']);
      await bus.announce('lmp', announcement('a', 20));
      await loseTheEnd();
      await bus.announce('lmp', announcement('b', 10));
      cursors.push(await bus.tail('lmp'));
      await loseTheEnd();
      for (const cursor of cursors) expect(await failureOf(bus, cursor)).toBe('CURSOR_EXPIRED');
    });

    test('an announcer that was not there tells what it knows from elsewhere', async () => {
      await bus.announce('lmp', announcement('a', 10));
      const cursor = await bus.tail('lmp');
      const other = another();
      await other.expectAnnounced('lmp', 'a', 10);
      await other.expectAnnounced('lmp', 'never heard of', 20);
      expect(await other.tail('lmp')).toBe(cursor);
      await other.expectAnnounced('lmp', 'a', 20);
      expect(await failureOf(bus, cursor)).toBe('CURSOR_EXPIRED');
      await other.close();
    });
  });

  describe('with persistence', () => {
    beforeEach(() => begin({ persist: true }));

    test('killed and back: cursors, ledger ids and waiting readers go on where they were', async () => {
      const start = await bus.tail('lmp');
      const { next } = await waitingReader(bus, redis);
      await redis.kill();
      await expectUnavailable(() => bus.announce('lmp', announcement('a', 2)));
      await redis.restart();
      await until(() => answers(bus));
      expect(await bus.announce('lmp', announcement('a', 1))).toBe(false);
      expect(await bus.announce('lmp', announcement('a', 2))).toBe(true);
      expect(keysOf((await next).value ?? [])).toEqual(['a:2:0']);
      expect(keysOf(await take(bus, start, 2))).toEqual(['a:1:0', 'a:2:0']);
    });

    test('killed again and again under load: a reader misses nothing and sees nothing twice', async () => {
      const start = await bus.tail('lmp');
      const reading = take(bus, start, 300, 25_000);
      const writing = announceStubbornly(bus, 'a', range(1, 300));
      for (let kill = 0; kill < 3; kill++) {
        const announced = (await announcedSoFar(bus)) + 20;
        await until(async () => (await announcedSoFar(bus)) >= announced || announced >= 300);
        await redis.kill();
        await redis.restart();
      }
      await writing;
      expect(keysOf(await reading)).toEqual(range(1, 300).map((id) => `a:${id}:0`));
    }, 30_000);
  });
});

/** A reader that has seen the entry `a:1:0` and now waits inside Redis; `next` is what it gets after that. */
async function waitingReader(
  bus: LiveBus,
  redis: RedisServer,
): Promise<{ next: Promise<IteratorResult<readonly LiveEntry<LmpTick>[]>> }> {
  const start = await bus.tail('lmp');
  await bus.announce('lmp', announcement('a', 1));
  const reader = bus.read('lmp', start, AbortSignal.timeout(15_000))[Symbol.asyncIterator]();
  expect(keysOf((await reader.next()).value ?? [])).toEqual(['a:1:0']);
  const next = reader.next();
  next.catch(() => undefined);
  await until(async () => (await blockedClients(redis)) > 0);
  return { next };
}

/** As the pipeline does: an announcement that failed is made again until Redis has taken it. */
async function announceStubbornly(bus: LiveBus, source: string, sequences: readonly number[]): Promise<void> {
  for (const sequence of sequences) {
    await until(() =>
      bus.announce('lmp', announcement(source, sequence)).then(
        () => true,
        () => false,
      ),
    );
  }
}

async function announcedSoFar(bus: LiveBus): Promise<number> {
  return (await bus.lastAnnounced('lmp', 'a').catch(() => undefined)) ?? 0;
}

/** Within three times the time Redis has to answer: a slow machine, but no hanging. */
async function expectUnavailable(call: () => Promise<unknown>): Promise<void> {
  const startedAt = performance.now();
  await expect(call()).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  expect(performance.now() - startedAt).toBeLessThan(3 * ANSWER_MS_MAX);
}

async function answers(bus: LiveBus): Promise<boolean> {
  return bus.ping().then(
    () => true,
    () => false,
  );
}

/** Asks again and again, for what gives no event: a state inside Redis. */
async function until(holds: () => Promise<boolean>): Promise<void> {
  const patience = AbortSignal.timeout(10_000);
  while (!(await holds())) {
    patience.throwIfAborted();
    await delay(5);
  }
}

async function blockedClients(redis: RedisServer): Promise<number> {
  const clients = await command(redis, ['INFO', 'clients']);
  return Number(/blocked_clients:(\d+)/.exec(String(clients))?.[1]);
}

async function command(redis: RedisServer, words: string[]): Promise<unknown> {
  const client = createClient({ url: redis.url });
  await client.connect();
  const reply = await client.sendCommand(words);
  client.destroy();
  return reply;
}

async function close(...buses: LiveBus[]): Promise<void> {
  for (const bus of buses) await bus.close();
}
