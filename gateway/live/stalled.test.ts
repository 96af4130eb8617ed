import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Client } from 'graphql-ws';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { cursorOf, socketClient, startGateway, type TestGateway } from '../../tests/support/gateway.ts';
import { announcer, tick } from '../../tests/support/live.ts';

const FRAMES_MAX = 64;
const HONEST = 20;
const STALLED = 20;

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

let gateway: TestGateway;
let source: ReturnType<typeof announcer>;
const clients: Client[] = [];
const sockets: Socket[] = [];

beforeEach(async () => {
  gateway = await startGateway({ memberFramesMax: FRAMES_MAX });
  source = announcer(gateway.bus);
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await Promise.all(clients.splice(0).map((client) => client.dispose()));
  await gateway.close();
});

/** A wide entry, so that what the kernel buffers is soon full; its time stands in its prices. */
const wide = () => Array.from({ length: 200 }, (_, node) => tick(`PJM:${node}`, Date.now()));

const queryOf = (delivery: string, further = '') =>
  `subscription { lmp(delivery: ${delivery}${further}) { cursor ticks { lmp energy loss node { id } } } }`;

async function figure(name: 'liveMembers' | 'overflowCloses'): Promise<number> {
  return (await gateway.metrics[name].get()).values[0]?.value ?? 0;
}

/** By socket, and stops reading from its TCP connection. */
async function stallBySocket(delivery: string): Promise<void> {
  class Paused extends WebSocket {
    constructor(...given: ConstructorParameters<typeof WebSocket>) {
      super(...given);
      this.once('upgrade', (response) => sockets.push(response.socket));
    }
  }
  const members = await figure('liveMembers');
  const client = socketClient(gateway.socketUrl, Paused);
  clients.push(client);
  client.subscribe({ query: queryOf(delivery) }, { next: () => {}, error: () => {}, complete: () => {} });
  await expect.poll(() => figure('liveMembers'), { interval: 5 }).toBe(members + 1);
  sockets.at(-1)?.pause();
}

