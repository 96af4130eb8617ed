import { once } from 'node:events';
import { createClient } from 'graphql-ws';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { BusbarError } from '../../domain/errors.ts';
import { ALL_RIGHTS } from '../../domain/rights.ts';
import { LMP, startGateway, type TestGateway } from '../../tests/support/gateway.ts';
import { announcer } from '../../tests/support/live.ts';
import { openRawSocket, type RawSocket } from '../../tests/support/raw-socket.ts';
import type { Authenticator } from '../auth/authenticator.ts';
import type { Identity } from '../auth/identity.ts';
import { refusal } from '../auth/refusal.ts';

/** Who shows `Bearer <name>` has the identity of that name. */
class Names implements Authenticator {
  readonly identities = new Map<string, Identity>();
  readonly #watchers = new Map<Identity, Set<(error: BusbarError) => void>>();

  put(name: string, more: Partial<Identity> = {}): Identity {
    const subject = `key:${name.split('-')[0]}`;
    const identity = { subject, name, rights: ALL_RIGHTS, expiresAt: undefined, ...more };
    this.identities.set(`Bearer ${name}`, identity);
    return identity;
  }

  async identify(authorization: string | undefined): Promise<Identity> {
    const identity = this.identities.get(authorization ?? '');
    if (!identity) throw new BusbarError('UNAUTHENTICATED', 'the credential is not known');
    return identity;
  }

  watch(identity: Identity, ended: (error: BusbarError) => void): () => void {
    const watchers = this.#watchers.get(identity) ?? new Set();
    this.#watchers.set(identity, watchers.add(ended));
    return () => watchers.delete(ended);
  }

  revoke(identity: Identity): void {
    this.end(identity, refusal('the key was revoked'));
  }

  end(identity: Identity, error: BusbarError): void {
    for (const ended of this.#watchers.get(identity) ?? []) ended(error);
  }

  watching(identity: Identity): number {
    return this.#watchers.get(identity)?.size ?? 0;
  }
}

let names: Names;
let gateway: TestGateway;
let source: ReturnType<typeof announcer>;
const closing: (() => unknown)[] = [];

beforeEach(() => {
  names = new Names();
});
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
  await gateway.close();
});

async function start(options: Parameters<typeof startGateway>[0] = {}): Promise<void> {
  gateway = await startGateway({ authenticator: names, ...options });
  source = announcer(gateway.bus);
}

interface Speaker {
  readonly socket: WebSocket;
  readonly messages: Record<string, unknown>[];
  /** Code and reason. */
  readonly closed: Promise<[number, string]>;
  send(message: object): void;
  /** The first message of this type that came or comes, and that fits. */
  next(type: string, fits?: (message: Record<string, unknown>) => boolean): Promise<Record<string, unknown>>;
}

/** A socket that says what it is told to, and no more. */
async function speak(headers: Record<string, string> = {}): Promise<Speaker> {
  const socket = new WebSocket(gateway.socketUrl, 'graphql-transport-ws', { headers });
  const messages: Record<string, unknown>[] = [];
  socket.on('error', () => undefined);
  socket.on('message', (data) => messages.push(JSON.parse(String(data))));
  const closed = once(socket, 'close').then(([code, reason]) => [code, String(reason)] as [number, string]);
  closing.push(() => socket.terminate());
  await once(socket, 'open');
  return {
    socket,
    messages,
    closed,
    send: (message) => socket.send(JSON.stringify(message)),
    async next(type, fits = () => true) {
      const find = () => messages.find((message) => message.type === type && fits(message));
      await expect.poll(find, { timeout: 5_000 }).toBeDefined();
      return find() ?? {};
    },
  };
}

async function enter(name: string): Promise<Speaker> {
  const speaker = await speak();
  speaker.send({ type: 'connection_init', payload: { authorization: `Bearer ${name}` } });
  await speaker.next('connection_ack');
  return speaker;
}

/** A socket that does not answer a close. */
async function enterImpolitely(name: string): Promise<RawSocket> {
  const raw = await openRawSocket(gateway.url);
  closing.push(() => raw.socket.destroy());
  raw.send({ type: 'connection_init', payload: { authorization: `Bearer ${name}` } });
  await raw.acknowledged();
  return raw;
}

