import { createServer, type IncomingHttpHeaders, type RequestListener } from 'node:http';
import { inspect } from 'node:util';
import { afterEach, describe, expect, test } from 'vitest';
import { BusbarError, type ErrorCode } from '../../domain/errors.ts';
import type { CallOutcome, SourceCall } from '../../domain/source-call.ts';
import { skippingClock, sourcePartsOn, TURNS_AT_ONCE } from '../../tests/support/source-parts.ts';
import type { Clock } from '../feed.ts';
import { outcomeOfAnswer } from './call-outcome.ts';
import { createHttpSource, type HttpSettings, type HttpSource, type RequestOptions } from './http.ts';
import type { HttpAnswer } from './http-answer.ts';

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

const START = Date.parse('2024-01-01T00:00:00Z');

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

type ToldSource = HttpSource & { readonly told: readonly SourceCall[] };

function source(clock: Clock = skippingClock(START), settings: Partial<HttpSettings> = {}): ToldSource {
  const { told, ...parts } = sourcePartsOn(clock, TURNS_AT_ONCE);
  const http = createHttpSource({
    ...parts,
    source: 'PJM',
    pacer: parts.turns.of('pjm', 0),
    timeoutMs: 5000,
    bytesMax: 1000,
    triesMax: 4,
    backoffMs: 1000,
    backoffMsMax: 10_000,
    ...settings,
  });
  cleanups.push(() => http.close());
  return { ...http, told };
}

const textOf = ({ bytes }: { readonly bytes: Buffer }) => bytes.toString();

test('a good answer is handed to its reader', async () => {
  const url = await serve(answers({ status: 200, body: 'hello' }).listener);
  expect(await source(skippingClock(START)).get(url, textOf)).toBe('hello');
});

test('a server error is tried again with doubled, jittered pauses', async () => {
  const clock = skippingClock(START);
  const server = answers({ status: 503 }, { status: 500 }, { status: 502 }, { status: 200, body: 'at last' });
  expect(await source(clock).get(await serve(server.listener), textOf)).toBe('at last');
  expect(clock.slept).toEqual([750, 1500, 3000]);
});

test('tries are bounded', async () => {
  const server = answers({ status: 503 });
  const asking = source(skippingClock(START)).get(await serve(server.listener), textOf);
  await expect(asking).rejects.toMatchObject({
    code: 'SOURCE_FAILED',
    details: { status: 503 },
    message: 'PJM /prices answered with status 503',
  });
  expect(server.asked()).toBe(4);
});

test('a refusal is final and shows what the source said, but never the query', async () => {
  const server = answers({ status: 403, body: '{"error":"no subscription"}' });
  const asking = source(skippingClock(START)).get(await serve(server.listener), textOf);
  await expect(asking).rejects.toMatchObject({
    code: 'SOURCE_REFUSED',
    details: { body: '{"error":"no subscription"}' },
  });
  await expect(asking).rejects.not.toThrow(/hush/);
  expect(server.asked()).toBe(1);
});

test('a throttled request waits as long as the source asks', async () => {
  const clock = skippingClock(START);
  const server = answers({ status: 429, headers: { 'retry-after': '7' } }, { status: 200, body: 'ok' });
  expect(await source(clock).get(await serve(server.listener), textOf)).toBe('ok');
  expect(clock.slept).toEqual([7000]);
});

test('a source that asks for a longer pause than ours is left alone at once', async () => {
  const server = answers({ status: 429, headers: { 'retry-after': '999' } });
  const asking = source(skippingClock(START)).get(await serve(server.listener), textOf);
  await expect(asking).rejects.toMatchObject({ code: 'THROTTLED', details: { retryAfterMs: 999_000 } });
  expect(server.asked()).toBe(1);
});

test('a failure that hides behind status 200 is tried again where the reader says that it can be', async () => {
  const server = answers({ status: 200, body: 'busy' }, { status: 200, body: 'data' });
  const read = ({ bytes }: { readonly bytes: Buffer }) => {
    if (bytes.toString() === 'busy') throw new BusbarError('SOURCE_FAILED', 'busy');
    return bytes.toString();
  };
  expect(await source(skippingClock(START)).get(await serve(server.listener), read)).toBe('data');
});

