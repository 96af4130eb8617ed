import { once } from 'node:events';
import type { Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import type { Client } from 'graphql-ws';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { BusbarError } from '../../domain/errors.ts';
import { cursorOf, LMP, socketClient, startGateway, type TestGateway } from '../../tests/support/gateway.ts';
import { announcer, tick } from '../../tests/support/live.ts';

let gateway: TestGateway;
let source: ReturnType<typeof announcer>;
const clients: Client[] = [];

beforeEach(async () => {
  gateway = await startGateway();
  source = announcer(gateway.bus);
});
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.dispose()));
  await gateway.close();
});

interface Frame {
  readonly data?: {
    readonly lmp: { readonly cursor: string; readonly ticks: readonly { readonly lmp: number }[] };
  } | null;
  readonly errors?: readonly { readonly message: string; readonly extensions?: Record<string, unknown> }[];
}

type Frames = AsyncIterableIterator<Frame>;

function client(socket: unknown = WebSocket): Client {
  const created = socketClient(gateway.socketUrl, socket);
  clients.push(created);
  return created;
}

/** Subscribes by socket and waits until the gateway has it, unless a cursor says where to begin anyway. */
async function bySocket(variables: Record<string, unknown> = {}, from = client()): Promise<Frames> {
  const members = await figure('liveMembers');
  const frames = from.iterate({ query: LMP, variables }) as unknown as Frames;
  if (variables.after === undefined) await until(async () => (await figure('liveMembers')) > members);
  return frames;
}

/** Subscribes by server-sent events; the answer's head says that the gateway has it. */
async function byEvents(variables: Record<string, unknown> = {}): Promise<{ frames: Frames; abort(): void }> {
  const aborting = new AbortController();
  const response = await fetch(gateway.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
    body: JSON.stringify({ query: LMP, variables }),
    signal: aborting.signal,
  });
  expect(response.headers.get('content-type')).toContain('text/event-stream');
  return { frames: framesIn(response), abort: () => aborting.abort() };
}

async function* framesIn(response: Response): Frames {
  let text = '';
  for await (const chunk of response.body ?? []) {
    text += Buffer.from(chunk).toString();
    const events = text.split('\n\n');
    text = events.pop() ?? '';
    for (const event of events) {
      const data = /^event: next\ndata: (.*)$/m.exec(event)?.[1];
      if (data) yield JSON.parse(data);
    }
  }
}

async function take(frames: Frames, prices: number): Promise<{ prices: number[]; cursor: string }> {
  const seen: number[] = [];
  let cursor = '';
  while (seen.length < prices) {
    const { value, done } = await frames.next();
    if (done || !value.data) throw new Error(`ended after ${seen.length}: ${JSON.stringify(value)}`);
    seen.push(...value.data.lmp.ticks.map(({ lmp }: { lmp: number }) => lmp));
    cursor = value.data.lmp.cursor;
  }
  return { prices: seen, cursor };
}

async function figure(
  name: 'liveMembers' | 'liveSubscriptions' | 'overflowCloses' | 'conflatedTicks',
): Promise<number> {
  return (await gateway.metrics[name].get()).values[0]?.value ?? 0;
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await turn();
}

const numbers = (count: number, from = 0) => Array.from({ length: count }, (_, each) => from + each);

