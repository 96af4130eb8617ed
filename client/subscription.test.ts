import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import {
  answers,
  failure,
  NUMBERS,
  number,
  type ScriptedGateway,
  type Step,
  startScriptedGateway,
} from '../tests/support/scripted-gateway.ts';
import { startTcpProxy, type TcpProxy } from '../tests/support/tcp-proxy.ts';
import { type Client, type ClientOptions, createClient, type SubscribeOptions } from './client.ts';
import type { Operation } from './operation.ts';
import type { RequestError } from './request-error.ts';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

type Numbers = Operation<{ numbers: { cursor: string; value: number } }, { after?: string }>;

async function script(...steps: Step[]): Promise<ScriptedGateway> {
  const gateway = await startScriptedGateway(...steps);
  closing.push(gateway.close);
  return gateway;
}

function clientOf(url: string, options: Partial<ClientOptions> = {}): Client {
  const backoff = { attemptsMax: 5, delayMsMin: 1, delayMsMax: 4 };
  const client = createClient({ url, webSocketImpl: WebSocket, backoff, ...options });
  closing.push(client.close);
  return client;
}

/** Everything a subscription yields, and how it ends. */
async function collect(client: Client, options: SubscribeOptions = {}, after?: string) {
  const values: number[] = [];
  const interruptions: RequestError[] = [];
  const onInterrupted = (error: RequestError) => interruptions.push(error);
  const variables = after === undefined ? {} : { after };
  try {
    const updates = client.subscribe(NUMBERS as Numbers, variables, { onInterrupted, ...options });
    for await (const { numbers } of updates) values.push(numbers.value);
    return { values, interruptions };
  } catch (error) {
    return { values, interruptions, error };
  }
}

async function messages(socket: WebSocket, count: number): Promise<void> {
  for (let received = 0; received < count; received++) await once(socket, 'message');
}

const never = new Promise<void>(() => undefined);

