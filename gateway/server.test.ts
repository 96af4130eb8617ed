import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { socketClient, startGateway, type TestGateway } from '../tests/support/gateway.ts';

let lines: Record<string, unknown>[];
let gateway: TestGateway;
let slowRead: SlowRead;

beforeEach(async () => {
  lines = [];
  const log = pino({ level: 'info' }, { write: (line) => void lines.push(JSON.parse(line)) });
  slowRead = createSlowRead();
  gateway = await startGateway({ log, reads: { feeds: slowRead.feeds } });
});
afterEach(() => gateway.close());

function post(query: string, headers: Record<string, string> = {}) {
  return fetch(gateway.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ query }),
  });
}

describe('requests', () => {
  test('are answered by POST and by GET', async () => {
    expect(await (await post('{ __typename }')).json()).toEqual({ data: { __typename: 'Query' } });
    const byGet = await fetch(`${gateway.url}?query=${encodeURIComponent('{ __typename }')}`);
    expect(await byGet.json()).toEqual({ data: { __typename: 'Query' } });
  });

  test('that GraphQL cannot accept are told why with BAD_USER_INPUT', async () => {
    for (const query of ['{', '{ nothing }']) {
      const { errors } = await (await post(query)).json();
      expect(errors[0]).toMatchObject({ message: expect.any(String), extensions: { code: 'BAD_USER_INPUT' } });
    }
  });

  test('that fail inside show nothing of it, and the log has it', async () => {
    const body = await (await post('{ latestLmp(nodes: ["PJM:A"], run: SPOT) { lmp } }')).text();
    expect(JSON.parse(body).errors[0]).toMatchObject({
      message: 'Unexpected error.',
      extensions: { code: 'INTERNAL_SERVER_ERROR' },
    });
    expect(body).not.toContain('postgres.internal');
    expect(lines).toContainEqual(
      expect.objectContaining({
        msg: 'request failed',
        err: expect.objectContaining({ message: expect.stringContaining('postgres.internal') }),
      }),
    );
  });

  test('that a client got wrong are not logged as failures', async () => {
    await post('{ nothing }');
    await post('{ latestLmp(nodes: ["NOWHERE:A"], run: SPOT) { lmp } }');
    expect(lines.filter(({ msg }) => msg === 'request failed')).toEqual([]);
  });

  test('longer than 1 MiB are refused, announced or not', async () => {
    expect((await post(`{ __typename } #${'x'.repeat(1024 * 1024)}`)).status).toBe(413);
    const request = httpRequest(gateway.url, { method: 'POST', headers: { 'content-type': 'application/json' } });
    request.on('error', () => undefined);
    const answered = once(request, 'response') as Promise<[IncomingMessage]>;
    const chunk = Buffer.alloc(64 * 1024, 'x');
    for (let each = 0; each < 20; each++) request.write(chunk);
    const [response] = await answered;
    expect(response.statusCode).toBe(413);
    request.destroy();
  });

  test('without a body, with a batch or with an upload are refused as mistakes', async () => {
    expect((await fetch(gateway.url, { method: 'POST', headers: { 'content-type': 'application/json' } })).status).toBe(
      400,
    );
    const batch = await fetch(gateway.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify([{ query: '{ __typename }' }, { query: '{ __typename }' }]),
    });
    expect(batch.status).toBe(400);
    const form = new FormData();
    form.set('operations', '{}');
    expect((await fetch(gateway.url, { method: 'POST', body: form })).status).toBe(415);
  });

  test('to the root lead to GraphQL, to anywhere else nowhere', async () => {
    const root = await fetch(new URL('/', gateway.url), { redirect: 'manual' });
    expect([root.status, root.headers.get('location')]).toEqual([302, '/graphql']);
    expect((await fetch(new URL('/elsewhere', gateway.url))).status).toBe(404);
  });
});

describe('pages of other origins', () => {
  test('may not ask, and are not told that they may', async () => {
    const response = await post('{ __typename }', { origin: 'https://elsewhere.example' });
    expect(response.status).toBe(403);
    expect(response.headers.get('access-control-allow-origin')).toBeNull();
    const preflight = await fetch(gateway.url, { method: 'OPTIONS', headers: { origin: 'https://elsewhere.example' } });
    expect(preflight.headers.get('access-control-allow-origin')).toBeNull();
  });

  test.each(['https://elsewhere.example', 'null'])('may not open a socket: %s', async (origin) => {
    const socket = new WebSocket(gateway.socketUrl, 'graphql-transport-ws', { origin });
    const [, response] = await once(socket, 'unexpected-response');
    expect(response.statusCode).toBe(403);
    socket.on('error', () => undefined).terminate();
  });

  test('are told apart from our own page, which may', async () => {
    const socket = new WebSocket(gateway.socketUrl, 'graphql-transport-ws', { origin: new URL(gateway.url).origin });
    await once(socket, 'open');
    socket.terminate();
  });
});

describe('a socket', () => {
  test('answers queries with the same rules, context and masks as HTTP', async () => {
    const client = socketClient(gateway.socketUrl);
    const ask = async (query: string) => (await client.iterate({ query }).next()).value;
    expect(await ask('{ __typename }')).toEqual({ data: { __typename: 'Query' } });
    expect(await ask('{ latestLmp(nodes: ["PJM:A"], run: SPOT) { lmp } }')).toMatchObject({
      errors: [{ message: 'Unexpected error.', extensions: { code: 'INTERNAL_SERVER_ERROR' } }],
    });
    await expect(client.iterate({ query: '{ nothing }' }).next()).rejects.toEqual([
      expect.objectContaining({ extensions: { code: 'BAD_USER_INPUT' } }),
    ]);
    await client.dispose();
  });

  test('elsewhere than at /graphql is refused', async () => {
    const socket = new WebSocket(gateway.socketUrl.replace('/graphql', '/elsewhere'), 'graphql-transport-ws');
    const [, response] = await once(socket, 'unexpected-response');
    expect(response.statusCode).toBe(404);
    socket.on('error', () => undefined).terminate();
  });
});

describe('closing', () => {
  test('lets a request under way finish, takes no new one, and is no longer ready', async () => {
    expect((await fetch(new URL('/health/ready', gateway.url))).status).toBe(200);
    const slow = post('{ feeds { id } }');
    await slowRead.begun;
    const closed = gateway.gateway.close();
    expect(gateway.health.report()).toMatchObject({ ready: false, components: { gateway: { detail: 'closing' } } });
    await expect(fetch(gateway.url)).rejects.toThrow();
    slowRead.finish();
    expect(await (await slow).json()).toEqual({ data: { feeds: [] } });
    await closed;
  });

  test('cuts a request that does not finish within the grace', async () => {
    const impatient = await startGateway({ graceMs: 50, reads: { feeds: slowRead.feeds } });
    const slow = fetch(`${impatient.url}?query={feeds{id}}`).catch((error) => error);
    await slowRead.begun;
    await impatient.close();
    expect(await slow).toBeInstanceOf(Error);
  });
});

interface SlowRead {
  readonly feeds: () => Promise<never[]>;
  readonly begun: Promise<void>;
  finish(): void;
}

/** A read that says when it was asked and answers when it is told to. */
function createSlowRead(): SlowRead {
  let begin: () => void = () => undefined;
  let finish: () => void = () => undefined;
  const begun = new Promise<void>((resolve) => {
    begin = resolve;
  });
  const finished = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const feeds = async () => {
    begin();
    await finished;
    return [];
  };
  return { feeds, begun, finish };
}