describe.each(['socket', 'events'] as const)('by %s, a subscriber', (way) => {
  const subscribe = async (variables = {}) =>
    way === 'socket' ? bySocket(variables) : (await byEvents(variables)).frames;

  test('sees what is announced after it subscribed, each with its cursor', async () => {
    const frames = await subscribe();
    await source.price(1);
    const first = await take(frames, 1);
    expect(first).toEqual({ prices: [1], cursor: cursorOf(await gateway.bus.tail('lmp')) });
    await frames.return?.();
  });

  test('sees only the nodes it asked for', async () => {
    const frames = await subscribe({ nodes: ['PJM:B'] });
    await source.price(1, 'PJM:A');
    await source.price(2, 'PJM:B');
    expect((await take(frames, 1)).prices).toEqual([2]);
    await frames.return?.();
  });

  test('that reconnects with its cursor at random misses nothing and sees nothing twice while prices come', async () => {
    const count = 400;
    let after = cursorOf(await gateway.bus.tail('lmp'));
    const producing = (async () => {
      for (const lmp of numbers(count)) {
        await source.price(lmp);
        if (lmp % 7 === 0) await turn();
      }
    })();
    const seen: number[] = [];
    while (seen.length < count) {
      const frames = await subscribe({ after });
      const stay = 1 + Math.floor(Math.random() * 60);
      const got = await take(frames, Math.min(stay, count - seen.length));
      await frames.return?.();
      seen.push(...got.prices);
      after = got.cursor;
    }
    await producing;
    expect(seen).toEqual(numbers(count));
  });

  test('with a cursor that is none, or too old, is told so', async () => {
    const frames = await subscribe({ after: 'yesterday' });
    expect((await frames.next()).value.errors[0].extensions).toEqual({ code: 'BAD_USER_INPUT' });
    const old = await subscribe({ after: cursorOf('0123456789ab-7') });
    expect((await old.next()).value.errors[0].extensions).toMatchObject({ code: 'CURSOR_EXPIRED' });
  });
});

describe('identical subscriptions', () => {
  test('share one source and one execution, over sockets and events alike', async () => {
    const all = [await bySocket(), await bySocket(), (await byEvents()).frames];
    expect(await figure('liveSubscriptions')).toBe(1);
    for (const lmp of numbers(10)) {
      await source.price(lmp);
      for (const frames of all) expect((await take(frames, 1)).prices).toEqual([lmp]);
    }
    expect(gateway.loaded.ledgerEntries).toBe(10);
    for (const frames of all) await frames.return?.();
  });

  test('with other variables, or another cursor, do not share', async () => {
    const here = async () => cursorOf(await gateway.bus.tail('lmp'), 'lmp', { nodes: ['PJM:C'] });
    const after = await here();
    await source.price(1);
    const later = await here();
    const all = [
      await bySocket({ nodes: ['PJM:A'] }),
      await bySocket({ nodes: ['PJM:B'] }),
      await bySocket({ nodes: ['PJM:C'], after }),
      await bySocket({ nodes: ['PJM:C'], after: later }),
    ];
    await until(async () => (await figure('liveSubscriptions')) === 4);
    for (const frames of all) await frames.return?.();
  });

  test('share though they come with variables that nobody asks for', async () => {
    const all = [await bySocket({ junk: 'one' }), await bySocket({ junk: 'other' }), await bySocket()];
    expect(await figure('liveSubscriptions')).toBe(1);
    for (const frames of all) await frames.return?.();
  });

  test('stay when one leaves, and the source ends with the last', async () => {
    const [one, other] = [await bySocket(), await byEvents()];
    await one.return?.();
    await source.price(1);
    expect((await take(other.frames, 1)).prices).toEqual([1]);
    other.abort();
    await until(async () => (await figure('liveSubscriptions')) === 0);
    expect(await figure('liveMembers')).toBe(0);
  });

  test('get a new context for each event, so that nothing loaded for one is shown for the next', async () => {
    const frames = await bySocket();
    for (const lmp of [1, 2]) {
      await source.price(lmp);
      await take(frames, 1);
    }
    // Both ticks name the same ledger entry; a loader that lived on would have asked once.
    expect(gateway.loaded.ledgerEntries).toBe(2);
    await frames.return?.();
  });
});