describe('A subscription', () => {
  it('ends when the gateway completes it', async () => {
    const { url } = await script(() => answers([number(1), number(2)]));
    expect(await collect(clientOf(url))).toEqual({ values: [1, 2], interruptions: [] });
  });

  it('goes on behind the last cursor where the gateway is unavailable for a while', async () => {
    const { url, asked } = await script(
      () => answers([number(1), number(2), failure('UNAVAILABLE', { cursor: 'other' })]),
      () => failure('UNAVAILABLE'),
      () => answers([number(3)]),
    );
    const { values, interruptions } = await collect(clientOf(url));
    expect(values).toEqual([1, 2, 3]);
    expect(asked).toEqual([undefined, '2', '2']);
    expect(interruptions).toMatchObject([
      { code: 'UNAVAILABLE', cursor: '2' },
      { code: 'UNAVAILABLE', cursor: '2' },
    ]);
  });

  it('goes on behind the cursor the error names where no update came before', async () => {
    const { url, asked } = await script(
      () => answers([failure('UNAVAILABLE', { cursor: '7' })]),
      () => answers([number(8)]),
    );
    expect((await collect(clientOf(url))).values).toEqual([8]);
    expect(asked).toEqual([undefined, '7']);
  });

  it('begins behind the cursor it is given, also when it has to begin again', async () => {
    const { url, asked } = await script(
      () => failure('UNAVAILABLE'),
      () => answers([number(5)]),
    );
    await collect(clientOf(url), {}, '4');
    expect(asked).toEqual(['4', '4']);
  });

  it('asks again for an update of which a part failed', async () => {
    const broken = { ...failure('UNAVAILABLE'), data: { numbers: { cursor: '2', value: 2, part: null } } };
    const { url, asked } = await script(
      () => answers([number(1), broken, number(3)]),
      () => answers([number(2), number(3)]),
    );
    expect((await collect(clientOf(url))).values).toEqual([1, 2, 3]);
    expect(asked).toEqual([undefined, '1']);
  });

  it('goes on behind the last cursor where the socket is closed normally', async () => {
    const { url, asked } = await script(
      async function* (_, socket) {
        yield number(1);
        socket.close(1000);
        await never;
      },
      () => answers([number(2)]),
    );
    expect((await collect(clientOf(url))).values).toEqual([1, 2]);
    expect(asked).toEqual([undefined, '1']);
  });

  it('ends with CURSOR_EXPIRED and the cursor where what came after it is no longer kept', async () => {
    const { url } = await script(() => failure('CURSOR_EXPIRED'));
    const { values, error } = await collect(clientOf(url), {}, '4');
    expect(values).toEqual([]);
    expect(error).toMatchObject({ code: 'CURSOR_EXPIRED', cursor: '4', retriable: false });
  });

  it('begins anew behind an expired cursor where the caller wants so, and tells of the gap', async () => {
    const { url, asked } = await script(
      () => failure('CURSOR_EXPIRED', { cursor: '4' }),
      () => answers([number(9)]),
    );
    const { values, interruptions } = await collect(clientOf(url), { onCursorExpired: 'restart' }, '4');
    expect(values).toEqual([9]);
    expect(asked).toEqual(['4', undefined]);
    expect(interruptions).toMatchObject([{ code: 'CURSOR_EXPIRED', cursor: undefined }]);
  });

  it('ends with an error of the application and the cursor of what came before', async () => {
    const { url, asked } = await script(() => answers([number(1), failure('LIMIT_EXCEEDED', { cursor: '1' })]));
    const { values, error } = await collect(clientOf(url));
    expect(values).toEqual([1]);
    expect(error).toMatchObject({ code: 'LIMIT_EXCEEDED', message: 'it is LIMIT_EXCEEDED', cursor: '1' });
    expect(asked).toHaveLength(1);
  });

  it('ends with the mistake in its document', async () => {
    const { url } = await script(() => answers([]));
    const updates = clientOf(url).subscribe('subscription { nothing }');
    await expect(updates.next()).rejects.toMatchObject({
      message: expect.stringContaining('nothing'),
      retriable: false,
    });
  });

  it('is refused for good where the gateway closes the socket as not authenticated', async () => {
    const { url, asked } = await script((_, socket) => {
      socket.close(4401, 'Unauthorized');
      return answers([], never);
    });
    expect(await collect(clientOf(url))).toMatchObject({ values: [], error: { code: 'UNAUTHENTICATED' } });
    expect(asked).toHaveLength(1);
  });

  it('gives up after so many failures in a row, with the cursor', async () => {
    const { url, asked } = await script(
      () => answers([number(1), failure('UNAVAILABLE')]),
      () => failure('UNAVAILABLE'),
    );
    expect(await collect(clientOf(url))).toMatchObject({ values: [1], error: { code: 'UNAVAILABLE', cursor: '1' } });
    expect(asked).toHaveLength(1 + 5);
  });

  it('gives up where nobody listens, and says why', async () => {
    const gateway = await startScriptedGateway(() => answers([]));
    await gateway.close();
    const { error, interruptions } = await collect(clientOf(gateway.url));
    expect(error).toMatchObject({ code: 'NETWORK_FAILED', message: expect.stringContaining('ECONNREFUSED') });
    expect(interruptions).toHaveLength(5);
  });

  it('counts failures anew after a connection that lasted', async () => {
    let now = 0;
    const { url, asked } = await script(() => {
      now += asked.length < 12 ? 60_000 : 1_000;
      return failure('UNAVAILABLE');
    });
    await collect(clientOf(url, { clock: () => now }));
    expect(asked).toHaveLength(12 + 4);
  });

  it('without cursors begins again, each update being the whole', async () => {
    const { url } = await script(
      () => answers([{ data: { states: 1 } }, failure('UNAVAILABLE')]),
      () => answers([{ data: { states: 2 } }]),
    );
    const updates = [];
    for await (const update of clientOf(url).subscribe('subscription { states }')) updates.push(update);
    expect(updates).toEqual([{ states: 1 }, { states: 2 }]);
  });

  it.each([
    ['subscription { numbers { cursor value } }', 'must take $after'],
    ['subscription Numbers($after: String) { numbers(after: $after) { value } }', 'must select cursor'],
  ])('that could not resume is refused at its first update: %s', async (document, message) => {
    const cursor = document.includes('cursor') ? { cursor: '1' } : {};
    const { url } = await script(() => answers([{ data: { numbers: { ...cursor, value: 1 } } }]));
    await expect(clientOf(url).subscribe(document).next()).rejects.toThrow(message);
  });
});