const SUBSCRIBE = { id: '1', type: 'subscribe', payload: { query: LMP, variables: {} } };

const members = async () => (await gateway.metrics.liveMembers.get()).values[0]?.value;
const prices = (messages: readonly Record<string, unknown>[]) =>
  // biome-ignore lint/suspicious/noExplicitAny: a test knows what it subscribed to
  messages.flatMap((message: any) => message.payload?.data?.lmp?.ticks ?? []).map((tick: { lmp: number }) => tick.lmp);

const renew = (name: string) => ({
  id: 'renew',
  type: 'subscribe',
  payload: {
    query: 'mutation ($authorization: String!) { renewSession(authorization: $authorization) { expiresAt } }',
    variables: { authorization: `Bearer ${name}` },
  },
});

describe('A socket', () => {
  it.each([
    ['none', undefined],
    ['an unknown one', 'Bearer mallory'],
    ['no text', 7],
  ])('with %s for a credential is closed with 4401 before anything is answered', async (_, authorization) => {
    await start();
    const { send, closed, messages } = await speak();
    send({ type: 'connection_init', payload: { authorization } });
    send(SUBSCRIBE);
    expect((await closed)[0]).toBe(4401);
    expect(messages).toEqual([]);
    await expect.poll(members).toBe(0);
  });

  it('that asks before it said who it is is closed with 4401', async () => {
    await start();
    names.put('alice');
    const { send, closed } = await speak({ authorization: 'Bearer alice' });
    send(SUBSCRIBE);
    expect((await closed)[0]).toBe(4401);
  });

  it('is let in by its header or by connection_init, which counts where both are there', async () => {
    await start();
    names.put('alice');
    for (const [header, parameter] of [
      ['Bearer alice', undefined],
      ['Basic of-a-proxy', 'Bearer alice'],
    ]) {
      const speaker = await speak({ authorization: header ?? '' });
      speaker.send({ type: 'connection_init', ...(parameter && { payload: { authorization: parameter } }) });
      await speaker.next('connection_ack');
    }
  });

  it('is told to come back where it cannot be known who it is, and gets no word too long for a close', async () => {
    await start({
      authenticator: {
        identify: () => Promise.reject(new BusbarError('UNAVAILABLE', `away ${'ü'.repeat(200)}`)),
        watch: () => () => undefined,
      },
    });
    const { send, closed } = await speak();
    send({ type: 'connection_init' });
    expect(await closed).toEqual([1013, expect.stringMatching(/^away ü+$/)]);
  });

  it('has no more than one identity: a second connection_init closes it', async () => {
    await start();
    names.put('alice');
    const { send, closed } = await enter('alice');
    send({ type: 'connection_init', payload: { authorization: 'Bearer alice' } });
    expect((await closed)[0]).toBe(4429);
  });
});

