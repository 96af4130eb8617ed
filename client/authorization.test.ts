import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { BusbarError } from '../domain/errors.ts';
import { ALL_RIGHTS } from '../domain/rights.ts';
import { startGateway, type TestGateway } from '../tests/support/gateway.ts';
import { announcer } from '../tests/support/live.ts';
import { type Client, type ClientOptions, createClient } from './client.ts';
import { LmpUpdatesDocument, MarketsDocument } from './generated/graphql.ts';
import type { RequestError } from './request-error.ts';

/** Tokens by what they are shown as, each of one user, with the time they end: milliseconds UTC. */
let tokens: Map<string, number | undefined>;
let revoke: (token: string) => void;
let gateway: TestGateway;
let source: ReturnType<typeof announcer>;
let client: Client | undefined;

beforeEach(async () => {
  tokens = new Map();
  const watchers = new Map<string, (error: BusbarError) => void>();
  revoke = (token) => {
    tokens.delete(token);
    watchers.get(token)?.(new BusbarError('UNAUTHENTICATED', 'revoked'));
  };
  gateway = await startGateway({
    reads: { markets: async () => [] },
    edge: { socketLimits: { warningMs: 400 } },
    authenticator: {
      async identify(authorization = '') {
        if (!tokens.has(authorization)) throw new BusbarError('UNAUTHENTICATED', 'the token is not good');
        return { subject: 'oidc:alice', name: authorization, rights: ALL_RIGHTS, expiresAt: tokens.get(authorization) };
      },
      watch(identity, ended) {
        watchers.set(identity.name, ended);
        return () => undefined;
      },
    },
  });
  source = announcer(gateway.bus);
});
afterEach(async () => {
  client?.close();
  await gateway.close();
});

function clientWith(authorization: ClientOptions['authorization']): Client {
  const backoff = { attemptsMax: 5, delayMsMin: 1, delayMsMax: 4 };
  client = createClient({
    url: gateway.url,
    webSocketImpl: WebSocket,
    backoff,
    ...(authorization !== undefined && { authorization }),
  });
  return client;
}

/** Gives these one after the other, the last one for ever, and notes what it was asked for. */
function issuer(...given: string[]) {
  const asked: boolean[] = [];
  return {
    asked,
    async authorization({ fresh }: { fresh: boolean }) {
      if (fresh && given.length > 1) given.shift();
      asked.push(fresh);
      return given[0] ?? '';
    },
  };
}

const members = async () => (await gateway.metrics.liveMembers.get()).values[0]?.value;

/** Prices as they come, until the iteration ends or fails. */
function follow(of: Client) {
  const prices: number[] = [];
  const interruptions: RequestError[] = [];
  const consume = async () => {
    const onInterrupted = (error: RequestError) => interruptions.push(error);
    for await (const { lmp } of of.subscribe(LmpUpdatesDocument, {}, { onInterrupted })) {
      prices.push(...lmp.ticks.map((tick) => tick.lmp));
    }
  };
  return { prices, interruptions, ended: consume().catch((error: unknown) => error) };
}

describe('A query', () => {
  it('shows the credential', async () => {
    tokens.set('Bearer a', undefined);
    expect(await clientWith('Bearer a').query(MarketsDocument)).toEqual({ markets: [] });
    await expect(clientWith(undefined).query(MarketsDocument)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  });

  it('whose credential is refused is sent once more with a fresh one, and no more', async () => {
    tokens.set('Bearer b', undefined);
    const { authorization, asked } = issuer('Bearer a', 'Bearer b');
    const asking = clientWith(authorization);
    expect(await asking.query(MarketsDocument)).toEqual({ markets: [] });
    expect(asked).toEqual([false, true]);
    tokens.clear();
    await expect(asking.query(MarketsDocument)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    expect(asked).toEqual([false, true, false, true]);
  });

  it('is not sent twice where it was refused otherwise', async () => {
    let requests = 0;
    const server = createServer((_, response) => {
      requests++;
      response.writeHead(403).end();
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`;
    const asking = createClient({ url, authorization: 'Bearer a' });
    await expect(asking.query('{ a }')).rejects.toMatchObject({ code: 'FORBIDDEN' });
    expect(requests).toBe(1);
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
});

describe('A subscription', () => {
  it('goes on over the same connection beyond the end of its credential: it is renewed on the warning', async () => {
    const expiresAt = Date.now() + 1_000;
    tokens.set('Bearer a', expiresAt).set('Bearer b', Date.now() + 3_600_000);
    const { authorization, asked } = issuer('Bearer a', 'Bearer b');
    const { prices, interruptions } = follow(clientWith(authorization));
    await expect.poll(members).toBe(1);
    await source.price(1);
    await expect.poll(() => Date.now() > expiresAt + 50, { timeout: 5_000 }).toBe(true);
    await source.price(2);
    await expect.poll(() => prices).toEqual([1, 2]);
    expect([interruptions, asked]).toEqual([[], [false, true]]);
  });

  it('goes on over another connection where its credential was revoked and a fresh one is good', async () => {
    tokens.set('Bearer a', undefined).set('Bearer b', undefined);
    const { authorization, asked } = issuer('Bearer a', 'Bearer b');
    const { prices, interruptions } = follow(clientWith(authorization));
    await expect.poll(members).toBe(1);
    await source.price(1);
    await expect.poll(() => prices).toEqual([1]);
    revoke('Bearer a');
    await source.price(2);
    await expect.poll(() => prices).toEqual([1, 2]);
    expect(interruptions).toMatchObject([{ code: 'UNAUTHENTICATED', cursor: expect.any(String) }]);
    expect(asked).toEqual([false, true]);
  });

  it('ends with UNAUTHENTICATED and the cursor where the fresh one is refused too', async () => {
    tokens.set('Bearer a', undefined);
    const { authorization, asked } = issuer('Bearer a', 'Bearer b');
    const { prices, ended } = follow(clientWith(authorization));
    await expect.poll(members).toBe(1);
    await source.price(1);
    await expect.poll(() => prices).toEqual([1]);
    revoke('Bearer a');
    expect(await ended).toMatchObject({ code: 'UNAUTHENTICATED', cursor: expect.any(String) });
    expect(asked).toEqual([false, true]);
  });

  it('ends at once without a credential where one is needed', async () => {
    const { ended, interruptions } = follow(clientWith(undefined));
    expect(await ended).toMatchObject({ code: 'UNAUTHENTICATED' });
    expect(interruptions).toEqual([]);
  });

  it('with a key that stays the same goes on where its rights were changed', async () => {
    tokens.set('Bearer a', undefined);
    const { prices } = follow(clientWith('Bearer a'));
    await expect.poll(members).toBe(1);
    await source.price(1);
    await expect.poll(() => prices).toEqual([1]);
    revoke('Bearer a');
    tokens.set('Bearer a', undefined);
    await source.price(2);
    await expect.poll(() => prices).toEqual([1, 2]);
  });
});
