import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { BusbarError } from '../../domain/errors.ts';
import { ALL_RIGHTS } from '../../domain/rights.ts';
import { AddressList } from '../../runtime/address-list.ts';
import { startGateway, type TestGateway } from '../../tests/support/gateway.ts';
import type { Authenticator } from '../auth/authenticator.ts';
import type { Caller } from '../caller.ts';
import { type FrontSettings, LOOPBACK_FRONT } from './front.ts';

let gateway: TestGateway;
let callers: Caller[];
afterEach(() => gateway.close());

async function start(front: Partial<FrontSettings> = {}, authenticator?: Authenticator): Promise<void> {
  callers = [];
  gateway = await startGateway({
    edge: { front: { ...LOOPBACK_FRONT, ...front } },
    ...(authenticator && { authenticator }),
    operations: (caller) => {
      callers.push(caller);
      return {} as never;
    },
  });
}

interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** As a client that sets every header it likes, which `fetch` is not. */
async function ask(path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Answer> {
  const request = httpRequest(new URL(path, gateway.url), { headers, method }).end();
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  response.setEncoding('utf8');
  let body = '';
  for await (const chunk of response) body += chunk;
  return { status: response.statusCode, headers: response.headers, body };
}

const QUERY = '/graphql?query={__typename}';

describe('Every answer', () => {
  it('says to browsers that it is data for nobody’s frame', async () => {
    await start();
    for (const path of [QUERY, '/', '/elsewhere', '/health/live', '/metrics']) {
      const { headers } = await ask(path);
      expect(headers, path).toMatchObject({
        'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'DENY',
        'referrer-policy': 'no-referrer',
      });
      expect(headers['strict-transport-security']).toBeUndefined();
    }
  });

  it('that came by TLS to a proxy we trust asks browsers to stay with it', async () => {
    await start({ proxies: new AddressList(['loopback']) });
    const { headers } = await ask(QUERY, { 'x-forwarded-proto': 'https' });
    expect(headers['strict-transport-security']).toMatch(/^max-age=\d+/);
    expect((await ask(QUERY, { 'x-forwarded-proto': 'http' })).headers['strict-transport-security']).toBeUndefined();
  });

  it('that is the page of GraphiQL lets its own script run, by what is in it, and no other', async () => {
    await start();
    const { headers, body } = await ask('/graphql', { accept: 'text/html' });
    const policy = String(headers['content-security-policy']);
    const [, hash] = /script-src 'sha256-([^']+)' blob:;/.exec(policy) ?? [];
    const script = body.slice(body.indexOf('<script>') + '<script>'.length, body.lastIndexOf('</script>'));
    expect(createHash('sha256').update(script).digest('base64')).toBe(hash);
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toMatch(/script-src[^;]*unsafe/);
  });
});

describe('A name that is not ours', () => {
  it.each(['evil.example', 'evil.example:4000', 'localhost.evil.example', '127.0.0.1.evil.example', '10.0.0.1'])(
    'is answered with 421, whatever is asked: %s',
    async (host) => {
      await start();
      for (const path of [QUERY, '/metrics', '/export/lmp']) {
        expect((await ask(path, { host, origin: `http://${host}` })).status, path).toBe(421);
      }
      const socket = new WebSocket(gateway.socketUrl, 'graphql-transport-ws', {
        headers: { host },
        origin: `http://${host}`,
      });
      const [, response] = await once(socket, 'unexpected-response');
      expect(response.statusCode).toBe(421);
      socket.on('error', () => undefined).terminate();
    },
  );

  it.each(['localhost:4000', '127.0.0.1', '[::1]:4000', 'desk.localhost', 'LOCALHOST', 'busbar.example:443'])(
    'is not one of the loopback, nor one that is allowed: %s',
    async (host) => {
      await start({ hosts: ['busbar.example'] });
      expect((await ask(QUERY, { host })).status).toBe(200);
    },
  );

  it('does not matter where nobody gets in without a credential, unless names are given', async () => {
    await start({ hosts: undefined });
    expect((await ask(QUERY, { host: 'anything.example' })).status).toBe(200);
  });
});