describe('A credential that expires during a connection', () => {
  const soon = () => Date.now() + 400;

  it('is told of in the acknowledgement and by a ping, then streams end with their cursor and the socket with 4401', async () => {
    await start({ edge: { socketLimits: { warningMs: 300 } } });
    const expiresAt = soon();
    names.put('alice', { expiresAt });
    const speaker = await enter('alice');
    const at = new Date(expiresAt).toISOString();
    expect((await speaker.next('connection_ack')).payload).toEqual({ expiresAt: at });
    speaker.send(SUBSCRIBE);
    await expect.poll(members).toBe(1);
    await source.price(7);
    const first = await speaker.next('next');
    expect((await speaker.next('ping')).payload).toEqual({ expiresAt: at });
    const last = await speaker.next('next', ({ payload }) => JSON.stringify(payload).includes('UNAUTHENTICATED'));
    // biome-ignore lint/suspicious/noExplicitAny: a test knows what it subscribed to
    const { cursor } = (first as any).payload.data.lmp;
    expect(last.payload).toMatchObject({ errors: [{ extensions: { code: 'UNAUTHENTICATED', cursor } }] });
    expect(await speaker.closed).toEqual([4401, 'the credential has expired']);
    expect(speaker.messages.at(-1)).toEqual({ id: '1', type: 'complete' });
    expect(Date.now()).toBeGreaterThanOrEqual(expiresAt);
    await expect.poll(members).toBe(0);
  });

  it('can be renewed on the same socket, and nothing is missed or seen twice', async () => {
    await start({ edge: { socketLimits: { warningMs: 300 } } });
    names.put('alice', { expiresAt: soon() });
    const renewed = names.put('alice-2', { expiresAt: Date.now() + 3_600_000 });
    const speaker = await enter('alice');
    speaker.send(SUBSCRIBE);
    await expect.poll(members).toBe(1);
    await source.price(1);
    await speaker.next('ping');
    speaker.send(renew('alice-2'));
    expect(await speaker.next('next', ({ id }) => id === 'renew')).toMatchObject({
      payload: { data: { renewSession: { expiresAt: new Date(renewed.expiresAt ?? 0).toISOString() } } },
    });
    const expired = soon();
    await expect.poll(() => Date.now() > expired).toBe(true);
    await source.price(2);
    await expect.poll(() => prices(speaker.messages)).toEqual([1, 2]);
    expect(speaker.socket.readyState).toBe(WebSocket.OPEN);
    expect(names.watching(renewed)).toBe(1);
  });

  it('is not renewed by another subject, nor by what is no credential, and the socket ends when it would have', async () => {
    await start();
    const expiresAt = soon();
    names.put('alice', { expiresAt });
    names.put('bob');
    const speaker = await enter('alice');
    const refusal = async (name: string) => {
      speaker.messages.length = 0;
      speaker.send(renew(name));
      const { payload } = await speaker.next('next', ({ id }) => id === 'renew');
      // biome-ignore lint/suspicious/noExplicitAny: a test knows what it asked for
      return (payload as any).errors[0].extensions.code;
    };
    expect(await refusal('bob')).toBe('FORBIDDEN');
    expect(await refusal('nobody')).toBe('UNAUTHENTICATED');
    expect((await speaker.closed)[0]).toBe(4401);
    expect(Date.now()).toBeGreaterThanOrEqual(expiresAt);
  });

  it('cannot be guessed: a socket whose renewals fail again and again is closed', async () => {
    await start();
    names.put('alice');
    const speaker = await enter('alice');
    for (let guess = 0; guess < 5; guess++) speaker.send({ ...renew(`guess${guess}`), id: `renew${guess}` });
    expect(await speaker.closed).toEqual([4401, 'too many renewals failed']);
  });

  it('with other rights ends what was subscribed under the old ones with FORBIDDEN and the cursor, and the socket goes on', async () => {
    await start();
    names.put('alice');
    names.put('alice-2', { rights: { ...ALL_RIGHTS, accounts: [] } });
    const [speaker, other] = [await enter('alice'), await enter('alice')];
    for (const each of [speaker, other]) each.send(SUBSCRIBE);
    await expect.poll(members).toBe(2);
    await source.price(7);
    await speaker.next('next');
    speaker.send(renew('alice-2'));
    await speaker.next('next', ({ id, payload }) => id === '1' && JSON.stringify(payload).includes('FORBIDDEN'));
    expect(speaker.messages.find(({ payload }) => JSON.stringify(payload)?.includes('FORBIDDEN'))).toMatchObject({
      payload: { errors: [{ extensions: { code: 'FORBIDDEN', cursor: expect.any(String) } }] },
    });
    // The group goes on for whoever has kept the rights.
    expect(await members()).toBe(1);
    speaker.send({ ...SUBSCRIBE, id: '2' });
    await expect.poll(members).toBe(2);
    await source.price(8);
    await speaker.next('next', ({ id }) => id === '2');
    expect(prices(other.messages)).toEqual([7, 8]);
  });

  it('is renewed over sockets only', async () => {
    await start();
    names.put('alice');
    const response = await fetch(gateway.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: 'Bearer alice' },
      body: JSON.stringify(renew('alice').payload),
    });
    expect((await response.json()).errors[0]).toMatchObject({
      message: expect.stringContaining('over HTTP'),
      extensions: { code: 'BAD_USER_INPUT' },
    });
  });

  it('is never in the audit log, whatever becomes of its renewal', async () => {
    const noted: unknown[] = [];
    const denials: unknown[] = [];
    await start({
      operations: () => ({ noteFailure: async (...failure: unknown[]) => void noted.push(failure) }) as never,
      denials: {
        note: ({ name }, ...denial) => void denials.push([name, ...denial]),
        noteRefusal: () => undefined,
        close: async () => undefined,
      },
    });
    names.put('alice');
    const speaker = await enter('alice');
    speaker.send(renew('a-secret'));
    await speaker.next('next');
    await fetch(gateway.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: 'Bearer alice' },
      body: JSON.stringify(renew('a-secret').payload),
    });
    // It would change nothing: whoever may have a socket could fill the log with it.
    expect(noted).toEqual([]);
    expect(denials).toMatchObject([['alice', ['renewSession'], 'the credential is not known']]);
  });
});