test('an answer over the size limit is refused and not tried again', async () => {
  const server = answers({ status: 200, body: 'x'.repeat(1001) });
  const asking = source(skippingClock(START)).get(await serve(server.listener), textOf);
  await expect(asking).rejects.toMatchObject({ code: 'MALFORMED' });
  expect(server.asked()).toBe(1);
});

test('headers over their limit are refused and not tried again', async () => {
  const server = answers({ status: 200, headers: { 'x-long': 'x'.repeat(20_000) } });
  const asking = source().get(await serve(server.listener), textOf);
  await expect(asking).rejects.toMatchObject({ code: 'MALFORMED', message: /headers/ });
  expect(server.asked()).toBe(1);
});

test('a source that never ends its answer is cut off at the deadline, by the clock', async () => {
  const deadlines: { readonly ms: number; readonly ending: AbortController }[] = [];
  const deadline = (ms: number) => {
    const ending = new AbortController();
    deadlines.push({ ms, ending });
    return ending.signal;
  };
  const url = await serve((_, response) => {
    response.writeHead(200);
    response.write('{"a":', () => setImmediate(() => deadlines[0]?.ending.abort()));
  });
  const http = source({ ...skippingClock(START), deadline }, { triesMax: 1 });
  await expect(http.get(url, textOf)).rejects.toMatchObject({
    code: 'SOURCE_FAILED',
    message: 'PJM /prices did not answer within 5 s',
  });
  expect(deadlines.map(({ ms }) => ms)).toEqual([5000]);
  expect(http.told).toMatchObject([{ outcome: 'TIMEOUT' }]);
});

test('a source that cannot be reached is a failure that can be tried again', async () => {
  const url = await serve(() => undefined);
  for (const cleanup of cleanups.splice(0)) await cleanup();
  const asking = source(skippingClock(START), { triesMax: 2 }).get(url, textOf);
  await expect(asking).rejects.toMatchObject({ code: 'SOURCE_FAILED', retriable: true });
});

test('an aborted request ends with the reason of its signal', async () => {
  const ending = new AbortController();
  const url = await serve(() => ending.abort(new Error('shutting down')));
  await expect(source(skippingClock(START)).get(url, textOf, { signal: ending.signal })).rejects.toThrow(
    'shutting down',
  );
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
  expect(await source(skippingClock(START)).postForm(url, fields, textOf, options)).toBe('done');
  const sent = 'POST application/x-www-form-urlencoded application/json user=me%40here&password=a+b%26c';
  expect(bodies).toEqual([sent, sent, sent]);

  const refused = await serve(answers({ status: 400 }).listener);
  const failed = await source(skippingClock(START))
    .postForm(refused, fields, textOf)
    .catch((error: unknown) => error);
  expect(failed).toMatchObject({ code: 'SOURCE_REFUSED', message: 'PJM /prices answered with status 400' });
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
  expect(await source(skippingClock(START), { pacer }).get(await serve(server.listener), textOf)).toBe('ok');
  expect(turns).toBe(2);
});

test('who is given no turn does not ask', async () => {
  const server = answers({ status: 200 });
  const pacer: HttpSettings['pacer'] = { turn: () => Promise.reject(new BusbarError('UNAVAILABLE', 'no store')) };
  const asking = source(skippingClock(START), { pacer, triesMax: 1 }).get(await serve(server.listener), textOf);
  await expect(asking).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  expect(server.asked()).toBe(0);
});