describe('an event that fails', () => {
  test('altogether ends the subscription with one error and the cursor before it, not with one after another', async () => {
    const all = [await bySocket(), (await byEvents()).frames];
    await source.price(1);
    const cursors = await Promise.all(all.map(async (frames) => (await take(frames, 1)).cursor));
    await source.price(Number.NaN);
    await source.price(Number.NaN);
    for (const [place, frames] of all.entries()) {
      expect((await frames.next()).value).toMatchObject({
        errors: [
          {
            message: 'Unexpected error.',
            path: ['lmp', 'ticks', 0, 'lmp'],
            locations: [{ line: 2 }],
            extensions: { code: 'INTERNAL_SERVER_ERROR', cursor: cursors[place] },
          },
        ],
      });
      expect((await frames.next()).done).toBe(true);
    }
    expect(await figure('liveSubscriptions')).toBe(0);
  });

  test('in a field that may be null goes on, says so each time, and is logged once until one succeeds', async () => {
    const lines: Record<string, unknown>[] = [];
    const log = pino({ level: 'warn' }, { write: (line) => void lines.push(JSON.parse(line)) });
    let away = true;
    const nodesByName = async (names: readonly string[]) => {
      if (away) throw new BusbarError('UNAVAILABLE', 'the store is away');
      return names.map(() => null);
    };
    const other = await startGateway({ log, reads: { nodesByName } });
    const socket = socketClient(other.socketUrl);
    clients.push(socket);
    const query = 'subscription { lmp { ticks { lmp node { title } } } }';
    const frames = socket.iterate({ query });
    await until(async () => ((await other.metrics.liveMembers.get()).values[0]?.value ?? 0) > 0);
    const announcing = announcer(other.bus);
    const next = async (lmp: number, node?: string) => {
      await announcing.price(lmp, node);
      return (await frames.next()).value;
    };
    const failed = { path: ['lmp', 'ticks', 0, 'node', 'title'], extensions: { code: 'UNAVAILABLE' } };
    expect(await next(1)).toMatchObject({ data: { lmp: { ticks: [{ lmp: 1 }] } }, errors: [failed] });
    expect(await next(2, 'PJM:B')).toMatchObject({ data: { lmp: { ticks: [{ lmp: 2 }] } }, errors: [failed] });
    expect(lines).toHaveLength(1);
    away = false;
    expect(await next(3)).not.toHaveProperty('errors');
    away = true;
    expect(await next(4)).toMatchObject({ errors: [failed] });
    expect(lines.map(({ msg }) => msg)).toEqual(Array(2).fill('request could not be served'));
    await socket.dispose();
    await other.close();
  });
});

describe('a client that stalls', () => {
  /** A wide entry, so that what the kernel buffers is soon full. */
  const wide = (lmp: number, nodes = 200) => Array.from({ length: nodes }, (_, node) => tick(`PJM:${node}`, lmp));

  /** Stops reading from its TCP connection. */
  async function stall(variables: Record<string, unknown>) {
    let raw: Socket | undefined;
    class Observed extends WebSocket {
      constructor(...given: ConstructorParameters<typeof WebSocket>) {
        super(...given);
        this.once('upgrade', (response) => {
          raw = response.socket;
        });
      }
    }
    const frames = await bySocket(variables, client(Observed));
    raw?.pause();
    return { frames, resume: () => raw?.resume() };
  }

  test.each([
    ['many updates', 200, 64],
    ['few updates that hold much', 1_000, 2_048],
  ])(
    'with EVERY and %s is ended with a cursor after which nothing is missing, and the others get everything',
    async (_, nodes, framesMax) => {
      await restart(framesMax);
      const stalled = await stall({ delivery: 'EVERY' });
      const healthy = await bySocket({ delivery: 'EVERY' });
      const seen: number[] = [];
      let lmp = 0;
      for (; (await figure('overflowCloses')) === 0; lmp++) {
        await source.announce(wide(lmp, nodes));
        seen.push(...(await take(healthy, nodes)).prices);
      }
      // Though the kernel takes megabytes before anything waits.
      expect(lmp).toBeLessThan(2_048);
      expect(seen).toEqual(numbers(lmp).flatMap((each) => Array(nodes).fill(each)));
      stalled.resume();
      const got: number[] = [];
      let last: Frame | undefined;
      for await (const frame of stalled.frames) {
        last = frame;
        got.push(...(frame.data?.lmp.ticks.map((each) => each.lmp) ?? []));
      }
      expect(last?.errors?.[0]?.extensions).toEqual({ code: 'LIMIT_EXCEEDED', cursor: expect.any(String) });
      const resumed = await bySocket({ delivery: 'EVERY', after: last?.errors?.[0]?.extensions?.cursor });
      got.push(...(await take(resumed, lmp * nodes - got.length)).prices);
      expect(got).toEqual(seen);
      await Promise.all([healthy.return?.(), resumed.return?.()]);
    },
  );

  test('with LATEST gets the present prices when it is back, and the others get everything', async () => {
    const stalled = await stall({ delivery: 'LATEST' });
    const healthy = await bySocket({ delivery: 'LATEST' });
    let count = 0;
    for (; (await figure('conflatedTicks')) < 2_000; count++) {
      await source.announce(wide(count));
      expect((await take(healthy, 200)).prices).toEqual(Array(200).fill(count));
    }
    stalled.resume();
    const got: number[] = [];
    for await (const frame of stalled.frames) {
      const ticks = frame.data?.lmp.ticks ?? [];
      expect(ticks).toHaveLength(200);
      got.push(...new Set(ticks.map(({ lmp }) => lmp)));
      if (got.at(-1) === count - 1) break;
    }
    expect(got.length).toBeLessThan(count);
    expect(got).toEqual([...got].sort((a, b) => a - b));
    await healthy.return?.();
  });

  /** With a bound of its own. */
  async function restart(memberFramesMax: number): Promise<void> {
    await gateway.close();
    gateway = await startGateway({ memberFramesMax });
    source = announcer(gateway.bus);
  }
});