describe('A credential that is revoked', () => {
  it('ends the streams and sockets of its own at once, and nobody else’s', async () => {
    await start();
    const alice = names.put('alice');
    names.put('bob');
    const [first, second, other] = [await enter('alice'), await enter('alice'), await enter('bob')];
    for (const each of [first, other]) each.send(SUBSCRIBE);
    second.send({ ...SUBSCRIBE, payload: { query: LMP, variables: { nodes: ['PJM:QUIET'] } } });
    await expect.poll(members).toBe(3);
    await source.price(7);
    await first.next('next');
    names.revoke(alice);
    // Also who was sent nothing is told where to go on.
    for (const each of [first, second]) {
      expect(await each.closed).toEqual([4401, 'the key was revoked']);
      expect(each.messages.at(-2)?.payload).toMatchObject({
        errors: [
          { message: 'the key was revoked', extensions: { code: 'UNAUTHENTICATED', cursor: expect.any(String) } },
        ],
      });
    }
    await source.price(8);
    await expect.poll(() => prices(other.messages)).toEqual([7, 8]);
    expect(await members()).toBe(1);
    expect(names.watching(alice)).toBe(0);
  });

  describe('does nothing more for a socket that stays open', () => {
    let made: number;
    const operations = () =>
      ({
        noteFailure: async () => undefined,
        createApiKey: async () => {
          made++;
          throw new BusbarError('FORBIDDEN', 'not in a test');
        },
      }) as never;
    const CREATE = {
      id: 'create',
      type: 'subscribe',
      payload: { query: 'mutation { createApiKey(input: { name: "mallory", roles: [ADMIN] }) { secret } }' },
    };
    beforeEach(() => {
      made = 0;
    });

    it('until it closes', async () => {
      await start({ operations });
      const alice = names.put('alice');
      const { send, next } = await enter('alice');
      send(CREATE);
      await next('next');
      expect(made).toBe(1);
      const impolite = await enterImpolitely('alice');
      names.revoke(alice);
      await impolite.toldToClose();
      impolite.send(CREATE);
      await once(impolite.socket, 'close');
      expect(made).toBe(1);
    });

    it('though it had asked before, and its turn comes now', async () => {
      let pass = () => {};
      const gate = new Promise<void>((resolve) => {
        pass = resolve;
      });
      const spend = vi.fn(async () => {
        await gate;
        return { limit: 1, remaining: 1, resetSeconds: 1 };
      });
      await start({ operations, intake: { rate: { spend, close: () => undefined } } });
      const alice = names.put('alice');
      const { send, next } = await enter('alice');
      send(CREATE);
      await expect.poll(() => spend.mock.calls.length).toBe(1);
      names.revoke(alice);
      pass();
      expect((await next('error')).payload).toMatchObject([{ extensions: { code: 'UNAUTHENTICATED' } }]);
      expect(made).toBe(0);
    });
  });

  it('cuts a socket that does not read, within seconds', async () => {
    await start();
    const alice = names.put('alice');
    const { socket, send } = await enter('alice');
    send(SUBSCRIBE);
    await expect.poll(members).toBe(1);
    socket.pause();
    names.revoke(alice);
    const sockets = async () => (await gateway.metrics.sockets.get()).values[0]?.value;
    await expect.poll(sockets, { timeout: 5_000 }).toBe(0);
    expect(await members()).toBe(0);
  });

  it('ends event streams with the cursor, and those of credentials that expire', async () => {
    await start();
    const alice = names.put('alice');
    names.put('carol', { expiresAt: Date.now() + 400 });
    const stream = async (name: string) => {
      const response = await fetch(`${gateway.url}?query=${encodeURIComponent(LMP)}`, {
        headers: { accept: 'text/event-stream', authorization: `Bearer ${name}` },
      });
      return response.text();
    };
    const [revoked, expired] = [stream('alice'), stream('carol')];
    await expect.poll(members).toBe(2);
    await source.price(7);
    expect(await expired).toMatch(/"lmp":7.*UNAUTHENTICATED.*event: complete/s);
    names.revoke(alice);
    expect(await revoked).toMatch(/"lmp":7.*"message":"the key was revoked".*"cursor":"[^"]+".*event: complete/s);
    expect(names.watching(alice)).toBe(0);
    await expect.poll(members).toBe(0);
  });

  it('breaks exports off, so that nobody takes what came for the whole', async () => {
    await start({
      exports: async (_, response) => {
        response.writeHead(200, { 'content-type': 'text/csv' }).write('node,start,lmp\n');
      },
    });
    const alice = names.put('alice');
    const response = await fetch(new URL('/export/lmp', gateway.url), { headers: { authorization: 'Bearer alice' } });
    names.revoke(alice);
    await expect(response.text()).rejects.toThrow();
    expect((await gateway.metrics.streamsEnded.get()).values[0]?.value).toBe(1);
  });

  it('leaves nothing watched when the socket or the event stream ends by itself', async () => {
    await start();
    const alice = names.put('alice');
    const { socket } = await enter('alice');
    const aborting = new AbortController();
    const response = await fetch(`${gateway.url}?query=${encodeURIComponent(LMP)}`, {
      headers: { accept: 'text/event-stream', authorization: 'Bearer alice' },
      signal: aborting.signal,
    });
    expect(names.watching(alice)).toBe(2);
    aborting.abort();
    await response.text().catch(() => undefined);
    socket.close();
    await expect.poll(() => names.watching(alice)).toBe(0);
  });
});

