import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { BusbarError } from '../../domain/errors.ts';
import type { Channel, Channels, LiveBus, LiveEntry } from '../../runtime/live-bus/live-bus.ts';
import { createMetrics } from '../../runtime/metrics.ts';
import type { LmpUpdate } from '../../schema/context.ts';
import { breakable } from '../../tests/support/breakable-bus.ts';
import { announcer, NO_POSITIONS, ringBus, silent, tick } from '../../tests/support/live.ts';
import { createLiveHub, type LiveHub } from './hub.ts';

let bus: LiveBus;
let hub: LiveHub;
let metrics: ReturnType<typeof createMetrics>;

beforeEach(async () => {
  bus = ringBus();
  metrics = createMetrics();
  hub = createLiveHub({ bus, log: silent, metrics, bounds: { entriesMax: 8, eventsMax: 40 }, ...NO_POSITIONS });
  await hub.ready;
});
afterEach(async () => {
  await hub.close();
  await bus.close();
});

const pricesOf = (updates: readonly LmpUpdate[]) => updates.flatMap(({ ticks }) => ticks.map(({ lmp }) => lmp));

/** Updates until they hold so many ticks: those that waited come together. */
async function take(updates: AsyncIterator<LmpUpdate>, ticks: number): Promise<LmpUpdate[]> {
  const taken: LmpUpdate[] = [];
  while (taken.reduce((sum, update) => sum + update.ticks.length, 0) < ticks) {
    const { value, done } = await updates.next();
    if (done) break;
    taken.push(value);
  }
  return taken;
}

function subscribe(filter = {}, delivery: 'EVERY' | 'LATEST' = 'EVERY', after?: string) {
  return hub.lmp(filter, delivery, after)[Symbol.asyncIterator]();
}

/** Lets everything that was announced reach whoever subscribed. */
async function settled() {
  for (let each = 0; each < 10; each++) await turn();
}

describe('what a subscription gets', () => {
  test('is what is announced after the call, with the entry’s id as the cursor', async () => {
    const { price } = announcer(bus);
    await price(1);
    await settled();
    const updates = subscribe();
    await price(2);
    expect(await take(updates, 1)).toEqual([
      { cursor: await bus.tail('lmp'), ticks: [expect.objectContaining({ lmp: 2 })] },
    ]);
  });

  test('is what its nodes, its market and its run ask for, and an entry without any of it is not seen', async () => {
    const { announce } = announcer(bus);
    const [byNode, byMarket, byRun, byAll] = [
      subscribe({ nodes: ['PJM:A', 'CAISO:X'] }),
      subscribe({ market: 'PJM' }),
      subscribe({ run: 'SPOT' }),
      subscribe({ nodes: ['PJM:A'], market: 'CAISO' }),
    ];
    await announce([tick('ERCOT:Z', 1)], [tick('PJM:A', 2), tick('PJM:B', 3), tick('CAISO:X', 4, { run: 'SPOT' })]);
    expect(pricesOf(await take(byNode, 1))).toEqual([2, 4]);
    expect(pricesOf(await take(byMarket, 1))).toEqual([2, 3]);
    expect(pricesOf(await take(byRun, 1))).toEqual([4]);
    await byAll.return?.();
    expect(await take(byAll, 1)).toEqual([]);
  });

  test('ends with its return, and the hub forgets it', async () => {
    const updates = subscribe();
    const pending = updates.next();
    await updates.return?.();
    expect(await pending).toEqual({ value: undefined, done: true });
    expect((await metrics.liveSubscriptions.get()).values[0]?.value).toBe(0);
  });
});

