import { createServer, type RequestListener } from 'node:http';
import { inspect } from 'node:util';
import { afterEach, expect, test } from 'vitest';
import { BusbarError } from '../../domain/errors.ts';
import { type Clock, createHttpSource, type HttpSettings, type HttpSource } from './http.ts';

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

/** Sleeping takes no time and moves the clock on. */
function skippingClock(): Clock & { readonly slept: number[] } {
  let now = Date.parse('2024-01-01T00:00:00Z');
  const slept: number[] = [];
  return {
    slept,
    now: () => now,
    sleep: async (ms, signal) => {
      signal?.throwIfAborted();
      slept.push(ms);
      now += ms;
    },
  };
}

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanups.push(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const address = server.address();
  return `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}/prices?key=hush`;
}

/** Answers with each in turn, the last one for ever after. */
function answers(...each: readonly { status: number; body?: string; headers?: Record<string, string> }[]) {
  let place = 0;
  const listener: RequestListener = (_, response) => {
    const answer = each[Math.min(place, each.length - 1)];
    place += 1;
    response.writeHead(answer?.status ?? 500, answer?.headers ?? {});
    response.end(answer?.body ?? '');
  };
  return { listener, asked: () => place };
}

function source(clock: Clock, settings: Partial<HttpSettings> = {}): HttpSource {
  const http = createHttpSource({
    clock,
    random: () => 0.5,
    pacer: { turn: async () => {} },
    timeoutMs: 5000,
    bytesMax: 1000,
    triesMax: 4,
    backoffMs: 1000,
    backoffMsMax: 10_000,
    ...settings,
  });
  cleanups.push(() => http.close());
  return http;
}

const textOf = ({ bytes }: { readonly bytes: Buffer }) => bytes.toString();

test('a good answer is handed to its reader', async () => {
  const url = await serve(answers({ status: 200, body: 'hello' }).listener);
  expect(await source(skippingClock()).get(url, textOf)).toBe('hello');
});

test('a server error is tried again with doubled, jittered pauses', async () => {
  const clock = skippingClock();
  const server = answers({ status: 503 }, { status: 500 }, { status: 502 }, { status: 200, body: 'at last' });
  expect(await source(clock).get(await serve(server.listener), textOf)).toBe('at last');
  expect(clock.slept).toEqual([750, 1500, 3000]);
});

test('tries are bounded', async () => {
  const server = answers({ status: 503 });
  const asking = source(skippingClock()).get(await serve(server.listener), textOf);
  await expect(asking).rejects.toMatchObject({ code: 'SOURCE_FAILED', details: { status: 503 } });
  expect(server.asked()).toBe(4);
});

test('a refusal is final and shows what the source said, but never the query', async () => {
  const server = answers({ status: 403, body: '{"error":"no subscription"}' });
  const asking = source(skippingClock()).get(await serve(server.listener), textOf);
  await expect(asking).rejects.toMatchObject({
    code: 'SOURCE_REFUSED',
    details: { body: '{"error":"no subscription"}' },
  });
  await expect(asking).rejects.not.toThrow(/hush/);
  expect(server.asked()).toBe(1);
});

test('a throttled request waits as long as the source asks', async () => {
  const clock = skippingClock();
  const server = answers({ status: 429, headers: { 'retry-after': '7' } }, { status: 200, body: 'ok' });
  expect(await source(clock).get(await serve(server.listener), textOf)).toBe('ok');
  expect(clock.slept).toEqual([7000]);
});

test('a source that asks for a longer pause than ours is left alone at once', async () => {
  const server = answers({ status: 429, headers: { 'retry-after': '999' } });
  const asking = source(skippingClock()).get(await serve(server.listener), textOf);
  await expect(asking).rejects.toMatchObject({ code: 'THROTTLED', details: { retryAfterMs: 999_000 } });
  expect(server.asked()).toBe(1);
});