describe('A credential that nobody can check for too long', () => {
  it('ends streams with UNAVAILABLE and the cursor, and sockets with 1013, after which clients come back', async () => {
    await start();
    const alice = names.put('alice');
    const speaker = await enter('alice');
    speaker.send(SUBSCRIBE);
    const response = fetch(`${gateway.url}?query=${encodeURIComponent(LMP)}`, {
      headers: { accept: 'text/event-stream', authorization: 'Bearer alice' },
    });
    await expect.poll(members).toBe(2);
    names.end(alice, new BusbarError('UNAVAILABLE', 'keys cannot be checked'));
    expect(await speaker.closed).toEqual([1013, 'keys cannot be checked']);
    expect(speaker.messages.at(-2)?.payload).toMatchObject({
      errors: [{ extensions: { code: 'UNAVAILABLE', cursor: expect.any(String) } }],
    });
    expect(await (await response).text()).toMatch(/"code":"UNAVAILABLE".*event: complete/s);
    expect((await gateway.metrics.socketsClosed.get()).values).toMatchObject([
      { value: 1, labels: { reason: 'unconfirmed' } },
    ]);
  });
});

it('The stock client sees the warning', async () => {
  await start({ edge: { socketLimits: { warningMs: 60_000 } } });
  const expiresAt = Date.now() + 30_000;
  names.put('alice', { expiresAt });
  const warned = new Promise((resolve) => {
    const client = createClient({
      url: gateway.socketUrl,
      webSocketImpl: WebSocket,
      lazy: false,
      connectionParams: { authorization: 'Bearer alice' },
      on: { ping: (received, payload) => received && resolve(payload) },
    });
    closing.push(() => client.dispose());
  });
  expect(await warned).toEqual({ expiresAt: new Date(expiresAt).toISOString() });
});
