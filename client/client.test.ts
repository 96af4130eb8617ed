import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, expectTypeOf, it } from 'vitest';
import { WebSocket } from 'ws';
import { BusbarError } from '../domain/errors.ts';
import { startGateway } from '../tests/support/gateway.ts';
import { type Client, type ClientOptions, createClient } from './client.ts';
import { LmpUpdatesDocument, MarketsDocument, type MarketsQuery, PricingNodesDocument } from './generated/graphql.ts';
import { isRequestError, RequestError } from './request-error.ts';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const PJM = {
  id: 'PJM',
  name: 'Pennsylvania–New Jersey–Maryland',
  operator: 'PJM Interconnection',
  timeZone: 'America/New_York',
  currency: 'USD',
};

async function gatewayClient(options: Parameters<typeof startGateway>[0] = {}): Promise<Client> {
  const gateway = await startGateway(options);
  closing.push(gateway.close);
  return createClient({ url: gateway.url });
}

/** A client of a server that answers as it is told. */
async function clientOf(listener: RequestListener, options: Partial<ClientOptions> = {}): Promise<Client> {
  const server = createServer(listener);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  closing.push(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return createClient({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`, ...options });
}

function answering(status: number, body: unknown): RequestListener {
  return (_, response) => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  };
}

async function failureOf(asked: Promise<unknown>): Promise<RequestError> {
  const error = await asked.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!isRequestError(error)) throw new Error('it did not fail as requests do', { cause: error });
  return error;
}

describe('A query', () => {
  it('has the result its document says, from the real gateway', async () => {
    const client = await gatewayClient({ reads: { markets: async () => [PJM] } });
    const result = await client.query(MarketsDocument);
    expectTypeOf(result).toEqualTypeOf<MarketsQuery>();
    expect(result).toEqual({ markets: [PJM] });
  });

  it('takes the variables its document says', async () => {
    const client = await gatewayClient({ reads: { pricingNodes: async () => ({ rows: [], hasNextPage: false }) } });
    expect(await client.query(PricingNodesDocument, { search: 'west', first: 5 })).toMatchObject({
      pricingNodes: { edges: [] },
    });
    // @ts-expect-error: `first` is a number
    expect((await failureOf(client.query(PricingNodesDocument, { first: 'five' }))).code).toBe('BAD_USER_INPUT');
  });

  it('fails with the code, the message and the path of the error', async () => {
    const client = await gatewayClient({
      reads: {
        markets: () => Promise.reject(new BusbarError('UNAVAILABLE', 'the store is away', { details: { since: 1 } })),
      },
    });
    const error = await failureOf(client.query(MarketsDocument));
    expect(error).toMatchObject({
      code: 'UNAVAILABLE',
      message: 'the store is away',
      path: ['markets'],
      retriable: true,
    });
    expect(error.errors[0]?.extensions).toMatchObject({ since: 1 });
  });

  it('fails where only a part of it failed, and keeps the rest', async () => {
    const errors = [{ message: 'no ledger', path: ['b'], extensions: { code: 'NOT_FOUND' } }];
    const client = await clientOf(answering(200, { data: { a: 1, b: null }, errors }));
    const error = await failureOf(client.query('{ a b }'));
    expect(error).toMatchObject({ code: 'NOT_FOUND', path: ['b'], data: { a: 1, b: null } });
  });

  it('shows what is masked and what it does not know for what they are', async () => {
    const masked = await gatewayClient({ reads: { markets: () => Promise.reject(new Error('pg: secret')) } });
    expect(await failureOf(masked.query(MarketsDocument))).toMatchObject({ code: 'INTERNAL_SERVER_ERROR' });
    const errors = [{ message: 'odd', extensions: { code: 'OF_TOMORROW' } }];
    const odd = await clientOf(answering(200, { errors }));
    expect(await failureOf(odd.query('{ a }'))).toMatchObject({ code: 'UNKNOWN', message: 'odd', errors });
  });

  it.each([
    [401, 'UNAUTHENTICATED', false],
    [403, 'FORBIDDEN', false],
    [413, 'LIMIT_EXCEEDED', false],
    [429, 'RATE_LIMITED', true],
    [503, 'UNAVAILABLE', true],
    [200, 'MALFORMED', false],
  ])('that is answered with %i and no GraphQL is %s', async (status, code, retriable) => {
    const client = await clientOf(answering(status, { error: 'a proxy says no' }));
    expect(await failureOf(client.query('{ a }'))).toMatchObject({ code, retriable });
  });

  it('can be tried again where nobody listens', async () => {
    const gateway = await startGateway();
    await gateway.close();
    const client = createClient({ url: gateway.url });
    const error = await failureOf(client.query('{ a }'));
    expect(error).toMatchObject({
      code: 'NETWORK_FAILED',
      retriable: true,
      message: expect.stringContaining('ECONNREFUSED'),
    });
  });

  it('can be tried again where the answer breaks off', async () => {
    const client = await clientOf((_, response) => {
      response.writeHead(200, { 'content-length': '100' }).write('{"data":', () => response.destroy());
    });
    expect(await failureOf(client.query('{ a }'))).toMatchObject({ code: 'NETWORK_FAILED', retriable: true });
  });

  it('is given up after its timeout, also within the answer', async () => {
    const silent = await clientOf(() => undefined);
    const slow = await clientOf((_, response) => void response.writeHead(200).write('{"data":'));
    for (const client of [silent, slow]) {
      const error = await failureOf(client.query('{ a }', {}, { timeoutMs: 50 }));
      expect(error).toMatchObject({ code: 'TIMED_OUT', retriable: true });
    }
  });

  it('ends with the reason of its signal', async () => {
    const aborting = new AbortController();
    const client = await clientOf(() => aborting.abort(new Error('enough')));
    await expect(client.query('{ a }', {}, { signal: aborting.signal })).rejects.toThrow('enough');
    await expect(client.query('{ a }', {}, { signal: aborting.signal })).rejects.toThrow('enough');
  });

  it('carries the headers, asked for anew each time', async () => {
    let token = 0;
    const listener: RequestListener = ({ headers }, response) =>
      answering(200, { data: headers })({ headers } as never, response);
    const client = await clientOf(listener, { headers: async () => ({ authorization: `Bearer ${++token}` }) });
    expect(await client.query('{ a }')).toMatchObject({
      authorization: 'Bearer 1',
      'content-type': 'application/json',
    });
    expect(await client.query('{ a }')).toMatchObject({ authorization: 'Bearer 2' });
  });
});

describe('A client', () => {
  it('says so where there is no WebSocket', () => {
    const global = globalThis.WebSocket;
    const subscribe = () => createClient({ url: 'http://127.0.0.1:1/graphql' }).subscribe(LmpUpdatesDocument, {});
    if (global === undefined) expect(subscribe).toThrow('webSocketImpl');
    else expect(subscribe).not.toThrow();
  });

  it('connects a socket only when updates are asked for', async () => {
    let upgrades = 0;
    const client = await clientOf(answering(200, { data: {} }), {
      webSocketImpl: class extends WebSocket {
        constructor(url: string, protocols: string) {
          super(url, protocols);
          upgrades++;
        }
      },
      backoff: { attemptsMax: 0 },
    });
    await client.query('{ a }');
    const updates = client.subscribe(LmpUpdatesDocument);
    expect(upgrades).toBe(0);
    await failureOf(updates.next());
    expect(upgrades).toBe(1);
  });

  it('agrees with the gateway on what can be tried again', () => {
    const codes = [
      'BAD_USER_INPUT',
      'UNAUTHENTICATED',
      'FORBIDDEN',
      'NOT_FOUND',
      'LIMIT_EXCEEDED',
      'RATE_LIMITED',
      'CURSOR_EXPIRED',
      'UNAVAILABLE',
    ] as const;
    for (const code of codes)
      expect(new RequestError(code, '').retriable, code).toBe(new BusbarError(code, '').retriable);
  });
});