describe('Pages of other origins', () => {
  const desk = 'https://desk.example';

  it('may ask where their origin is among those that may, and read the answer', async () => {
    await start({ origins: [desk] });
    const preflight = await ask(
      '/graphql',
      { origin: desk, 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization' },
      'OPTIONS',
    );
    expect([preflight.status, preflight.headers['access-control-allow-origin']]).toEqual([204, desk]);
    expect(preflight.headers['access-control-allow-headers']).toContain('authorization');
    const { status, headers } = await ask(QUERY, { origin: desk });
    expect([status, headers['access-control-allow-origin'], headers.vary]).toEqual([
      200,
      desk,
      'origin, Accept, Accept-Encoding',
    ]);
    expect(headers['access-control-allow-credentials']).toBeUndefined();
    const socket = new WebSocket(gateway.socketUrl, 'graphql-transport-ws', { origin: desk });
    await once(socket, 'open');
    socket.terminate();
  });

  it.each(['https://desk.example.evil.example', 'http://desk.example', 'https://desk.example:8443', 'null'])(
    'may not otherwise, nor are they told that they may: %s',
    async (origin) => {
      await start({ origins: [desk] });
      const { status, headers } = await ask(QUERY, { origin });
      expect([status, headers['access-control-allow-origin']]).toEqual([403, undefined]);
      const preflight = await ask('/graphql', { origin, 'access-control-request-method': 'POST' }, 'OPTIONS');
      expect([preflight.status, preflight.headers['access-control-allow-origin']]).toEqual([403, undefined]);
    },
  );

  it('are told from our own behind a proxy that says by what name we were called', async () => {
    await start({ proxies: new AddressList(['loopback']), hosts: ['busbar.example'] });
    const through = { 'x-forwarded-host': 'busbar.example', origin: 'https://busbar.example' };
    expect((await ask(QUERY, through)).status).toBe(200);
    expect((await ask(QUERY, { ...through, origin: 'https://evil.example' })).status).toBe(403);
  });
});

describe('The address of a client', () => {
  const addressWith = async (headers: Record<string, string>) => {
    callers.length = 0;
    await ask(QUERY, headers);
    return callers[0]?.address;
  };

  it('is that of its connection, whatever it says of itself', async () => {
    await start();
    expect(await addressWith({ 'x-forwarded-for': '203.0.113.9' })).toBe('127.0.0.1');
  });

  it('is what proxies that are trusted say, and not what was said before them', async () => {
    await start({ proxies: new AddressList(['loopback', '10.0.0.0/8']) });
    expect(await addressWith({ 'x-forwarded-for': '203.0.113.9' })).toBe('203.0.113.9');
    expect(await addressWith({ 'x-forwarded-for': '127.0.0.1, 198.51.100.1, 203.0.113.9, 10.0.0.1' })).toBe(
      '203.0.113.9',
    );
    expect(await addressWith({ 'x-forwarded-for': '203.0.113.9, nonsense' })).toBe('127.0.0.1');
    expect(await addressWith({ 'x-forwarded-for': '203.0.113.9:51234' })).toBe('203.0.113.9');
    expect(await addressWith({ 'x-forwarded-for': '[2001:db8::1]:443' })).toBe('2001:db8::1');
    expect(await addressWith({ 'x-forwarded-for': '10.0.0.2' })).toBe('10.0.0.2');
    expect(await addressWith({})).toBe('127.0.0.1');
  });
});

describe('Figures, and what is not ready and why', () => {
  const operator: Authenticator = {
    async identify(authorization) {
      const roles = { 'Bearer operator': ['OPERATOR'], 'Bearer viewer': ['VIEWER'] } as const;
      if (authorization !== 'Bearer operator' && authorization !== 'Bearer viewer') {
        throw new BusbarError('UNAUTHENTICATED', 'the credential is not known');
      }
      const rights = { ...ALL_RIGHTS, roles: roles[authorization] };
      return { subject: authorization, name: authorization, rights, expiresAt: undefined };
    },
    watch: () => () => undefined,
  };

  it('are for this machine by default', async () => {
    await start();
    expect((await ask('/metrics')).status).toBe(200);
    expect(JSON.parse((await ask('/health/ready')).body)).toHaveProperty('components');
  });

  it('are not for whom a proxy on this machine passes on', async () => {
    await start();
    expect((await ask('/metrics', { 'x-forwarded-for': '203.0.113.9' })).status).toBe(403);
    expect((await ask('/metrics', { forwarded: 'for=203.0.113.9' })).status).toBe(403);
  });

  it('are for addresses that are named, and for whoever may see how feeds stand', async () => {
    await start({ insiders: new AddressList(['10.0.0.0/8']) }, operator);
    expect((await ask('/metrics')).status).toBe(403);
    expect(JSON.parse((await ask('/health/ready')).body)).toEqual({ ready: true });
    expect((await ask('/health/live')).status).toBe(200);
    expect((await ask('/metrics', { authorization: 'Bearer operator' })).status).toBe(200);
    expect((await ask('/metrics', { authorization: 'Bearer viewer' })).status).toBe(403);
    expect((await ask('/metrics', { authorization: 'Bearer mallory' })).status).toBe(401);
    const ready = await ask('/health/ready', { authorization: 'Bearer mallory' });
    expect([ready.status, JSON.parse(ready.body)]).toEqual([200, { ready: true }]);
  });

  it('are of all feeds, and so not for whoever may see some of them', async () => {
    const analyst = (feeds: 'ALL' | readonly string[]): Authenticator => ({
      identify: async () => {
        const rights = { ...ALL_RIGHTS, roles: ['ANALYST'] as const, feeds };
        return { subject: 'key:analyst0', name: 'analyst', rights, expiresAt: undefined };
      },
      watch: () => () => undefined,
    });
    const seenBy = async (feeds: 'ALL' | readonly string[]) => {
      await start({ insiders: new AddressList([]) }, analyst(feeds));
      const [figures, ready] = [
        await ask('/metrics', { authorization: 'Bearer analyst' }),
        await ask('/health/ready', { authorization: 'Bearer analyst' }),
      ];
      return [figures.status, Object.keys(JSON.parse(ready.body))];
    };
    expect(await seenBy('ALL')).toEqual([200, ['ready', 'components']]);
    await gateway.close();
    expect(await seenBy(['caiso-lmp'])).toEqual([403, ['ready']]);
    await gateway.close();
    expect(await seenBy([])).toEqual([403, ['ready']]);
  });

  it.each([
    ['an address that is named', { 'x-forwarded-for': '10.1.2.3' }, 200],
    ['one that is named, with a port', { 'x-forwarded-for': '10.1.2.3:51234' }, 200],
    ['one in brackets', { 'x-forwarded-for': '[fd00::7]' }, 200],
    ['one in brackets with a port', { 'x-forwarded-for': '[fd00::7]:443' }, 200],
    ['one that another of its proxies passed on', { 'x-forwarded-for': '10.1.2.3, 127.0.0.1' }, 200],
    ['another', { 'x-forwarded-for': '203.0.113.7' }, 403],
    ['another with a port', { 'x-forwarded-for': '203.0.113.7:51234' }, 403],
    ['another in brackets', { 'x-forwarded-for': '[2001:db8::1]' }, 403],
    ['another in brackets with a port', { 'x-forwarded-for': '[2001:db8::1]:443' }, 403],
    ['no address', { 'x-forwarded-for': 'unknown' }, 403],
    ['no address, behind another of its proxies', { 'x-forwarded-for': 'unknown, 127.0.0.1' }, 403],
    ['proxies and no client', { 'x-forwarded-for': '127.0.0.1' }, 403],
    ['an address in a header that is not read', { forwarded: 'for=10.1.2.3' }, 403],
    ['nothing', {}, 403],
  ])('are for a client behind a trusted proxy by what that says of it: %s', async (_, headers, status) => {
    const insiders = new AddressList(['loopback', 'private']);
    await start({ insiders, proxies: new AddressList(['loopback']) });
    expect((await ask('/metrics', headers as Record<string, string>)).status).toBe(status);
  });

  it('are for a client behind a trusted proxy by its own address', async () => {
    await start({ insiders: new AddressList(['10.0.0.0/8']), proxies: new AddressList(['loopback']) });
    expect((await ask('/metrics', { 'x-forwarded-for': '10.1.2.3' })).status).toBe(200);
    expect((await ask('/metrics', { 'x-forwarded-for': '203.0.113.9' })).status).toBe(403);
  });
});