describe('A slow consumer', () => {
  it('is ended with the cursor of the last update it is still given, and the gateway is told', async () => {
    let goOn: () => void = () => undefined;
    const first = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    const gateway = await script(async function* () {
      yield number(1);
      await first;
      yield* answers([2, 3, 4, 5, 6].map(number), never);
    });
    const updates = clientOf(gateway.url).subscribe(NUMBERS as Numbers, {}, { framesMax: 3 });
    const values = [(await updates.next()).value?.numbers.value];
    goOn();
    await gateway.left;
    const takeRest = async () => {
      for await (const { numbers } of updates) values.push(numbers.value);
    };
    await expect(takeRest()).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED', cursor: '4' });
    expect(values).toEqual([1, 2, 3, 4]);
  });
});

describe('An iteration ends at once and quietly', () => {
  async function waiting(options: SubscribeOptions = {}) {
    const gateway = await script(() => answers([number(1)], never));
    const client = clientOf(gateway.url);
    const updates = client.subscribe(NUMBERS as Numbers, {}, options);
    await updates.next();
    return { gateway, client, updates, pending: updates.next() };
  }
  const end = { done: true, value: undefined };

  it('when its signal aborts', async () => {
    const aborting = new AbortController();
    const { pending, gateway } = await waiting({ signal: aborting.signal });
    aborting.abort();
    expect(await pending).toEqual(end);
    await gateway.left;
  });

  it('when it is returned, also while an update is waited for', async () => {
    const { updates, pending, gateway } = await waiting();
    expect(await updates.return?.()).toEqual(end);
    expect(await pending).toEqual(end);
    await gateway.left;
  });

  it('when its client is closed', async () => {
    const { client, pending } = await waiting();
    client.close();
    expect(await pending).toEqual(end);
    expect(await client.subscribe(NUMBERS).next()).toEqual(end);
  });

  it('when it aborts between two attempts', async () => {
    const aborting = new AbortController();
    const { url } = await script(() => failure('UNAVAILABLE'));
    const backoff = { delayMsMin: 3_600_000, delayMsMax: 3_600_000 };
    const onInterrupted = () => aborting.abort();
    expect(await collect(clientOf(url, { backoff }), { signal: aborting.signal, onInterrupted })).toMatchObject({
      values: [],
    });
  });
});

describe('A connection that is dead without having been closed', () => {
  async function behindProxy(gateway: ScriptedGateway): Promise<{ proxy: TcpProxy; client: Client }> {
    const proxy = await startTcpProxy(gateway.port);
    closing.push(proxy.close);
    const heartbeat = { pingMs: 20, overdueMs: 40 };
    return { proxy, client: clientOf(`http://127.0.0.1:${proxy.port}/graphql`, { heartbeat }) };
  }

  it('is given up after the heartbeat, and the subscription goes on over another', async () => {
    const gateway = await script(
      () => answers([number(1)], never),
      () => answers([number(2)]),
    );
    const { proxy, client } = await behindProxy(gateway);
    const interruptions: RequestError[] = [];
    const options = { onInterrupted: (error: RequestError) => interruptions.push(error) };
    const updates = client.subscribe(NUMBERS as Numbers, {}, options);
    await updates.next();
    proxy.freeze();
    expect((await updates.next()).value?.numbers.value).toBe(2);
    expect(gateway.asked).toEqual([undefined, '1']);
    expect(interruptions).toMatchObject([{ code: 'NETWORK_FAILED', cursor: '1' }]);
  });

  it('is given up also where it never came about', async () => {
    const gateway = await script(() => answers([number(1)]));
    const { proxy, client } = await behindProxy(gateway);
    proxy.freezeNew(true);
    const onInterrupted = () => proxy.freezeNew(false);
    const { values } = await collect(client, { onInterrupted });
    expect(values).toEqual([1]);
    expect(proxy.accepted).toBeGreaterThan(1);
  });

  it('is kept as long as it answers, however quiet the stream', async () => {
    const gateway = await script((_, socket) => answers([], messages(socket, 5)));
    const { proxy, client } = await behindProxy(gateway);
    expect(await client.subscribe(NUMBERS).next()).toEqual({ done: true, value: undefined });
    expect(proxy.accepted).toBe(1);
  });
});