test('a failure that hides behind status 200 is tried again where the reader says that it can be', async () => {
  const server = answers({ status: 200, body: 'busy' }, { status: 200, body: 'data' });
  const read = ({ bytes }: { readonly bytes: Buffer }) => {
    if (bytes.toString() === 'busy') throw new BusbarError('SOURCE_FAILED', 'busy');
    return bytes.toString();
  };
  expect(await source(skippingClock()).get(await serve(server.listener), read)).toBe('data');
});

test('an answer over the size limit is refused and not tried again', async () => {
  const server = answers({ status: 200, body: 'x'.repeat(1001) });
  const asking = source(skippingClock()).get(await serve(server.listener), textOf);
  await expect(asking).rejects.toMatchObject({ code: 'MALFORMED' });
  expect(server.asked()).toBe(1);
});

test('a source that never ends its answer is cut off at the deadline', async () => {
  const url = await serve((_, response) => {
    response.writeHead(200);
    response.write('{');
  });
  const asking = source(skippingClock(), { timeoutMs: 50, triesMax: 1 }).get(url, textOf);
  await expect(asking).rejects.toMatchObject({ code: 'SOURCE_FAILED', message: /within 50 ms/ });
});

test('a source that cannot be reached is a failure that can be tried again', async () => {
  const url = await serve(() => undefined);
  for (const cleanup of cleanups.splice(0)) await cleanup();
  const asking = source(skippingClock(), { triesMax: 2 }).get(url, textOf);
  await expect(asking).rejects.toMatchObject({ code: 'SOURCE_FAILED', retriable: true });
});

test('an aborted request ends with the reason of its signal', async () => {
  const ending = new AbortController();
  const url = await serve(() => ending.abort(new Error('shutting down')));
  await expect(source(skippingClock()).get(url, textOf, { signal: ending.signal })).rejects.toThrow('shutting down');
});

test('a form is posted as a form, again after a failure, and none of it is in an error', async () => {
  const bodies: string[] = [];
  const url = await serve((request, response) => {
    let body = `${request.method} ${request.headers['content-type']} ${request.headers.accept} `;
    request.on('data', (chunk) => {
      body += String(chunk);
    });
    request.on('end', () => {
      bodies.push(body);
      response.writeHead(bodies.length < 3 ? 503 : 200).end('done');
    });
  });
  const fields = { user: 'me@here', password: 'a b&c' };
  const options = { headers: { accept: 'application/json' } };
  expect(await source(skippingClock()).postForm(url, fields, textOf, options)).toBe('done');
  const sent = 'POST application/x-www-form-urlencoded application/json user=me%40here&password=a+b%26c';
  expect(bodies).toEqual([sent, sent, sent]);

  const refused = await serve(answers({ status: 400 }).listener);
  const failed = await source(skippingClock())
    .postForm(refused, fields, textOf)
    .catch((error: unknown) => error);
  expect(failed).toMatchObject({ code: 'SOURCE_REFUSED', message: expect.stringMatching(/^POST http:.* status 400$/) });
  expect(inspect(failed, { depth: 9 })).not.toMatch(/a b&c|a\+b|me@here|hush/);
});

test('every try waits for its turn', async () => {
  const server = answers({ status: 503 }, { status: 200, body: 'ok' });
  let turns = 0;
  const pacer: HttpSettings['pacer'] = {
    turn: async () => {
      turns += 1;
    },
  };
  expect(await source(skippingClock(), { pacer }).get(await serve(server.listener), textOf)).toBe('ok');
  expect(turns).toBe(2);
});

test('who is given no turn does not ask', async () => {
  const server = answers({ status: 200 });
  const pacer: HttpSettings['pacer'] = { turn: () => Promise.reject(new BusbarError('UNAVAILABLE', 'no store')) };
  const asking = source(skippingClock(), { pacer, triesMax: 1 }).get(await serve(server.listener), textOf);
  await expect(asking).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  expect(server.asked()).toBe(0);
});
