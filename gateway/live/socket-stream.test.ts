import { once } from 'node:events';
import type { Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { createMetrics, type Metrics } from '../../runtime/metrics.ts';
import { socketStream } from './socket-stream.ts';
import { type Backlog, Stream } from './stream.ts';

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

let server: WebSocketServer;
let client: WebSocket;
/** Below the client. */
let far: Socket;
let socket: WebSocket;
let wire: Socket;
let metrics: Metrics;

beforeEach(async () => {
  server = new WebSocketServer({ port: 0 });
  await once(server, 'listening');
  const address = server.address();
  if (typeof address !== 'object' || !address) throw new TypeError('the server listens on a port');
  metrics = createMetrics();
  client = new WebSocket(`ws://127.0.0.1:${address.port}`);
  client.once('upgrade', (response) => {
    far = response.socket;
  });
  const opened = once(client, 'open');
  const [accepted, request] = await once(server, 'connection');
  await opened;
  socket = accepted;
  wire = request.socket;
});
afterEach(() => {
  client.terminate();
  server.close();
});

class OneResult implements Backlog<object, object> {
  #result: object | undefined;

  add(result: object): boolean {
    this.#result = result;
    return true;
  }

  take(): object | undefined {
    const result = this.#result;
    this.#result = undefined;
    return result;
  }

  get isEmpty(): boolean {
    return this.#result === undefined;
  }

  clear(): void {
    this.#result = undefined;
  }
}

class InOrder implements Backlog<object, object> {
  #results: object[] = [];

  add(result: object): boolean {
    this.#results.push(result);
    return true;
  }

  take(): object | undefined {
    return this.#results.shift();
  }

  get isEmpty(): boolean {
    return this.#results.length === 0;
  }

  clear(): void {
    this.#results = [];
  }
}

function streamTo(source: Stream<object, object>, id = '1', untakenMsMax = 60_000) {
  return socketStream(source, id, { socket, wire }, { metrics, untakenMsMax, onEnded: () => undefined });
}

const large = (text: string) => ({ data: { lmp: text.padEnd(1024 * 1024) } });

test('a result is let go when it is sent, though no other comes', async () => {
  const source = new Stream(new OneResult(), () => undefined);
  const stream = streamTo(source);
  const ended = stream.next();
  const offer = (): WeakRef<object> => {
    const result = { data: { lmp: { ticks: Array.from({ length: 1_000 }, (_, place) => place) } } };
    source.offer(result);
    return new WeakRef(result);
  };
  const message = once(client, 'message');
  const sent = offer();
  expect(String((await message)[0])).toMatch(/^{"id":"1","type":"next","payload":{"data":/);
  const isThere = () => {
    collectGarbage();
    return sent.deref() !== undefined;
  };
  await expect.poll(isThere).toBe(false);
  source.end();
  expect(await ended).toEqual({ done: true, value: undefined });
});

test('a socket that is not read has one frame beyond the bound unsent, however many subscriptions it has', async () => {
  far.pause();
  const sources = Array.from({ length: 30 }, () => new Stream(new OneResult(), () => undefined));
  const streams = sources.map((source, place) => streamTo(source, String(place)).next());
  const result = large('');
  for (const source of sources) source.offer(result);
  await turn();
  // Of thirty megabytes the kernel takes some.
  expect(wire.writableLength).toBeGreaterThan(256 * 1024);
  expect(wire.writableLength).toBeLessThan(3 * 1024 * 1024);
  for (const source of sources) source.offer(large('next'));
  let most = 0;
  wire.on('drain', () => setImmediate(() => (most = Math.max(most, wire.writableLength))));
  const ids: string[] = [];
  client.on('message', (data) => ids.push(JSON.parse(String(data)).id));
  far.resume();
  await expect.poll(() => ids.length, { timeout: 10_000 }).toBe(60);
  // None is heard twice before another is heard once.
  expect(new Set(ids.slice(0, 30)).size).toBe(30);
  expect(most).toBeLessThan(3 * 1024 * 1024);
  for (const source of sources) source.end();
  await Promise.all(streams);
});

test('a stream that has ended and is not taken is let go with its socket', async () => {
  far.pause();
  const source = new Stream(new InOrder(), () => undefined);
  const ended = streamTo(source, '1', 50).next();
  const offer = (): WeakRef<object> => {
    const result = large('');
    source.offer(result);
    return new WeakRef(result);
  };
  const waiting = Array.from({ length: 30 }, offer);
  source.end();
  expect(await ended).toEqual({ done: true, value: undefined });
  expect(wire.destroyed).toBe(true);
  expect((await metrics.socketsClosed.get()).values).toMatchObject([{ value: 1, labels: { reason: 'untaken' } }]);
  const kept = () => {
    collectGarbage();
    return waiting.filter((result) => result.deref()).length;
  };
  await expect.poll(kept).toBe(0);
});
