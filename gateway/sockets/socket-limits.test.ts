import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { BusbarError } from '../../domain/errors.ts';
import { ALL_RIGHTS } from '../../domain/rights.ts';
import { LMP, startGateway, type TestGateway } from '../../tests/support/gateway.ts';
import { frameOf, HANDSHAKE, openRawSocket } from '../../tests/support/raw-socket.ts';
import { startTcpProxy } from '../../tests/support/tcp-proxy.ts';
import type { Authenticator } from '../auth/authenticator.ts';
import { REQUEST_LIMITS, type RequestLimits } from '../limits/request-limits.ts';
import type { SocketLimits } from './socket-limits.ts';

let gateway: TestGateway;
const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
  await gateway.close();
});

/** Everybody is who they say they are. */
const byName: Authenticator = {
  async identify(authorization) {
    if (authorization === undefined) throw new BusbarError('UNAUTHENTICATED', 'no name');
    return { subject: authorization, name: authorization, rights: ALL_RIGHTS, expiresAt: undefined };
  },
  watch: () => () => undefined,
};

async function start(socketLimits: Partial<SocketLimits>, requestLimits: Partial<RequestLimits> = {}): Promise<void> {
  const limits = { ...REQUEST_LIMITS, ...requestLimits };
  gateway = await startGateway({ authenticator: byName, edge: { socketLimits }, intake: { limits } });
}

function open(url = gateway.socketUrl): WebSocket {
  const socket = new WebSocket(url, 'graphql-transport-ws');
  socket.on('error', () => undefined);
  closing.push(() => socket.terminate());
  return socket;
}

const codeOf = (socket: WebSocket) => once(socket, 'close').then(([code]) => Number(code));

/** Resolves with the first message, or with the code of the close. */
async function enter(name: string, url?: string): Promise<{ socket: WebSocket; first: unknown }> {
  const socket = open(url);
  await once(socket, 'open');
  const first = Promise.race([once(socket, 'message').then(([data]) => JSON.parse(String(data)).type), codeOf(socket)]);
  socket.send(JSON.stringify({ type: 'connection_init', payload: { authorization: name } }));
  return { socket, first: await first };
}

/** Of the protocol below graphql-ws, with as much as it may carry. */
const PING = Buffer.concat([Buffer.from([0x89, 0x80 | 125, 0, 0, 0, 0]), Buffer.alloc(125)]);

type Counted = 'socketsClosed' | 'socketsRefused';
const counted = async (metric: Counted, reason: string) =>
  (await gateway.metrics[metric].get()).values.find(({ labels }) => labels.reason === reason)?.value ?? 0;

describe('A socket that says nothing', () => {
  it('is closed with 4408 after its time, and costs nothing more', async () => {
    await start({ initMs: 50 });
    expect(await codeOf(open())).toBe(4408);
    expect(await counted('socketsClosed', 'silent')).toBe(1);
    await expect.poll(async () => (await gateway.metrics.sockets.get()).values[0]?.value).toBe(0);
  });

  it('makes room for the next where there are too many, so that whoever says who it is gets in', async () => {
    await start({ silentMax: 20, initMs: 60_000 });
    const silent = Array.from({ length: 60 }, () => open());
    await expect.poll(() => silent.filter(({ readyState }) => readyState === WebSocket.CLOSED).length).toBe(40);
    expect((await enter('alice')).first).toBe('connection_ack');
    expect(await counted('socketsClosed', 'crowded')).toBe(41);
  });
});