describe('a subscription with a cursor', () => {
  test('gets everything after it and goes on with what comes', async () => {
    const { price } = announcer(bus);
    await price(1);
    const cursor = await bus.tail('lmp');
    for (const lmp of [2, 3, 4]) await price(lmp);
    const updates = subscribe({}, 'EVERY', cursor);
    expect(pricesOf(await take(updates, 3))).toEqual([2, 3, 4]);
    await price(5);
    expect(pricesOf(await take(updates, 1))).toEqual([5]);
  });

  test('far behind is read at its own pace and does not overflow', async () => {
    const { price } = announcer(bus);
    const cursor = await bus.tail('lmp');
    for (let lmp = 0; lmp < 2_000; lmp++) await price(lmp);
    const updates = subscribe({}, 'EVERY', cursor);
    await settled();
    expect(pricesOf(await take(updates, 2_000))).toEqual(Array.from({ length: 2_000 }, (_, lmp) => lmp));
  });

  test('that the bus no longer keeps is told CURSOR_EXPIRED', async () => {
    const small = ringBus(2);
    const cursor = await small.tail('lmp');
    const own = createLiveHub({ bus: small, log: silent, metrics, ...NO_POSITIONS });
    await own.ready;
    // More than the hub remembers, too.
    const { price } = announcer(small);
    for (let lmp = 0; lmp < 1_000; lmp++) {
      await price(lmp);
      await turn();
    }
    const updates = own.lmp({}, 'EVERY', cursor)[Symbol.asyncIterator]();
    await expect(updates.next()).rejects.toMatchObject({ code: 'CURSOR_EXPIRED' });
    await own.close();
  });

  test('that is no cursor is told so', async () => {
    await expect(subscribe({}, 'EVERY', 'yesterday').next()).rejects.toMatchObject({ code: 'BAD_USER_INPUT' });
  });

  test('misses nothing and sees nothing twice, wherever its reader and the hub’s meet', async () => {
    const step = fc.constantFrom('announce', 'hub reads', 'own reads', 'take', 'reconnect');
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 30, maxLength: 80 }), async (steps) => {
        const gated = gate(ringBus());
        const bounds = { entriesMax: 1_000, eventsMax: 1_000 };
        // So short a memory makes the readers meet in every way there is.
        const own = createLiveHub({ bus: gated.bus, log: silent, metrics, bounds, historyEntries: 2, ...NO_POSITIONS });
        await own.ready;
        await settled();
        const { price } = announcer(gated.bus);
        const client = reconnecting(own, await gated.bus.tail('lmp'));
        let announced = 0;
        for (const each of steps) {
          if (each === 'announce') await price(announced++);
          if (each === 'hub reads') gated.readers[0]?.admit(1);
          if (each === 'own reads') gated.readers.at(-1)?.admit(3);
          if (each === 'take') client.take();
          if (each === 'reconnect') await client.reconnect();
          await settled();
        }
        gated.open();
        while (client.seen.length < announced) await client.take();
        await client.stop();
        expect(client.seen).toEqual(Array.from({ length: announced }, (_, lmp) => lmp));
        await own.close();
      }),
      { numRuns: 200 },
    );
  });
});

describe('a subscriber that does not keep up', () => {
  test('EVERY ends with LIMIT_EXCEEDED and a cursor after which nothing is missing', async () => {
    const { price } = announcer(bus);
    const updates = subscribe();
    for (let lmp = 0; lmp < 20; lmp++) await price(lmp);
    await settled();
    const seen: number[] = [];
    const error = await drain(updates, seen);
    expect(error).toMatchObject({ code: 'LIMIT_EXCEEDED', details: { cursor: expect.any(String) } });
    const resumed = subscribe({}, 'EVERY', cursorIn(error));
    while (seen.length < 20) seen.push(...pricesOf(await take(resumed, 1)));
    expect(seen).toEqual(Array.from({ length: 20 }, (_, lmp) => lmp));
  });

  test('EVERY is bounded by its ticks too, but one update alone always fits', async () => {
    const { announce } = announcer(bus);
    const updates = subscribe();
    await announce(Array.from({ length: 100 }, (_, lmp) => tick('PJM:A', lmp)));
    await settled();
    expect(pricesOf(await take(updates, 1))).toHaveLength(100);
  });

  test('LATEST gets the present price of each node and run, not what it missed', async () => {
    const { announce } = announcer(bus);
    const updates = subscribe({}, 'LATEST');
    for (let lmp = 0; lmp < 100; lmp++)
      await announce([tick('PJM:A', lmp), tick('PJM:A', -lmp, { run: 'SPOT' }), tick('PJM:B', 7)]);
    await settled();
    const [update] = await take(updates, 1);
    expect(update?.ticks.map(({ node, run, lmp }) => [node, run, lmp])).toEqual([
      ['PJM:A', 'REAL_TIME_5_MIN', 99],
      ['PJM:A', 'SPOT', -99],
      ['PJM:B', 'REAL_TIME_5_MIN', 7],
    ]);
    expect(update?.cursor).toBe(await bus.tail('lmp'));
    expect((await metrics.conflatedTicks.get()).values[0]?.value).toBe(297);
  });

  test('LATEST does not let a late correction of an older interval displace the present price', async () => {
    const { announce } = announcer(bus);
    const updates = subscribe({}, 'LATEST');
    await announce([tick('PJM:A', 2, { startAt: 300_000 })], [tick('PJM:A', 1, { startAt: 0, revision: 1 })]);
    await settled();
    expect(pricesOf(await take(updates, 1))).toEqual([2]);
  });

  test('does not touch the others', async () => {
    const { price } = announcer(bus);
    const slow = subscribe();
    const fast = subscribe();
    const seen: number[] = [];
    for (let lmp = 0; lmp < 50; lmp++) {
      await price(lmp);
      seen.push(...pricesOf(await take(fast, 1)));
    }
    expect(seen).toEqual(Array.from({ length: 50 }, (_, lmp) => lmp));
    await slow.return?.();
  });
});

