import { describe, expect, test } from 'vitest';
import {
  AGE_MS_MAX,
  type BusUnderTest,
  CHECKS,
  describeLiveBus,
  ON_LMP,
  range,
  tick,
  WIDE,
} from './live-bus.conformance.ts';
import type { LiveBus, Window } from './live-bus.ts';
import { createRingBus } from './ring-bus.ts';

const { announceMany, announcement, failureOf, take } = ON_LMP;

describeLiveBus('the ring in the process', createRingUnderTest);

describe('the ring in the process', () => {
  test('a cursor of an earlier process is CURSOR_EXPIRED', async () => {
    const before = await (await createRingUnderTest(WIDE)).bus.tail('lmp');
    const { bus } = await createRingUnderTest(WIDE);
    expect(await failureOf(bus, before)).toBe('CURSOR_EXPIRED');
  });

  test('events pass as the objects they are', async () => {
    const { bus } = await createRingUnderTest(WIDE);
    const start = await bus.tail('lmp');
    const announced = announcement('a', 1);
    await bus.announce('lmp', announced);
    expect((await take(bus, start, 1))[0]?.events).toBe(announced.batches[0]);
  });

  test('entries age out by the clock alone, without an append', async () => {
    const { bus, letAge } = await createRingUnderTest({ entriesMax: 10, ageMsMax: AGE_MS_MAX });
    const start = await bus.tail('lmp');
    await bus.announce('lmp', announcement('a', 1));
    await letAge();
    expect(await failureOf(bus, start)).toBe('CURSOR_EXPIRED');
  });

  test('the window holds exactly as many entries as it says', async () => {
    const { bus } = await createRingUnderTest({ entriesMax: 3, ageMsMax: 1_000 });
    const start = await bus.tail('lmp');
    await announceMany(bus, 'a', 3);
    expect(await take(bus, start, 3)).toHaveLength(3);
    await bus.announce('lmp', announcement('a', 4));
    expect(await failureOf(bus, start)).toBe('CURSOR_EXPIRED');
  });

  test('a reader from far back leaves a turn of the event loop to others after each piece that is decoded', async () => {
    const { bus } = await createRingUnderTest(WIDE);
    const start = await bus.tail('lmp');
    // Each more than is decoded at once; the 16 newest stay as they are.
    const ticks = range(1, 600).map((place) => tick(`PJM:${place}`, 1));
    for (const sequence of range(1, 40)) await bus.announce('lmp', { source: 'a', sequence, batches: [ticks] });
    const pieces: { entries: number; turn: number }[] = [];
    const turns = countTurns();
    for await (const { length: entries } of bus.read('lmp', start, AbortSignal.timeout(10_000))) {
      pieces.push({ entries, turn: turns.passed });
      if (entries > 1) break;
    }
    turns.stop();
    expect(pieces.map(({ entries }) => entries)).toEqual([...range(1, 24).map(() => 1), 16]);
    for (const [place, { turn }] of pieces.entries()) expect(turn).toBeGreaterThanOrEqual(place);
  });
});