describe('A socket that has not said who it is', () => {
  const sendTo = async (...frames: Buffer[]) => {
    await start({ initMs: 60_000 });
    const { socket } = await openRawSocket(gateway.url);
    closing.push(() => socket.destroy());
    for (const frame of frames) socket.write(frame);
    await once(socket, 'close');
    expect(await counted('socketsClosed', 'message')).toBe(1);
  };

  it('is cut once it has sent more than a credential takes, though no message of it is whole', () =>
    sendTo(frameOf('x'.repeat(60_000)).subarray(0, 40_000)));

  it('is cut in the same way when it sends that in small frames', () =>
    sendTo(...Array.from({ length: 2_000 }, () => PING)));

  it('may bring the longest credential that there is', async () => {
    await start({});
    const { first, socket } = await enter('x'.repeat(16_384));
    expect(first).toBe('connection_ack');
    const pongs = once(socket, 'message');
    socket.send(JSON.stringify({ type: 'ping', payload: { text: 'x'.repeat(100_000) } }));
    expect(JSON.parse(String((await pongs)[0]))).toMatchObject({ type: 'pong' });
  });
});

describe('Sockets', () => {
  it('are so many for one identity, and the next is told to come back; others are let in', async () => {
    await start({ perIdentityMax: 2 });
    const [{ socket }] = [await enter('alice'), await enter('alice')];
    expect((await enter('alice')).first).toBe(1013);
    expect((await enter('bob')).first).toBe('connection_ack');
    expect(await counted('socketsRefused', 'identity')).toBe(1);
    socket.close();
    await once(socket, 'close');
    await expect.poll(async () => (await enter('alice')).first).toBe('connection_ack');
  });

  it('share what one identity may have with event streams by HTTP', async () => {
    await start({ perIdentityMax: 2 });
    const stream = async (authorization: string) => {
      const ended = new AbortController();
      closing.push(() => ended.abort());
      const headers = { 'content-type': 'application/json', accept: 'text/event-stream', authorization };
      const body = JSON.stringify({ query: LMP });
      const response = await fetch(gateway.url, { method: 'POST', headers, body, signal: ended.signal });
      return { response, end: () => ended.abort() };
    };
    const { socket } = await enter('alice');
    const { response, end } = await stream('alice');
    expect(response.status).toBe(200);
    const beyond = await stream('alice');
    expect(beyond.response.status).toBe(429);
    expect(await beyond.response.text()).toContain('"code":"RATE_LIMITED"');
    expect((await enter('alice')).first).toBe(1013);
    expect((await stream('bob')).response.status).toBe(200);
    expect((await gateway.metrics.limitRefusals.get()).values).toMatchObject([
      { value: 1, labels: { limit: 'streams' } },
    ]);
    end();
    await expect.poll(async () => (await enter('alice')).first).toBe('connection_ack');
    expect((await enter('alice')).first).toBe(1013);
    socket.close();
    await once(socket, 'close');
    const next = async () => (await stream('alice')).response;
    await expect.poll(async () => (await next()).headers.get('retry-after')).toBe(null);
  });

  it('are so many in all', async () => {
    await start({ socketsMax: 2 });
    await enter('alice');
    await enter('bob');
    expect((await enter('carol')).first).toBe(1013);
    expect(await counted('socketsRefused', 'full')).toBe(1);
  });

  it('are not counted by identity where the gateway is open and all are one', async () => {
    gateway = await startGateway({ edge: { socketLimits: { perIdentityMax: 1 } } });
    expect([(await enter('a')).first, (await enter('b')).first]).toEqual(['connection_ack', 'connection_ack']);
  });
});