describe('the monitor is told of every try', () => {
  const callsOf = async (listener: RequestListener, options: RequestOptions<string> = {}, triesMax = 1) => {
    const http = source(skippingClock(START), { triesMax });
    await http.get(await serve(listener), textOf, options).catch(() => {});
    return http.told;
  };

  test('what was asked, when, how it ended and how much came', async () => {
    const listener = answers({ status: 503, body: 'busy' }, { status: 200, body: 'data' }).listener;
    expect(await callsOf(listener, { endpoint: 'da_hrl_lmps' }, 2)).toEqual([
      {
        source: 'PJM',
        endpoint: 'da_hrl_lmps',
        at: START,
        latencyMs: 0,
        outcome: 'SERVER_ERROR',
        status: 503,
        bytes: 4,
        error: 'PJM da_hrl_lmps answered with status 503',
      },
      {
        source: 'PJM',
        endpoint: 'da_hrl_lmps',
        at: START + 750,
        latencyMs: 0,
        outcome: 'OK',
        status: 200,
        bytes: 4,
        error: undefined,
      },
    ]);
  });

  test.each<[number, CallOutcome]>([
    [200, 'OK'],
    [204, 'OK'],
    [302, 'REFUSED'],
    [304, 'REFUSED'],
    [400, 'REFUSED'],
    [401, 'AUTH'],
    [403, 'AUTH'],
    [404, 'REFUSED'],
    [408, 'SERVER_ERROR'],
    [429, 'THROTTLED'],
    [500, 'SERVER_ERROR'],
    [503, 'SERVER_ERROR'],
  ])('status %i is %s', async (status, outcome) => {
    expect(await callsOf(answers({ status }).listener)).toMatchObject([{ outcome, status, endpoint: '/prices' }]);
  });

  test.each<[ErrorCode | 'TypeError', Readonly<Record<string, unknown>>, CallOutcome]>([
    ['NO_DATA', {}, 'NO_DATA'],
    ['THROTTLED', {}, 'THROTTLED'],
    ['SOURCE_REFUSED', {}, 'REFUSED'],
    ['SOURCE_REFUSED', { status: 401 }, 'AUTH'],
    ['SOURCE_REFUSED', { isAuth: true }, 'AUTH'],
    ['SOURCE_FAILED', {}, 'MALFORMED'],
    ['MALFORMED', {}, 'MALFORMED'],
    ['TypeError', {}, 'MALFORMED'],
  ])('an answer with status 200 that is read as %s %o is %s', async (code, details, outcome) => {
    const http = source(skippingClock(START), { triesMax: 1 });
    const read = () => {
      throw code === 'TypeError' ? new TypeError('no') : new BusbarError(code, 'no', { details });
    };
    await http.get(await serve(answers({ status: 200 }).listener), read).catch(() => {});
    expect(http.told).toMatchObject([{ outcome, status: 200, error: outcome === 'NO_DATA' ? undefined : 'no' }]);
  });

  test.each<[object, CallOutcome]>([
    [{}, 'OK'],
    [{ noData: true }, 'NO_DATA'],
    [{ damaged: true }, 'MALFORMED'],
  ])('what is read as %o is %s', async (value, outcome) => {
    const http = source();
    await http.get(await serve(answers({ status: 200 }).listener), () => value, { outcomeOf: outcomeOfAnswer });
    expect(http.told).toMatchObject([{ outcome }]);
  });

  test('an answer that is too large is MALFORMED, a connection that breaks NETWORK, with what came till then', async () => {
    expect(await callsOf(answers({ status: 200, body: 'x'.repeat(1001) }).listener)).toMatchObject([
      { outcome: 'MALFORMED', status: 200 },
    ]);
    const broken = await callsOf((_, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('half', () => setImmediate(() => response.destroy()));
    });
    expect(broken).toMatchObject([
      { outcome: 'NETWORK', status: 200, bytes: 4, error: /^PJM \/prices lost the connection/ },
    ]);
  });

  test('nobody is told of a call that was broken off', async () => {
    const http = source();
    const ending = new AbortController();
    const url = await serve(() => ending.abort(new Error('shutting down')));
    await expect(http.get(url, textOf, { signal: ending.signal })).rejects.toThrow('shutting down');
    expect(http.told).toEqual([]);
  });

  test('in one line, without the query and without a key that the source repeats', async () => {
    const http = source(skippingClock(START), { triesMax: 1 });
    const read = ({ refusal }: HttpAnswer) => {
      throw new BusbarError('SOURCE_REFUSED', `refused:\n\u001b[31m${refusal?.details.body} at /x?key=hush&a=b`);
    };
    const url = await serve(answers({ status: 403, body: 'no such key: open-sesame' }).listener);
    const headers = { accept: 'text/csv', 'x-key': 'open-sesame', authorization: 'Bearer a-token-of-mine' };
    await http.get(url, read, { headers, statuses: [403] }).catch(() => {});
    expect(http.told[0]?.error).toBe('refused: [31mno such key: … at /x?…');
  });
});

