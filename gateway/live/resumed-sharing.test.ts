import { setImmediate as turn } from 'node:timers/promises';
import type { Client } from 'graphql-ws';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { cursorOf, LMP, socketClient, startGateway, type TestGateway } from '../../tests/support/gateway.ts';
import { announcer } from '../../tests/support/live.ts';

let gateway: TestGateway;
let source: ReturnType<typeof announcer>;
let socket: Client;

beforeEach(async () => {
  gateway = await startGateway({
    // Nothing stands yet.
    snapshots: (prices) => async () => ({
      snapshot: { prices: [], committed: new Set(), newestCommit: 0 },
      head: prices.head ?? expect.unreachable(),
      whenPassed: () => () => undefined,
    }),
  });
  source = announcer(gateway.bus);
  socket = socketClient(gateway.socketUrl);
});
afterEach(async () => {
  await socket.dispose();
  await gateway.close();
});

interface Frame {
  readonly data?: {
    readonly lmp: { readonly cursor: string; readonly ticks: readonly { readonly lmp: number }[] };
  } | null;
  readonly errors?: readonly { readonly extensions?: Record<string, unknown> }[];
}

/** A subscriber that leaves and comes back with its cursor, and keeps all that it is told. */
class Subscriber {
  readonly seen: number[] = [];
  frames = 0;
  readonly #query: string;
  readonly #variables: Record<string, unknown>;
  cursor: string | undefined;
  last: Frame | undefined;
  #frames: AsyncIterableIterator<Frame> | undefined;
  #following: Promise<void> = Promise.resolve();

  constructor(variables: Record<string, unknown> = {}, query = LMP) {
    this.#variables = variables;
    this.#query = query;
  }

  come(after: string | undefined = this.cursor): void {
    const variables = { ...this.#variables, ...(after !== undefined && { after }) };
    const frames = socket.iterate({ query: this.#query, variables }) as unknown as AsyncIterableIterator<Frame>;
    this.#frames = frames;
    this.#following = (async () => {
      for await (const frame of frames) {
        this.last = frame;
        this.frames += 1;
        if (!frame.data) continue;
        this.cursor = frame.data.lmp.cursor;
        this.seen.push(...frame.data.lmp.ticks.map(({ lmp }) => lmp));
      }
    })();
  }

  async leave(): Promise<void> {
    await this.#frames?.return?.();
    await this.#following;
  }

  async seesTo(lmp: number): Promise<void> {
    while (this.seen.at(-1) !== lmp) await turn();
  }
}

const numbers = (count: number, from = 0) => Array.from({ length: count }, (_, each) => from + each);
const create = (count: number, ...given: ConstructorParameters<typeof Subscriber>) =>
  numbers(count).map(() => new Subscriber(...given));
const figure = async (name: 'liveMembers' | 'liveSubscriptions') =>
  (await gateway.metrics[name].get()).values[0]?.value ?? 0;
const tail = async () => cursorOf(await gateway.bus.tail('lmp'));

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await turn();
}

const areThere = (count: number) => until(async () => (await figure('liveMembers')) === count);
const shareOne = () => until(async () => (await figure('liveSubscriptions')) === 1);

/** Prices from a number on, one at a time, each seen by all. @returns how often they were executed. */
async function executions(all: readonly Subscriber[], prices: readonly number[]): Promise<number> {
  const before = gateway.loaded.ledgerEntries;
  for (const lmp of prices) {
    await source.price(lmp);
    await Promise.all(all.map((each) => each.seesTo(lmp)));
  }
  return gateway.loaded.ledgerEntries - before;
}