describe('a bus that cannot be reached', () => {
  test('ends subscriptions with UNAVAILABLE and the cursor, refuses new ones, and serves again when it is back', async () => {
    const broken = breakable(bus, 'lmp');
    const own = createLiveHub({ bus: broken.bus, log: silent, metrics, ...NO_POSITIONS });
    await own.ready;
    const { price } = announcer(bus);
    const updates = own.lmp({}, 'EVERY', undefined)[Symbol.asyncIterator]();
    await price(1);
    const [first] = await take(updates, 1);
    broken.break();
    await expect(updates.next()).rejects.toMatchObject({ code: 'UNAVAILABLE', details: { cursor: first?.cursor } });
    expect(() => own.lmp({}, 'EVERY', undefined)).toThrow('cannot be reached');
    await price(2);
    broken.mend();
    const resumed = await untilServed(() => own.lmp({}, 'EVERY', first?.cursor));
    expect(pricesOf(await take(resumed, 1))).toEqual([2]);
    await own.close();
  });

  test('a hub that closes tells each subscription where to resume', async () => {
    const updates = subscribe();
    const cursor = await bus.tail('lmp');
    await hub.close();
    await expect(updates.next()).rejects.toMatchObject({ code: 'UNAVAILABLE', details: { cursor } });
  });

  test('is survived by who was told of one thing long ago, though the window is full of others', async () => {
    const narrow = ringBus(20);
    const { price } = announcer(narrow);
    const create = () => createLiveHub({ bus: narrow, log: silent, metrics, historyEntries: 4, ...NO_POSITIONS });
    const [first, second] = [create(), create()];
    await Promise.all([first.ready, second.ready]);
    const filter = { nodes: ['PJM:QUIET'] };
    const updates = first.lmp(filter, 'EVERY', undefined)[Symbol.asyncIterator]();
    await price(1, 'PJM:QUIET');
    expect(await take(updates, 1)).toHaveLength(1);
    for (let lmp = 0; lmp < 50; lmp++) {
      await price(lmp);
      await settled();
    }
    await first.close();
    const cursor = cursorIn(await drain(updates, []));
    await price(2, 'PJM:QUIET');
    const resumed = second.lmp(filter, 'EVERY', cursor)[Symbol.asyncIterator]();
    expect(pricesOf(await take(resumed, 1))).toEqual([2]);
    await second.close();
    await narrow.close();
  });
});

async function drain(updates: AsyncIterator<LmpUpdate>, seen: number[]): Promise<unknown> {
  try {
    for (;;) {
      const { value, done } = await updates.next();
      if (done) return undefined;
      seen.push(...pricesOf([value]));
    }
  } catch (error) {
    return error;
  }
}

function cursorIn(error: unknown): string {
  if (error instanceof BusbarError && typeof error.details.cursor === 'string') return error.details.cursor;
  throw new Error('no cursor to resume from', { cause: error });
}

/** A reader of prices gets as many entries at once as it is admitted, so that two of them can be made to run apart. */
function gate(real: LiveBus) {
  const readers: { admit(entries: number): void; open(): void }[] = [];
  let opened = false;
  const bus: LiveBus = {
    ...real,
    async *read<C extends Channel>(
      channel: C,
      after: string | undefined,
      signal: AbortSignal,
    ): AsyncGenerator<readonly LiveEntry<Channels[C]>[]> {
      if (channel !== 'lmp') return yield* real.read(channel, after, signal);
      const admitted: number[] = [];
      let resume: () => void = () => undefined;
      const open = () => resume();
      const admit = (entries: number) => {
        admitted.push(entries);
        resume();
      };
      readers.push({ admit, open });
      signal.addEventListener('abort', open, { once: true });
      for await (const entries of real.read(channel, after, signal)) {
        for (let rest = entries; rest.length > 0; ) {
          while (admitted.length === 0 && !opened && !signal.aborted) {
            await new Promise<void>((resolve) => {
              resume = resolve;
            });
          }
          // Also after an abort: entries can be on their way then.
          const count = admitted.shift() ?? rest.length;
          yield rest.slice(0, count);
          rest = rest.slice(count);
        }
      }
    },
  };
  return {
    bus,
    readers,
    open() {
      opened = true;
      for (const reader of readers) reader.open();
    },
  };
}

/** A client that takes one update at a time and keeps its cursor. */
function reconnecting(from: LiveHub, start: string) {
  let cursor = start;
  const seen: number[] = [];
  let updates = from.lmp({}, 'EVERY', cursor)[Symbol.asyncIterator]();
  let pending: Promise<void> | undefined;
  const take = () => {
    pending ??= updates.next().then((next) => {
      pending = undefined;
      if (next.done) return;
      seen.push(...pricesOf([next.value]));
      cursor = next.value.cursor;
    });
    return pending;
  };
  const stop = async () => {
    await updates.return?.();
    await pending;
  };
  return {
    seen,
    take,
    stop,
    async reconnect() {
      await stop();
      updates = from.lmp({}, 'EVERY', cursor)[Symbol.asyncIterator]();
    },
  };
}

async function untilServed(subscribe: () => AsyncIterable<LmpUpdate>): Promise<AsyncIterator<LmpUpdate>> {
  for (;;) {
    try {
      return subscribe()[Symbol.asyncIterator]();
    } catch {
      await turn();
    }
  }
}
