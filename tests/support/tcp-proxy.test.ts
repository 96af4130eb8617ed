import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startTcpProxy, type TcpProxy } from './tcp-proxy.ts';

/** A server that keeps what it is told and answers each line with itself. */
async function startListener() {
  const sockets: Socket[] = [];
  let heard = '';
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('data', (chunk) => {
      heard += chunk;
      socket.write(chunk);
    });
    socket.on('error', () => undefined);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    sockets,
    get heard() {
      return heard;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function startTalker(port: number) {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true });
  let heard = '';
  let closed = false;
  socket.on('data', (chunk) => {
    heard += chunk;
  });
  socket.on('error', () => undefined);
  socket.on('close', () => {
    closed = true;
  });
  await Promise.race([once(socket, 'connect'), new Promise((over) => socket.once('close', over))]).catch(
    () => undefined,
  );
  return {
    socket,
    say: (text: string) => void socket.write(text),
    get heard() {
      return heard;
    },
    get closed() {
      return closed;
    },
  };
}

describe('the network that fails when it is told to', () => {
  let server: Awaited<ReturnType<typeof startListener>>;
  let proxy: TcpProxy;
  const talkers: Awaited<ReturnType<typeof startTalker>>[] = [];
  beforeEach(async () => {
    server = await startListener();
    proxy = await startTcpProxy(server.port);
  });
  afterEach(async () => {
    for (const { socket } of talkers.splice(0)) socket.destroy();
    await proxy.close();
    await server.close();
  });

  async function talker(port = proxy.port) {
    const made = await startTalker(port);
    talkers.push(made);
    return made;
  }

  /** Time enough for whatever could pass: what was said before has long passed where these round trips have. */
  async function timePasses() {
    const direct = await talker(server.port);
    for (let trips = 1; trips <= 20; trips++) {
      direct.say('.');
      await expect.poll(() => direct.heard.length, { interval: 1 }).toBe(trips);
    }
  }

  it('carries both ways what it is given, whole, and an end from either side', async () => {
    const client = await talker();
    const long = 'x'.repeat(3_000_000);
    client.say(long);
    await expect.poll(() => client.heard.length).toBe(long.length);
    server.sockets[0]?.end();
    await expect.poll(() => client.closed).toBe(true);
  });

  it('cuts: both ends see the connection break, and a new one works', async () => {
    const client = await talker();
    client.say('a');
    await expect.poll(() => client.heard).toBe('a');
    proxy.cut();
    await expect.poll(() => client.closed && server.sockets[0]?.destroyed).toBe(true);

    const next = await talker();
    next.say('b');
    await expect.poll(() => next.heard).toBe('b');
  });

  it('stalls: nothing passes, on new connections neither, then all of it goes on and nothing is lost', async () => {
    const client = await talker();
    client.say('a');
    await expect.poll(() => client.heard).toBe('a');
    proxy.stall();
    const late = await talker();
    client.say('b');
    late.say('c');
    await timePasses();
    expect(server.heard.replaceAll('.', '')).toBe('a');
    expect(client.closed || late.closed).toBe(false);

    proxy.resume();
    await expect.poll(() => [client.heard, late.heard]).toEqual(['ab', 'c']);
  });

  it('freezes: the connection stays open and dead for ever, neither side learns that the other has gone', async () => {
    const client = await talker();
    const other = await talker();
    client.say('a');
    other.say('b');
    await expect.poll(() => client.heard + other.heard).toBe('ab');
    proxy.freeze();
    client.say('c');
    client.socket.destroy();
    for (const socket of server.sockets) socket.end('d');
    await timePasses();
    expect(server.heard).not.toContain('c');
    expect([other.heard, other.closed]).toEqual(['b', false]);
    expect(server.sockets.slice(0, 2).map((socket) => socket.readableEnded)).toEqual([false, false]);

    const next = await talker();
    next.say('e');
    await expect.poll(() => next.heard).toBe('e');
    proxy.freezeNew(true);
    const dead = await talker();
    dead.say('f');
    await timePasses();
    expect([dead.heard, dead.closed]).toEqual(['', false]);
  });

  it('refuses new connections while the present ones go on', async () => {
    const client = await talker();
    proxy.refuse(true);
    const refused = await talker();
    await expect.poll(() => refused.closed).toBe(true);
    client.say('a');
    await expect.poll(() => client.heard).toBe('a');

    proxy.refuse(false);
    const next = await talker();
    next.say('b');
    await expect.poll(() => next.heard).toBe('b');
  });

  it('holds whoever comes to a place, right before it, also where the place comes in two pieces', async () => {
    const hold = proxy.holdAt('STOP');
    const client = await talker();
    const other = await talker();
    client.say('go ST');
    await expect.poll(() => client.heard).toBe('go ST');
    client.say('OP go on');
    await hold.reached;
    other.say('free');
    await expect.poll(() => other.heard).toBe('free');
    expect(client.heard).toBe('go ST');

    hold.release();
    await expect.poll(() => client.heard).toBe('go STOP go on');
    client.say('STOP');
    await expect.poll(() => client.heard).toBe('go STOP go onSTOP');
  });

  it('holds an answer where the server comes to the place, after the question has passed', async () => {
    const hold = proxy.holdAt('STOP', 'server');
    const client = await talker();
    client.say('then STOP');
    await hold.reached;
    expect(server.heard).toBe('then STOP');
    await expect.poll(() => client.heard).toBe('then ');

    proxy.cut();
    hold.release();
    await expect.poll(() => client.closed).toBe(true);
    expect(client.heard).toBe('then ');
  });
});