describe('subscriptions of one question that resume', () => {
  test('with one cursor share from the beginning, also what came while they were away', async () => {
    const after = await tail();
    for (const lmp of numbers(5)) await source.price(lmp);
    const all = create(20);
    for (const each of all) each.come(after);
    await Promise.all(all.map((each) => each.seesTo(4)));
    expect(await figure('liveSubscriptions')).toBe(1);
    const before = gateway.loaded.ledgerEntries;
    expect(before).toBeLessThanOrEqual(5);
    expect(await executions(all, numbers(10, 5))).toBe(10);
    for (const { seen } of all) expect(seen).toEqual(numbers(15));
  });

  test('with cursors of their own share as soon as they have come to one place, and who has none joins them', async () => {
    const all = create(5);
    for (const [lmp, each] of all.entries()) {
      each.come(await tail());
      await source.price(lmp);
    }
    await Promise.all(all.map((each) => each.seesTo(4)));
    const fresh = new Subscriber();
    await executions(all, [5]);
    await shareOne();
    fresh.come();
    await areThere(6);
    expect(await figure('liveSubscriptions')).toBe(1);
    expect(await executions([...all, fresh], numbers(10, 6))).toBe(10);
    expect(fresh.seen).toEqual(numbers(10, 6));
    for (const [from, { seen }] of all.entries()) expect(seen).toEqual(numbers(16 - from, from));
  });

  test('where others stand already join them at once, though nothing comes', async () => {
    const [staying, leaving] = [new Subscriber(), new Subscriber()];
    for (const each of [staying, leaving]) each.come();
    await areThere(2);
    await executions([staying, leaving], [0]);
    await leaving.leave();
    leaving.come();
    await areThere(2);
    expect(await figure('liveSubscriptions')).toBe(1);
    expect(await executions([staying, leaving], [1])).toBe(1);
    expect(leaving.seen).toEqual([0, 1]);
  });

  test('after a snapshot share with those who are told theirs', async () => {
    const query = `subscription Lmp($after: String) {
      lmp(after: $after, snapshot: true) { cursor ticks { lmp ledgerEntry { id } } }
    }`;
    const [staying, leaving, late] = [
      new Subscriber({}, query),
      new Subscriber({}, query),
      new Subscriber({}, query),
    ] as const;
    for (const each of [staying, leaving]) each.come();
    await until(async () => [staying, leaving].every(({ cursor }) => cursor !== undefined));
    await executions([staying, leaving], [0]);
    await leaving.leave();
    await executions([staying], [1]);
    leaving.come();
    await leaving.seesTo(1);
    await executions([staying, leaving], [2]);
    await shareOne();
    late.come();
    await until(async () => late.cursor !== undefined);
    expect(await executions([staying, leaving, late], numbers(5, 3))).toBe(5);
    expect([staying.seen, leaving.seen, late.seen]).toEqual([numbers(8), numbers(8), numbers(5, 3)]);
  });

  test('and were handed over end with the cursor to go on from, like the others', async () => {
    const all = create(3);
    for (const [lmp, each] of all.entries()) {
      each.come(await tail());
      await source.price(lmp);
    }
    await Promise.all(all.map((each) => each.seesTo(2)));
    await executions(all, [3]);
    await shareOne();
    await source.price(Number.NaN);
    const { cursor } = all[0] ?? expect.unreachable();
    await until(async () => all.every(({ last }) => last?.errors));
    for (const { last } of all) expect(last?.errors?.[0]?.extensions).toMatchObject({ cursor });
    expect(await figure('liveMembers')).toBe(0);
  });

  test('leave, and the source ends with the last of them', async () => {
    const all = create(3);
    for (const [lmp, each] of all.entries()) {
      each.come(await tail());
      await source.price(lmp);
    }
    await executions(all, [3]);
    await shareOne();
    for (const each of all) await each.leave();
    await until(async () => (await figure('liveSubscriptions')) === 0);
    expect(await figure('liveMembers')).toBe(0);
  });
});

describe.each(['EVERY', 'LATEST'] as const)('subscribers of one question with %s', (delivery) => {
  test('that leave and resume at random while prices come see them once and in order, and share in the end', async () => {
    const all = create(12, { delivery });
    const beginning = await tail();
    const [staying, ...leaving] = all;
    staying?.come();
    await areThere(1);
    let lmp = 0;
    let moving = true;
    const producing = (async () => {
      while (moving) {
        const burst = 1 + Math.floor(Math.random() * 20);
        for (let each = 0; each < burst; each++) await source.price(lmp++);
        const rest = Math.random() < 0.5 ? 1 : Math.floor(Math.random() * 40);
        for (let each = 0; each < rest; each++) await turn();
      }
    })();
    const wandering = leaving.map(async (each) => {
      for (let visits = 0; visits < 15; visits++) {
        const frames = each.frames + 1 + Math.floor(Math.random() * 12);
        each.come(each.cursor ?? beginning);
        await until(async () => each.frames >= frames);
        await each.leave();
      }
      each.come();
    });
    await Promise.all(wandering);
    moving = false;
    await producing;
    await areThere(12);
    await Promise.all(all.map((each) => each.seesTo(lmp - 1)));
    await executions(all, [lmp]);
    await shareOne();
    expect(await executions(all, numbers(5, lmp + 1))).toBe(5);
    for (const { seen } of all) {
      if (delivery === 'EVERY') expect(seen).toEqual(numbers(lmp + 6));
      else expect(seen.every((price, place) => price > (seen[place - 1] ?? -1))).toBe(true);
    }
  });
});