/** By server-sent events, and reads nothing of the answer. */
async function stallByEvents(delivery: string, further = ''): Promise<Socket> {
  const members = await figure('liveMembers');
  const { hostname, port } = new URL(gateway.url);
  const socket = connect(Number(port), hostname);
  sockets.push(socket);
  await once(socket, 'connect');
  socket.on('error', () => {});
  socket.pause();
  const body = JSON.stringify({ query: queryOf(delivery, further) });
  socket.write(
    `POST /graphql HTTP/1.1\r\nhost: localhost\r\naccept: text/event-stream\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
  );
  await expect.poll(() => figure('liveMembers'), { interval: 5 }).toBe(members + 1);
  return socket;
}

/** Twenty that read, each in the other's company. @returns how long updates took to reach them. */
async function p99Of(updates: number): Promise<number> {
  const latencies: number[] = [];
  const members = await figure('liveMembers');
  const client = socketClient(gateway.socketUrl);
  for (let each = 0; each < HONEST; each++) {
    const next = ({ data }: { data?: { lmp: { ticks: { lmp: number }[] } } | null }) =>
      void latencies.push(Date.now() - (data?.lmp.ticks.at(-1)?.lmp ?? 0));
    client.subscribe<{ lmp: { ticks: { lmp: number }[] } }>(
      { query: queryOf('EVERY') },
      { next, error: () => {}, complete: () => {} },
    );
  }
  await expect.poll(() => figure('liveMembers')).toBe(members + HONEST);
  for (let each = 1; each <= updates; each++) {
    await source.announce(wide());
    await expect.poll(() => latencies.length, { interval: 1 }).toBeGreaterThanOrEqual(each * HONEST);
    await sleep(12);
  }
  await client.dispose();
  await expect.poll(() => figure('liveMembers')).toBeLessThanOrEqual(members);
  return latencies.sort((a, b) => a - b)[Math.floor(latencies.length * 0.99)] ?? Number.NaN;
}

test('clients that stall cost the others no time, and the process a bounded amount of memory', async () => {
  await p99Of(50);
  const without = await p99Of(150);
  for (let each = 0; each < STALLED / 2; each++) await stallBySocket(each % 2 ? 'LATEST' : 'EVERY');
  for (let each = 0; each < STALLED / 2; each++) await stallByEvents(each % 2 ? 'LATEST' : 'EVERY');
  const before = process.memoryUsage.rss();
  const beside = await p99Of(150);
  // What the kernel takes of a connection is megabytes: until it takes no more, nobody has stalled.
  for (; (await figure('overflowCloses')) < STALLED / 2; await sleep(2)) await source.announce(wide());
  const grownMb = (process.memoryUsage.rss() - before) / 2 ** 20;
  console.log({ without, beside, grownMb: Math.round(grownMb) });
  expect(await figure('overflowCloses')).toBe(STALLED / 2);
  expect(beside).toBeLessThan(2 * without + 50);
  expect(grownMb).toBeLessThan(150);
}, 120_000);

describe('a reader of server-sent events that stalls', () => {
  test('is ended with the cursor that it can resume from', async () => {
    const socket = await stallByEvents('EVERY');
    while ((await figure('overflowCloses')) === 0) {
      await source.announce(wide());
      await sleep(1);
    }
    const texts: string[] = [];
    socket.on('data', (data) => texts.push(String(data)));
    socket.resume();
    await expect.poll(() => texts.join('').includes('event: complete')).toBe(true);
    expect(texts.join('')).toMatch(/"LIMIT_EXCEEDED"/);
    const cursors = [...texts.join('').matchAll(/"cursor":"([\w-]+)"/g)].map(([, cursor]) => cursor);
    expect(cursors.at(-1)).toBe(cursors.at(-2));
  });

  test('in the past that it resumes is not ended: it is given all of it as it reads', async () => {
    await gateway.close();
    gateway = await startGateway({ memberFramesMax: 8 });
    source = announcer(gateway.bus);
    const after = cursorOf(await gateway.bus.tail('lmp'));
    // Some hundred updates of a thousand prices each, of which the kernel takes about half.
    for (let entry = 0; entry < 600; entry++) await source.announce(wide());
    const socket = await stallByEvents('EVERY', `, after: "${after}"`);
    await sleep(1_500);
    let prices = 0;
    socket.on('data', (data) => (prices += String(data).split('"energy"').length - 1));
    socket.resume();
    await expect.poll(() => prices).toBeGreaterThan(119_900);
    expect(await figure('overflowCloses')).toBe(0);
  });

  test('and does not take its end either is cut, and nothing is kept for it', async () => {
    await gateway.close();
    gateway = await startGateway({ memberFramesMax: FRAMES_MAX, edge: { socketLimits: { untakenMsMax: 50 } } });
    source = announcer(gateway.bus);
    const socket = await stallByEvents('EVERY');
    const updates: WeakRef<object>[] = [];
    const announce = () => {
      const ticks = wide();
      updates.push(new WeakRef(ticks[0] ?? ticks));
      return source.announce(ticks);
    };
    for (; (await figure('overflowCloses')) === 0; await sleep(1)) await announce();
    const cut = async () => (await gateway.metrics.connectionsCut.get()).values.map(({ labels }) => labels.reason);
    await expect.poll(cut).toEqual(['untaken']);
    const texts: string[] = [];
    socket.on('data', (data) => texts.push(String(data))).resume();
    await once(socket, 'close');
    expect(texts.join('')).not.toContain('event: complete');
    // What the gateway remembers for those who come back.
    for (let each = 0; each < 600; each++) await source.price(each);
    const kept = () => {
      collectGarbage();
      return updates.filter((update) => update.deref()).length;
    };
    await expect.poll(kept).toBe(0);
  });

  test('with LATEST stays, and sees the present prices when it reads again', async () => {
    const socket = await stallByEvents('LATEST');
    let last = 0;
    for (let each = 0; each < 600; each++) {
      const entry = wide();
      last = entry[0]?.lmp ?? 0;
      await source.announce(entry);
      await sleep(1);
    }
    expect(await figure('overflowCloses')).toBe(0);
    const texts: string[] = [];
    socket.on('data', (data) => texts.push(String(data)));
    socket.resume();
    await expect.poll(() => texts.join('').includes(`"lmp":${last}`)).toBe(true);
  });
});