describe('the checks fail on', () => {
  const TWICE = CHECKS['an announcement made twice, or after a later one of its source, is without effect'];
  const RESUME =
    CHECKS[
      'a reader that resumes with its cursor again and again under concurrent appends misses nothing and sees nothing twice'
    ];
  const EXPIRY =
    CHECKS['a cursor that the number of entries has overtaken is CURSOR_EXPIRED, the newest ones are still good'];
  const TOGETHER = CHECKS['the entries of one announcement stay together while several sources announce'];

  test('a bus that does not compare ledger ids', async () => {
    let call = 0;
    const forgetful = await brokenRing(WIDE, (bus) => ({
      announce: (channel, given) => bus.announce(channel, { ...given, source: `${given.source}/${call++}` }),
    }));
    await expect(TWICE.run(forgetful, ON_LMP)).rejects.toThrow('expected true to be false');
  });

  test('a bus that begins one entry late after a cursor', async () => {
    const leaky = await brokenRing(WIDE, (bus) => ({
      async *read(channel, after, signal) {
        let dropped = false;
        // The check waits for what never comes; it need not wait long.
        const patience = AbortSignal.any([signal, AbortSignal.timeout(500)]);
        for await (const entries of bus.read(channel, after, patience)) {
          const rest = dropped ? entries : entries.slice(1);
          dropped = true;
          if (rest.length > 0) yield rest;
        }
      },
    }));
    await expect(RESUME.run(leaky, ON_LMP)).rejects.toThrow('entries came');
  });

  test('a bus that hands the entry of the cursor over again', async () => {
    const repeating = await brokenRing(WIDE, (bus) => ({
      read: (channel, after, signal) => bus.read(channel, after && oneEarlier(after), signal),
    }));
    await expect(RESUME.run(repeating, ON_LMP)).rejects.toThrow();
  });

  test('a bus that takes an expired cursor for the present end', async () => {
    const silent = await brokenRing(EXPIRY.window, (bus) => ({
      async *read(channel, after, signal) {
        const failed = after !== undefined && (await failureOfAborted(bus, after));
        yield* bus.read(channel, failed ? undefined : after, AbortSignal.any([signal, AbortSignal.timeout(100)]));
      },
    }));
    await expect(EXPIRY.run(silent, ON_LMP)).rejects.toThrow();
  });

  test('a bus that takes a cursor of another channel for one of this', async () => {
    const FOREIGN = CHECKS['a cursor of another channel is CURSOR_EXPIRED'];
    const mixing = await brokenRing(WIDE, (bus) => ({
      async *read(channel, after, signal) {
        const [incarnation] = (await bus.tail(channel)).split('-');
        const taken = after?.replace(/^[0-9a-f]+/, incarnation ?? '');
        yield* bus.read(channel, taken, AbortSignal.any([signal, AbortSignal.timeout(100)]));
      },
    }));
    await expect(FOREIGN.run(mixing, ON_LMP)).rejects.toThrow();
  });

  test('a bus that takes an announcement apart', async () => {
    const apart = await brokenRing(WIDE, (bus) => ({
      async announce(channel, { source, sequence, batches }) {
        for (const [place, batch] of batches.entries()) {
          await bus.announce(channel, { source, sequence: sequence * 10 + place, batches: [batch] });
        }
        return true;
      },
    }));
    await expect(TOGETHER.run(apart, ON_LMP)).rejects.toThrow();
  });
});

async function createRingUnderTest(window: Window): Promise<BusUnderTest> {
  let now = Date.UTC(2026, 0, 1);
  const bus = createRingBus({ window, clock: () => now });
  return {
    bus,
    async letAge() {
      now += AGE_MS_MAX + 1;
    },
    stop: () => bus.close(),
  };
}

/** How often others had their turn since. */
function countTurns(): { readonly passed: number; stop(): void } {
  let passed = 0;
  const pass = () => {
    passed++;
    next = setImmediate(pass);
  };
  let next = setImmediate(pass);
  return {
    get passed() {
      return passed;
    },
    stop: () => clearImmediate(next),
  };
}

/** A ring with some of its methods broken. */
async function brokenRing(window: Window, breaks: (bus: LiveBus) => Partial<LiveBus>): Promise<BusUnderTest> {
  const given = await createRingUnderTest(window);
  return { ...given, bus: { ...given.bus, ...breaks(given.bus) } };
}

/** The cursor of the entry before; the beginning stays what it is. */
function oneEarlier(cursor: string): string {
  const [incarnation, place] = cursor.split('-');
  return `${incarnation}-${Math.max(Number(place) - 1, 0)}`;
}

/** Whether a cursor is refused; does not wait for entries where there are none yet. */
async function failureOfAborted(bus: LiveBus, cursor: string): Promise<boolean> {
  const reading = new AbortController();
  const first = bus.read('lmp', cursor, reading.signal)[Symbol.asyncIterator]().next();
  reading.abort();
  return first.then(
    () => false,
    () => true,
  );
}