describe('a status that means something', () => {
  const read = ({ refusal, bytes }: HttpAnswer) => {
    if (refusal && bytes.length > 0) throw refusal;
    return refusal ? undefined : bytes.toString();
  };
  const options = { statuses: [404], outcomeOf: (text?: string) => outcomeOfAnswer({ noData: text === undefined }) };

  test('is read, and is no refusal to the monitor', async () => {
    const http = source();
    expect(await http.get(await serve(answers({ status: 404 }).listener), read, options)).toBeUndefined();
    expect(http.told).toMatchObject([{ outcome: 'NO_DATA', status: 404, error: undefined }]);
  });

  test('is the refusal that it would have been where its reader says so', async () => {
    const http = source();
    const asking = http.get(await serve(answers({ status: 404, body: 'a page' }).listener), read, options);
    await expect(asking).rejects.toMatchObject({ code: 'SOURCE_REFUSED', details: { status: 404, body: 'a page' } });
    expect(http.told).toMatchObject([{ outcome: 'REFUSED', status: 404 }]);
  });

  test('is not asked for again, whatever its reader says', async () => {
    const server = answers({ status: 403 });
    const over = () => {
      throw new BusbarError('THROTTLED', 'the calls of this month are used up');
    };
    const http = source();
    await expect(http.get(await serve(server.listener), over, { statuses: [403] })).rejects.toThrow('used up');
    expect(http.told).toMatchObject([{ outcome: 'THROTTLED', status: 403 }]);
    expect(server.asked()).toBe(1);
  });
});

describe('an answer that cannot be read', () => {
  const whole = ({ bytes }: HttpAnswer) => {
    if (!bytes.toString().endsWith('.')) throw new BusbarError('MALFORMED', 'it is cut off');
    return bytes.toString();
  };
  const whenDamaged = ({ bytes }: HttpAnswer, { message }: Error) => `${bytes} (${message})`;

  test('is asked for again where there is a use for one that stays so', async () => {
    const server = answers({ status: 200, body: 'ha' }, { status: 200, body: 'all.' });
    expect(await source().get(await serve(server.listener), whole, { whenDamaged })).toBe('all.');
  });

  test('is handed on as it is after the last try', async () => {
    const server = answers({ status: 200, body: 'ha' });
    const http = source();
    expect(await http.get(await serve(server.listener), whole, { whenDamaged })).toBe('ha (it is cut off)');
    expect(http.told.map(({ outcome }) => outcome)).toEqual(Array(4).fill('MALFORMED'));
  });

  test('is not handed on where the last try fails otherwise', async () => {
    const server = answers({ status: 200, body: 'ha' }, { status: 503 });
    const asking = source().get(await serve(server.listener), whole, { whenDamaged });
    await expect(asking).rejects.toMatchObject({ code: 'SOURCE_FAILED' });
  });

  test('is final where there is none', async () => {
    const server = answers({ status: 200, body: 'ha' });
    await expect(source().get(await serve(server.listener), whole)).rejects.toMatchObject({ code: 'MALFORMED' });
    expect(server.asked()).toBe(1);
  });
});

