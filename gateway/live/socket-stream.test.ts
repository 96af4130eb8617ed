import { once } from 'node:events';
import type { Socket } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { createMetrics } from '../../runtime/metrics.ts';
import { socketStream } from './socket-stream.ts';
import { type Backlog, Stream } from './stream.ts';

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

let server: WebSocketServer;
let client: WebSocket;
let socket: WebSocket;
let wire: Socket;

beforeEach(async () => {
  server = new WebSocketServer({ port: 0 });
  await once(server, 'listening');
  const address = server.address();
  if (typeof address !== 'object' || !address) throw new TypeError('the server listens on a port');
  client = new WebSocket(`ws://127.0.0.1:${address.port}`);
  const [accepted, request] = await once(server, 'connection');
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

test('a result is let go when it is sent, though no other comes', async () => {
  const source = new Stream(new OneResult(), () => undefined);
  const stream = socketStream(source, '1', { socket, wire }, createMetrics());
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