describe('On one socket', () => {
  const ask = async (socket: WebSocket, id: string) => {
    const answered = new Promise<{ id: string; payload: { extensions: Record<string, unknown> }[] }>((resolve) => {
      socket.on('message', (data) => {
        const message = JSON.parse(String(data));
        if (message.id === id) resolve(message);
      });
    });
    socket.send(JSON.stringify({ id, type: 'subscribe', payload: { query: LMP } }));
    return answered;
  };
  const members = async () => (await gateway.metrics.liveMembers.get()).values[0]?.value;

  it('so many operations may be under way, and the next is refused with what the limit is', async () => {
    await start({ operationsMax: 2 });
    const { socket } = await enter('alice');
    void ask(socket, 'a');
    void ask(socket, 'b');
    const { payload } = await ask(socket, 'c');
    expect(payload[0]?.extensions).toEqual({ code: 'LIMIT_EXCEEDED', limit: 'operations', max: 2, asked: 3 });
    await expect.poll(members).toBe(2);
    socket.send(JSON.stringify({ id: 'a', type: 'complete' }));
    await expect.poll(members).toBe(1);
    void ask(socket, 'd');
    await expect.poll(members).toBe(2);
    expect((await gateway.metrics.socketOperationsRefused.get()).values[0]?.value).toBe(1);
  });

  it('an id as long as a book, which would stand before each frame, is refused', async () => {
    await start({});
    const { socket } = await enter('alice');
    const { payload } = await ask(socket, 'x'.repeat(10_000));
    expect(payload[0]?.extensions).toMatchObject({ code: 'LIMIT_EXCEEDED', limit: 'idCharacters' });
  });

  it('a message longer than allowed closes it with 1009', async () => {
    await start({ messageBytesMax: 2_000 });
    const { socket } = await enter('alice');
    socket.send('x'.repeat(2_001));
    expect(await codeOf(socket)).toBe(1009);
    expect(await counted('socketsClosed', 'message')).toBe(1);
  });

  it('what is no message of graphql-ws closes it with 4400', async () => {
    await start({});
    const { socket } = await enter('alice');
    socket.send('{"type":"connection_ack');
    expect(await codeOf(socket)).toBe(4400);
  });

  it('whoever asks on and on without reading is not heard, until it reads', async () => {
    await start({});
    const { socket } = await enter('alice');
    let pongs = 0;
    socket.on('message', () => pongs++);
    socket.pause();
    // Each is answered by as much, which a server that answers what nobody reads would keep.
    const ping = JSON.stringify({ type: 'ping', payload: { text: 'x'.repeat(500_000) } });
    for (let each = 0; each < 100; each++) socket.send(ping);
    let unsent = Number.NaN;
    const isStuck = () => {
      const before = unsent;
      unsent = socket.bufferedAmount;
      return before === unsent;
    };
    await expect.poll(isStuck, { interval: 300, timeout: 10_000 }).toBe(true);
    expect(unsent).toBeGreaterThan(20_000_000);
    socket.resume();
    await expect.poll(() => pongs, { timeout: 10_000 }).toBe(100);
  });
});

describe('What a subscription comes with', () => {
  const members = async () => (await gateway.metrics.liveMembers.get()).values[0]?.value;

  /** Answered at once where it is refused. */
  const subscribe = (socket: WebSocket, id: string, variables: object, query = LMP) => {
    const refused = new Promise<unknown>((resolve) => {
      socket.on('message', (data) => {
        const message = JSON.parse(String(data));
        if (message.id === id && message.payload) resolve(message.payload.errors?.[0].extensions);
      });
    });
    socket.send(JSON.stringify({ id, type: 'subscribe', payload: { query, variables } }));
    return refused;
  };

  it('is refused where it is long, be it asked for or not, by socket and by HTTP', async () => {
    await start({});
    const { socket } = await enter('alice');
    const long = { code: 'LIMIT_EXCEEDED', limit: 'subscriptionCharacters', max: 65_536, asked: expect.any(Number) };
    const junk = 'x'.repeat(70_000);
    expect(await subscribe(socket, 'a', { junk })).toEqual(long);
    expect(await subscribe(socket, 'b', {}, `${LMP} # ${junk}`)).toEqual(long);
    const headers = { 'content-type': 'application/json', accept: 'text/event-stream', authorization: 'alice' };
    const body = JSON.stringify({ query: LMP, variables: { junk } });
    const response = await fetch(gateway.url, { method: 'POST', headers, body });
    expect(await response.text()).toContain('subscriptionCharacters');
    expect(await members()).toBe(0);
    // Only what is kept is bounded in this way.
    expect(await subscribe(socket, 'c', { junk }, '{ __typename }')).toBeUndefined();
    void subscribe(socket, 'd', {
      nodes: Array.from({ length: 1_000 }, (_, n) => `CAISO:A_RATHER_LONG_NAME_${n}-APND`),
    });
    await expect.poll(members).toBe(1);
  });

  it('counts to what one identity may have under way, until it has ended', async () => {
    await start({}, { subscriptionBytesPerIdentity: 80_000 });
    const { socket } = await enter('alice');
    const junk = 'x'.repeat(30_000);
    void subscribe(socket, 'a', { junk });
    await expect.poll(members).toBe(1);
    const full = { code: 'RATE_LIMITED', limit: 'subscriptionBytes', max: 80_000, retryAfterSeconds: 5 };
    expect(await subscribe(socket, 'b', { junk: junk + junk })).toEqual(full);
    const { socket: another } = await enter('bob');
    void subscribe(another, 'b', { junk: junk + junk });
    await expect.poll(members).toBe(2);
    socket.send(JSON.stringify({ id: 'a', type: 'complete' }));
    await expect.poll(members).toBe(1);
    void subscribe(socket, 'c', { junk: junk + junk });
    await expect.poll(members).toBe(2);
  });

  it('counts with what its document takes once parsed, once for all who ask the same', async () => {
    await start({}, { subscriptionBytesPerIdentity: 80_000 });
    const { socket } = await enter('alice');
    const query = `subscription { lmp { ${'cursor '.repeat(40)} } }`;
    for (const id of ['a', 'b', 'c']) void subscribe(socket, id, {}, query);
    await expect.poll(members).toBe(3);
    const other = (name: string) => `subscription ${name} { lmp { ${'cursor '.repeat(40)} } }`;
    for (const id of ['d', 'e', 'f']) void subscribe(socket, id, {}, other(id));
    expect(await subscribe(socket, 'g', {}, other('g'))).toMatchObject({ limit: 'subscriptionBytes' });
  });
});