describe('a conditional request', () => {
  /** A file of versions: each has its tag, and its time of a second later. */
  function file() {
    let version = 1;
    const asked: [number, IncomingHttpHeaders][] = [];
    const listener: RequestListener = ({ headers }, response) => {
      const known = headers['if-none-match'] === `"${version}"`;
      asked.push([known ? 304 : 200, headers]);
      const validators = { etag: `"${version}"`, 'last-modified': new Date(START + version * 1000).toUTCString() };
      response.writeHead(known ? 304 : 200, known ? {} : validators).end(known ? '' : `version ${version}`);
    };
    return { listener, asked, statuses: () => asked.map(([status]) => status), change: () => (version += 1) };
  }
  const conditional = { conditional: true };
  const modified = ({ bytes, headers }: HttpAnswer) => `${bytes} of ${headers['last-modified']}`;

  test('brings what is kept where it has not changed, and says 304 to the monitor', async () => {
    const { listener, asked, statuses, change } = file();
    const url = await serve(listener);
    const http = source();
    const got = [];
    for (const time of [1, 2, 3]) {
      if (time === 3) change();
      got.push(await http.get(url, modified, conditional));
    }
    expect(got).toEqual([
      'version 1 of Mon, 01 Jan 2024 00:00:01 GMT',
      'version 1 of Mon, 01 Jan 2024 00:00:01 GMT',
      'version 2 of Mon, 01 Jan 2024 00:00:02 GMT',
    ]);
    expect(statuses()).toEqual([200, 304, 200]);
    expect(asked[1]?.[1]).toMatchObject({ 'if-modified-since': 'Mon, 01 Jan 2024 00:00:01 GMT' });
    expect(http.told.map(({ outcome, status, bytes }) => [outcome, status, bytes])).toEqual([
      ['OK', 200, 9],
      ['OK', 304, 0],
      ['OK', 200, 9],
    ]);
  });

  test('is made only where it is wanted', async () => {
    const { listener, statuses } = file();
    const url = await serve(listener);
    const http = source();
    await http.get(url, textOf, conditional);
    await http.get(url, textOf);
    expect(statuses()).toEqual([200, 200]);
  });

  test('keeps nothing that its reader could not read, and forgets what it cannot read any more', async () => {
    const { listener, statuses } = file();
    const url = await serve(listener);
    const http = source(skippingClock(START), { triesMax: 1 });
    const broken = () => {
      throw new BusbarError('SOURCE_FAILED', 'damaged');
    };
    await expect(http.get(url, broken, conditional)).rejects.toThrow('damaged');
    await http.get(url, textOf, conditional);
    await expect(http.get(url, broken, conditional)).rejects.toThrow('damaged');
    await http.get(url, textOf, conditional);
    expect(statuses()).toEqual([200, 200, 304, 200]);
  });

  test('keeps no more bytes than it may, and drops what was not used for longest', async () => {
    const { listener, statuses } = file();
    const url = await serve(listener);
    const http = source(skippingClock(START), { keptBytesMax: 20 });
    for (const name of ['a', 'b', 'a', 'c', 'a', 'b']) await http.get(`${url}&${name}`, textOf, conditional);
    expect(statuses()).toEqual([200, 200, 304, 200, 304, 200]);
  });
});

describe('a source that fails again and again', () => {
  const breaker = {
    failed: { rowMax: 3, pauseMs: 60_000, pauseMsMax: 90_000 },
    refused: { rowMax: 2, pauseMs: 600_000, pauseMsMax: 600_000 },
  };

  test('is left alone without a call, also within the tries of one request, and asked once after the pause', async () => {
    const clock = skippingClock(START);
    const server = answers({ status: 503 });
    const url = await serve(server.listener);
    const http = source(clock, { breaker });
    await expect(http.get(url, textOf)).rejects.toMatchObject({ details: { status: 503 } });
    expect(server.asked()).toBe(3);
    const until = new Date(clock.now() + 60_000).toISOString();
    await expect(http.get(url, textOf)).rejects.toMatchObject({
      code: 'SOURCE_FAILED',
      retriable: true,
      details: { retryAfterMs: 60_000 },
      message: `PJM is left alone until ${until}, after 3 failed calls in a row: PJM /prices answered with status 503`,
    });
    expect([server.asked(), http.told.length]).toEqual([3, 3]);
    clock.advance(60_000);
    await expect(http.get(url, textOf)).rejects.toMatchObject({ details: { status: 503 } });
    expect(server.asked()).toBe(4);
  });

  test('with one of its hosts is asked at the others', async () => {
    const http = source(skippingClock(START), { breaker, triesMax: 1 });
    const locked = await serve(answers({ status: 401 }).listener);
    const open = await serve(answers({ status: 200, body: 'data' }).listener);
    for (const _ of [1, 2]) await expect(http.get(locked, textOf)).rejects.toMatchObject({ code: 'SOURCE_REFUSED' });
    await expect(http.get(locked, textOf)).rejects.toThrow('after 2 refused calls in a row');
    expect(await http.get(open, textOf)).toBe('data');
  });
});