describe('a gateway that closes', () => {
  test('closes sockets with 1001, so that clients come back', async () => {
    const socket = new WebSocket(gateway.socketUrl, 'graphql-transport-ws');
    await once(socket, 'open');
    const messages: string[] = [];
    socket.on('message', (data) => messages.push(String(data)));
    socket.send('{"type":"connection_init"}');
    await once(socket, 'message');
    socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload: { query: LMP } }));
    await until(async () => (await figure('liveMembers')) === 1);
    const closed = once(socket, 'close');
    const done = gateway.close();
    const [code] = await closed;
    await done;
    expect(code).toBe(1001);
    expect(messages.join()).not.toContain('complete');
  });

  test('ends event streams with UNAVAILABLE and the cursor to resume from', async () => {
    const { frames } = await byEvents();
    await source.price(1);
    const { cursor } = await take(frames, 1);
    const closing = gateway.close();
    expect((await frames.next()).value.errors[0].extensions).toEqual({ code: 'UNAVAILABLE', cursor });
    expect((await frames.next()).done).toBe(true);
    await closing;
  });

  test('names the place where it stood itself, not the last update of who waits for what is rare', async () => {
    const rare = await byEvents({ nodes: ['PJM:B'] });
    const often = await byEvents();
    await source.price(1, 'PJM:B');
    await Promise.all([rare, often].map(({ frames }) => take(frames, 1)));
    // One after the other, each after the rest of the one before: so the other's only rest is over, too.
    for (const lmp of numbers(5)) {
      await source.price(lmp);
      await take(often.frames, 1);
    }
    const cursor = cursorOf(await gateway.bus.tail('lmp'), 'lmp', { nodes: ['PJM:B'] });
    const closing = gateway.close();
    expect((await rare.frames.next()).value.errors[0].extensions).toEqual({ code: 'UNAVAILABLE', cursor });
    await closing;
  });

  test('cuts a socket that does not answer the close within the grace', async () => {
    const impatient = await startGateway({ graceMs: 50 });
    const socket = new WebSocket(impatient.socketUrl, 'graphql-transport-ws');
    let raw: Socket | undefined;
    socket.once('upgrade', (response) => {
      raw = response.socket;
    });
    await once(socket, 'open');
    raw?.pause();
    await impatient.close();
    socket.terminate();
  });
});
