import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { get } from 'node:https';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { selfSigned } from '../tests/support/certificate.ts';
import { answerJson, type HttpLimits, type HttpService, listenHttp } from './http-service.ts';
import { createMetrics } from './metrics.ts';

let service: HttpService | undefined;
const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
  await service?.close(0);
  service = undefined;
});

const metrics = createMetrics();

async function start(limits: Partial<HttpLimits>, more: Partial<Parameters<typeof listenHttp>[0]> = {}) {
  const handle: Parameters<typeof listenHttp>[0]['handle'] = (request, response) => {
    request.resume();
    request.once('end', () => answerJson(response, 200, {}));
  };
  service = await listenHttp({ host: '127.0.0.1', port: 0, metrics, limits, handle, ...more });
  return service;
}

function dial({ port }: HttpService, says: string): Socket {
  const socket = connect(port, '127.0.0.1', () => socket.write(says));
  closing.push(() => socket.destroy());
  return socket.on('error', () => undefined).resume();
}

const cut = async (reason: string) =>
  (await metrics.connectionsCut.get()).values.find(({ labels }) => labels.reason === reason)?.value ?? 0;

describe('Whoever keeps a server waiting', () => {
  it.each([
    ['says nothing', ''],
    ['never ends its headers', 'GET / HTTP/1.1\r\nhost: a\r\nx-slow: '],
    ['never ends its body', 'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\nabc'],
  ])('is cut: it %s', async (_, says) => {
    const socket = dial(await start({ headersMs: 100, requestMs: 100 }), says);
    await once(socket, 'close');
  });

  it('makes room for those who ask, where many say nothing', async () => {
    const server = await start({ silentMax: 10 });
    const silent = Array.from({ length: 30 }, () => dial(server, ''));
    await expect.poll(() => silent.filter(({ closed }) => closed).length).toBe(20);
    expect((await fetch(server.url)).status).toBe(200);
    expect(await cut('crowded')).toBe(21);
  });

  it('is not taken for one where it asked before', async () => {
    const server = await start({ silentMax: 1 });
    const asked = dial(server, 'GET / HTTP/1.1\r\nhost: a\r\n\r\n');
    await once(asked, 'data');
    const [first, second] = [dial(server, ''), dial(server, '')];
    await Promise.race([once(first, 'close'), once(second, 'close')]);
    expect(asked.closed).toBe(false);
  });
});

it('Connections are so many in all', async () => {
  const server = await start({ connectionsMax: 2 });
  const [first, second] = [dial(server, ''), dial(server, '')];
  await Promise.all([once(first, 'connect'), once(second, 'connect')]);
  await once(dial(server, ''), 'close');
  expect([first.closed, second.closed, await cut('full')]).toEqual([false, false, 1]);
});

describe('TLS', () => {
  async function files(pair: ReturnType<typeof selfSigned>) {
    const folder = await mkdtemp(join(tmpdir(), 'busbar-tls-'));
    closing.push(() => rm(folder, { recursive: true }));
    const paths = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') };
    await writeFile(paths.cert, pair.cert);
    await writeFile(paths.key, pair.key);
    return paths;
  }

  /** @returns the serial number of the certificate that the server shows. */
  function ask({ url }: HttpService, ca: readonly string[]): Promise<string> {
    return new Promise((answered, failed) => {
      get(url.replace('127.0.0.1', 'localhost'), { ca: [...ca], agent: false, family: 4 }, (response) => {
        const { serialNumber } = (response.socket as TLSSocket).getPeerCertificate();
        response.resume().once('end', () => answered(serialNumber));
      }).on('error', failed);
    });
  }

  it('is spoken with the certificate of the files, nothing else is, and a new one is taken up', async () => {
    const [first, second] = [selfSigned(1), selfSigned(2)];
    const tls = await files(first);
    const server = await start({}, { tls, tlsEveryMs: 20 });
    expect(server.url).toMatch(/^https:/);
    expect(await ask(server, [first.cert])).toBe('01');
    await expect(fetch(server.url.replace('https', 'http'))).rejects.toThrow();
    // Between the two writes they do not belong together, and the old pair stays.
    await writeFile(tls.cert, second.cert);
    expect(await ask(server, [first.cert])).toBe('01');
    await writeFile(tls.key, second.key);
    await expect.poll(() => ask(server, [second.cert]), { timeout: 10_000 }).toBe('02');
  });

  it('counts connections that asked for nothing as without it, and closes with them', async () => {
    const pair = selfSigned(3);
    const server = await start({ silentMax: 5 }, { tls: await files(pair) });
    for (let each = 0; each < 20; each++) dial(server, '');
    for (let each = 0; each < 3; each++) expect(await ask(server, [pair.cert])).toBe('03');
    await server.close(60_000);
    service = undefined;
  });

  it.each(['a key of another certificate', 'no key'])('is not begun with %s: CONFIG_INVALID', async (fault) => {
    const tls = await files({ ...selfSigned(1), key: fault === 'no key' ? 'x' : selfSigned(2).key });
    await expect(start({}, { tls })).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    await expect(start({}, { tls: { ...tls, key: `${tls.key}.not` } })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
    });
  });
});