describe('A peer that is gone without a word', () => {
  it('is cut when it does not answer, and one that answers stays', async () => {
    await start({ pingMs: 60 });
    const proxy = await startTcpProxy(Number(new URL(gateway.url).port));
    closing.push(proxy.close);
    await enter('alice', gateway.socketUrl.replace(/:\d+/, `:${proxy.port}`));
    const { socket } = await enter('bob');
    proxy.freeze();
    await expect.poll(() => counted('socketsClosed', 'dead')).toBe(1);
    expect(socket.readyState).toBe(WebSocket.OPEN);
  });
});

describe('Ten thousand half-open sockets', () => {
  /** Makes them a few at a time, as fast as they are taken. */
  async function attack(count: number, says: string): Promise<void> {
    const port = Number(new URL(gateway.url).port);
    const sockets = new Set<Socket>();
    closing.push(() => {
      for (const socket of sockets) socket.destroy();
    });
    const one = async () => {
      const socket = connect(port, '127.0.0.1');
      sockets.add(socket);
      socket.on('error', () => undefined).once('close', () => sockets.delete(socket));
      await Promise.race([once(socket, 'connect'), once(socket, 'close')]).catch(() => undefined);
      socket.write(says);
    };
    for (let made = 0; made < count; made += 100) await Promise.all(Array.from({ length: 100 }, one));
  }

  it.each([
    ['that never say who they are', HANDSHAKE],
    ['that never finish their handshake', HANDSHAKE.slice(0, 60)],
  ])('%s keep no honest client out, nor from its updates', { timeout: 60_000 }, async (_, says) => {
    await start({ silentMax: 500 });
    const { socket } = await enter('alice');
    let attacking = true;
    const attacked = attack(10_000, says).then(() => {
      attacking = false;
    });
    let honest = 0;
    while (attacking) {
      const { first, socket: entered } = await enter('bob');
      expect(first).toBe('connection_ack');
      const answer = await fetch(gateway.url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: 'bob' },
        body: '{"query":"{ __typename }"}',
      });
      expect(answer.status).toBe(200);
      entered.close();
      honest++;
    }
    await attacked;
    expect(honest).toBeGreaterThan(5);
    expect(socket.readyState).toBe(WebSocket.OPEN);
    expect((await gateway.metrics.sockets.get()).values[0]?.value).toBeLessThanOrEqual(510);
  });
});
