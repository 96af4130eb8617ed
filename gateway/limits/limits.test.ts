import { once } from 'node:events';
import { type ClientRequest, request as httpRequest } from 'node:http';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { getIntrospectionQuery } from 'graphql';
import { afterEach, describe, expect, onTestFinished, test } from 'vitest';
import { ALL_RIGHTS, type Rights } from '../../domain/rights.ts';
import { createPool } from '../../prisma/pool.ts';
import { socketClient, startGateway, type TestGateway } from '../../tests/support/gateway.ts';
import { silent } from '../../tests/support/live.ts';
import { freshDatabase } from '../../tests/support/postgres.ts';
import type { Authenticator } from '../auth/authenticator.ts';
import { fromStore } from '../store-reach.ts';
import { createRateLimiter } from './rate-limiter.ts';
import { type RequestLimits as Limits, REQUEST_LIMITS } from './request-limits.ts';

let gateway: TestGateway | undefined;

afterEach(async () => {
  await gateway?.close();
  gateway = undefined;
});

async function start(options: Parameters<typeof startGateway>[0] = {}): Promise<TestGateway> {
  gateway = await startGateway(options);
  return gateway;
}

function post({ url }: TestGateway, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
}

/** What comes first of an operation over a socket. */
async function bySocket({ socketUrl }: TestGateway, query: string, more: object = {}): Promise<unknown> {
  const client = socketClient(socketUrl);
  try {
    return await new Promise((resolve) => {
      client.subscribe({ query, ...more }, { next: resolve, error: resolve, complete: () => resolve('complete') });
    });
  } finally {
    await client.dispose();
  }
}

async function refusals({ metrics }: TestGateway, limit: string): Promise<number> {
  const { values } = await metrics.limitRefusals.get();
  return values.find(({ labels }) => labels.limit === limit)?.value ?? 0;
}

/** Whoever shows a role has it. */
const ROLES: Authenticator = {
  identify: async (authorization) => {
    const roles = (authorization ?? 'VIEWER').split(' ') as Rights['roles'];
    return { subject: `key:${roles}`, name: 'test', rights: { ...ALL_RIGHTS, roles }, expiresAt: undefined };
  },
  watch: () => () => undefined,
};

const laughs = Array.from(
  { length: 60 },
  (_, place) => `fragment F${place} on Query { ...F${place + 1} ...F${place + 1} }`,
);
const LAUGHS = `{ ...F0 } ${laughs.join('\n')} fragment F60 on Query { __typename }`;
const YEAR = 'from: "2023-01-01T00:00:00Z", to: "2024-01-01T00:00:00Z"';
const TEN_THOUSAND = JSON.stringify(Array.from({ length: 10_000 }, (_, place) => `PJM:N${place}`));

const ATTACKS = [
  ['a billion laughs', LAUGHS, 'fields'],
  [
    '10,000 aliases',
    `{ ${Array.from({ length: 10_000 }, (_, place) => `a${place}: __typename`).join(' ')} }`,
    'tokens',
  ],
  ['1,000 aliases', `{ feeds { ${Array.from({ length: 900 }, (_, place) => `a${place}: id`).join(' ')} } }`, 'aliases'],
  [
    'deep introspection',
    `{ __schema { types ${'{ fields { type '.repeat(10)}{ name }${'} }'.repeat(10)} } }`,
    'introspectionDepth',
  ],
  ['100,000 directives', `{ __typename ${'@a'.repeat(100_000)} }`, 'tokens'],
  ['a million characters', `{ __typename } # ${'x'.repeat(1_000_000)}`, 'characters'],
  [
    'mistakes after 200,000 lines',
    `${'\n'.repeat(200_000)}{ ${Array.from({ length: 90 }, (_, place) => `a${place}: nope`).join(' ')} }`,
    'lines',
  ],
  [
    'a year of many nodes',
    `query ($nodes: [ID!]! = ${TEN_THOUSAND.slice(0, 9_000).replace(/,[^,]*$/, ']')}) { a: lmpSeries(nodes: $nodes, run: REAL_TIME_5_MIN, ${YEAR}) { lmp } }`,
    'cost',
  ],
] as const;

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

/** Some ten milliseconds where nothing else runs; suites share two cores with others. */
const REFUSED_MS_MAX = 2_000;

describe('an attack', () => {
  test.each(ATTACKS)(
    'is refused with its limit by HTTP, by event stream and by socket: %s',
    async (_what, query, limit) => {
      const started = await start();
      await post(started, { query: '{ __typename }' });
      const refusal = { extensions: { code: 'LIMIT_EXCEEDED', limit, max: expect.any(Number) } };
      const startedAt = performance.now();
      const response = await post(started, { query });
      expect(performance.now() - startedAt).toBeLessThan(REFUSED_MS_MAX);
      expect(await response.json()).toMatchObject({ errors: [refusal] });
      const strict = await post(started, { query }, { accept: 'application/graphql-response+json' });
      expect(strict.status).toBe(400);
      const stream = await post(started, { query }, { accept: 'text/event-stream' });
      expect(await stream.text()).toContain(`"limit":"${limit}"`);
      expect(await bySocket(started, query)).toMatchObject([refusal]);
      expect(await refusals(started, limit)).toBe(4);
    },
  );

  test('of 2 MB is refused before it is read', async () => {
    const started = await start();
    const response = await post(started, { query: `{ ${'a '.repeat(1024 * 1024)} }` });
    expect(response.status).toBe(413);
    const refusal = { code: 'LIMIT_EXCEEDED', limit: 'bodyBytes', max: 1024 * 1024 };
    expect(await response.json()).toMatchObject({ errors: [{ extensions: refusal }] });
    expect(await refusals(started, 'bodyBytes')).toBe(1);
  });

  test('by four at a time leaves an honest client its answers, and the gateway its memory', async () => {
    const started = await start({ reads: { feeds: async () => [] } });
    const honest = async () => {
      const startedAt = performance.now();
      expect(await (await post(started, { query: '{ feeds { id } }' })).json()).toEqual({ data: { feeds: [] } });
      return performance.now() - startedAt;
    };
    await honest();
    collectGarbage();
    const before = process.memoryUsage().heapUsed;
    let attacks = 0;
    const attack = async () => {
      while (attacks < 36) {
        const [, query] = ATTACKS[attacks % ATTACKS.length] ?? ATTACKS[0];
        const response = await post(started, { query: `${query} # ${attacks++}` });
        expect(await response.json()).toMatchObject({ errors: [{ extensions: { code: 'LIMIT_EXCEEDED' } }] });
      }
    };
    const attacked = Promise.all([attack(), attack(), attack(), attack()]);
    const latencies: number[] = [];
    for (let each = 0; each < 10; each++) latencies.push(await honest());
    await attacked;
    collectGarbage();
    expect(Math.max(...latencies)).toBeLessThan(4 * REFUSED_MS_MAX);
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(150 * 1024 * 1024);
  });

  test('by hundreds of short texts that are not sound leaves nothing of them in the memory', async () => {
    const started = await start();
    const ask = async (count: number, prefix: string) => {
      for (let each = 0; each < count; each++) {
        const { errors } = await (await post(started, { query: `{${prefix}${each}}` })).json();
        expect(errors).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT' } }]);
      }
      collectGarbage();
      return process.memoryUsage().heapUsed;
    };
    const before = await ask(100, 'a');
    expect((await ask(500, 'b')) - before).toBeLessThan(12 * 1024 * 1024);
  });

  test('by variables that lie in each other reaches nothing that falls', async () => {
    const started = await start({ reads: { feeds: async () => [] } });
    const deep = '['.repeat(200_000) + ']'.repeat(200_000);
    for (const query of [
      '{ feeds { id } }',
      'query ($x: [ID!]) { feeds { id } }',
      'subscription { feedHealth { id } }',
    ]) {
      const headers = query.startsWith('sub') ? { accept: 'text/event-stream' } : {};
      const response = await post(started, `{"query":${JSON.stringify(query)},"variables":{"x":${deep}}}`, headers);
      expect(response.status).toBeLessThanOrEqual(500);
      await response.body?.cancel();
    }
    expect((await post(started, { query: '{ __typename }' })).status).toBe(200);
  });

  test('by as many mistakes as a body holds is told the first of them', async () => {
    const started = await start();
    const query = 'query ($nodes: [ID!]!) { latestLmp(nodes: $nodes, run: SPOT) { lmp } }';
    const body = { query, variables: { nodes: Array.from({ length: 240_000 }, () => ({})) } };
    // The second time, it would be compiled.
    for (let time = 0; time < 3; time++) {
      const startedAt = performance.now();
      const { errors } = await (await post(started, body)).json();
      expect(errors).toMatchObject([
        { message: expect.stringContaining('cannot represent value'), extensions: { code: 'BAD_USER_INPUT' } },
      ]);
      expect(performance.now() - startedAt).toBeLessThan(REFUSED_MS_MAX);
    }
    const { errors } = await (await post(started, { query: `{ ${'feedz '.repeat(40)} ${'jobz '.repeat(40)}}` })).json();
    expect(errors.length).toBeLessThan(15);
  });

  test('by many operations in one request is refused', async () => {
    const started = await start();
    const response = await post(started, [{ query: '{ __typename }' }, { query: '{ __typename }' }]);
    expect(response.status).toBe(400);
  });
});

describe('what must be JSON and is none', () => {
  const typename = encodeURIComponent('{ __typename }');
  const form = { 'content-type': 'application/x-www-form-urlencoded' };
  test.each([
    ['variables by GET', `?query=${typename}&variables={`, {}],
    ['extensions by GET', `?query=${typename}&extensions=nothing`, {}],
    ['variables of a form', '', { method: 'POST', headers: form, body: `query=${typename}&variables={` }],
    ['a body', '', { method: 'POST', headers: { 'content-type': 'application/json' }, body: `{"${'x'.repeat(9_000)}` }],
  ])('is refused as the mistake of its sender, and not repeated: %s', async (_what, search, init) => {
    const started = await start();
    for (const accept of ['application/json', 'application/graphql-response+json', '*/*']) {
      const response = await fetch(started.url + search, {
        ...init,
        headers: { ...('headers' in init && init.headers), accept },
      });
      expect(response.status).toBe(400);
      const text = await response.text();
      expect(text.length).toBeLessThan(200);
      expect(JSON.parse(text)).toMatchObject({ errors: [{ extensions: { code: 'BAD_USER_INPUT' } }] });
    }
  });
});

describe('limits', () => {
  test('are what the settings say', async () => {
    const document = { ...REQUEST_LIMITS.document, depth: 3, fields: 5 };
    const limits = { ...REQUEST_LIMITS, bodyBytesMax: 2_000, document };
    const started = await start({ intake: { limits } });
    const limitOf = async (query: string) => (await (await post(started, { query })).json()).errors[0].extensions.limit;
    expect(await limitOf('{ jobs { edges { node { id } } } }')).toBe('depth');
    expect(await limitOf('{ feeds { a: id b: id c: id d: id e: id } }')).toBe('fields');
    expect(await limitOf(`{ __typename } # ${'x'.repeat(2_000)}`)).toBe('bodyBytes');
  });

  test('of bodies under way hold for one identity: of those that are not whole, and of those that are not answered', async () => {
    const limits = { ...REQUEST_LIMITS, bodyBytesMax: 20_000, bodyBytesPerIdentity: 60_000 };
    let answer = () => {};
    const answered = new Promise<void>((resolve) => {
      answer = resolve;
    });
    let reads = 0;
    const feeds = async () => {
      reads++;
      await answered;
      return [];
    };
    const started = await start({ authenticator: ROLES, intake: { limits }, reads: { feeds } });
    const headers = { 'content-type': 'application/json', authorization: 'OPERATOR' };
    const extensions = { text: 'x'.repeat(19_000) };
    const ask = async (authorization = 'OPERATOR') => {
      const response = await post(started, { query: '{ __typename }', extensions }, { authorization });
      return [response.status, (await response.json()).errors?.[0].extensions.limit];
    };

    const slow = Array.from({ length: 3 }, () => post(started, { query: '{ feeds { id } }', extensions }, headers));
    await expect.poll(() => reads).toBe(3);
    expect(await ask()).toEqual([429, 'bodyBytesUnderWay']);
    expect(await refusals(started, 'bodyBytesUnderWay')).toBe(1);
    expect(await ask('ADMIN')).toEqual([200, undefined]);
    answer();
    for (const { status } of await Promise.all(slow)) expect(status).toBe(200);
    await expect.poll(() => ask()).toEqual([200, undefined]);

    const unfinished: ClientRequest[] = [];
    const begin = () => {
      const request = httpRequest(started.url, { method: 'POST', headers }).on('error', () => undefined);
      request.write('x'.repeat(19_000));
      unfinished.push(request);
    };
    await expect
      .poll(() => {
        begin();
        return ask();
      })
      .toEqual([429, 'bodyBytesUnderWay']);
    for (const request of unfinished) request.destroy();
    await expect.poll(() => ask()).toEqual([200, undefined]);

    // Each piece takes more than the byte that it is.
    const inPieces = httpRequest(started.url, { method: 'POST', headers });
    for (let piece = 0; piece < 1_000; piece++) inPieces.write('x');
    const [response] = await once(inPieces.end(), 'response');
    expect(response.statusCode).toBe(429);
    response.resume();
  });

  test('of cost hold for what has a plan of its own, by the values of its variables', async () => {
    const db = { query: async () => ({ rows: [] }) };
    const hot = { db, rollups: async () => ({}) as never, clock: Date.now };
    const started = await start({ hot, intake: { limits: { ...REQUEST_LIMITS, costMax: 5 } } });
    const query = 'query ($nodes: [ID!]!) { latestLmp(nodes: $nodes, run: SPOT) { lmp } }';
    const nodes = ['PJM:A', 'PJM:B', 'PJM:C', 'PJM:D', 'PJM:E', 'PJM:F'];
    const refused = await (await post(started, { query, variables: { nodes } })).json();
    expect(refused.errors[0].extensions).toEqual({ code: 'LIMIT_EXCEEDED', limit: 'cost', max: 5, asked: 6 });
    const answered = await (await post(started, { query, variables: { nodes: nodes.slice(1) } })).json();
    expect(answered.errors?.[0].extensions.code).not.toBe('LIMIT_EXCEEDED');
  });

  test('of cost hold where a null takes the place of a default, which fails one field alone', async () => {
    const started = await start({ intake: { limits: { ...REQUEST_LIMITS, costMax: 1_000 } } });
    const query = 'query ($id: ID = "x") { jobs(first: 2000) { edges { cursor } } job(id: $id) { id } }';
    const refused = await (await post(started, { query, variables: { id: null } })).json();
    expect(refused.errors[0].extensions).toEqual({ code: 'LIMIT_EXCEEDED', limit: 'cost', max: 1_000, asked: 2_000 });
  });

  test('of cost hold for subscriptions', async () => {
    const started = await start({ intake: { limits: { ...REQUEST_LIMITS, costMax: 1_000 } } });
    const refusal = [{ extensions: { code: 'LIMIT_EXCEEDED', limit: 'cost' } }];
    expect(await bySocket(started, 'subscription { lmp(snapshot: true) { cursor } }')).toMatchObject(refusal);
  });
});

describe('what the schema has', () => {
  const ask = async (introspection: Limits['introspection'], role: string, query: string, variables = {}) => {
    const limits = { ...REQUEST_LIMITS, introspection };
    const started = gateway ?? (await start({ authenticator: ROLES, intake: { limits } }));
    return (await post(started, { query, variables }, { authorization: role })).json();
  };
  const refusal = { errors: [{ extensions: { code: 'FORBIDDEN' } }] };

  test.each([
    ['all', 'VIEWER', true],
    ['analysts', 'VIEWER', false],
    ['analysts', 'ANALYST', true],
    ['admins', 'OPERATOR', false],
    ['admins', 'ADMIN', true],
    ['none', 'ADMIN', false],
  ] as const)('is told, with INTROSPECTION=%s, to %s: %s', async (introspection, role, isTold) => {
    const told = isTold ? { data: {} } : refusal;
    expect(await ask(introspection, role, getIntrospectionQuery())).toMatchObject(told);
    expect(
      await ask(introspection, role, '{ ...F } fragment F on Query { x: __type(name: "Feed") { name } }'),
    ).toMatchObject(told);
    const page = await fetch(gateway?.url ?? '', { headers: { accept: 'text/html', authorization: role } });
    expect((await page.text()).includes('<html')).toBe(isTold);
  });

  test('is not told to one after another has asked with the same text', async () => {
    const query = '{ __schema { queryType { name } } }';
    expect(await ask('analysts', 'ANALYST', query)).toMatchObject({ data: {} });
    expect(await ask('analysts', 'VIEWER', query)).toMatchObject(refusal);
  });

  test('is not suggested to those who may not ask', async () => {
    const { errors: told } = await ask('analysts', 'ANALYST', '{ feedz { id } }');
    expect(told[0].message).toContain('Did you mean');
    const { errors } = await ask('analysts', 'VIEWER', '{ feedx { id } }');
    expect(errors[0].message).toBe('Cannot query field "feedx" on type "Query".');
  });

  test.each([
    [
      'a value',
      'query ($r: MarketRun!) { latestLmp(nodes: [], run: $r) { lmp } }',
      { r: 'REAL_TIME_MIN' },
      'MarketRun',
    ],
    [
      'a field of an input',
      'mutation ($i: CreateApiKeyInput!) { createApiKey(input: $i) { secret } }',
      { i: { name: 'x', roles: ['VIEWER'], nam: 'x' } },
      'nam',
    ],
    ['a value in the text', '{ latestLmp(nodes: [], run: REAL_TIME_MIN) { lmp } }', {}, 'MarketRun'],
  ])('is not suggested to them by %s either', async (_what, query, variables, wrong) => {
    const messageTo = async (role: string) => {
      const { errors } = await ask('analysts', role, query, variables);
      expect(errors[0].extensions.code).toBe('BAD_USER_INPUT');
      return errors[0].message;
    };
    expect(await messageTo('ADMIN')).toContain('Did you mean');
    const told = await messageTo('VIEWER');
    expect(told).toContain(wrong);
    expect(told).not.toContain('Did you mean');
  });
});

describe('a query that takes too long', () => {
  test('is answered so, and its statement is cancelled in the store', async () => {
    const db = await freshDatabase();
    onTestFinished(() => db.drop());
    const pool = createPool({ url: db.url, max: 2, statementTimeoutMs: 500, name: 'slow query' });
    onTestFinished(() => pool.end());
    let reads = 0;
    const feeds = () => {
      reads++;
      return fromStore(async () => {
        await pool.query('SELECT pg_sleep(60)');
        return [];
      });
    };
    const started = await start({ reads: { feeds }, intake: { limits: { ...REQUEST_LIMITS, executionMsMax: 500 } } });
    const startedAt = performance.now();
    const { errors } = await (await post(started, { query: '{ feeds { id } }' })).json();
    expect(errors[0].extensions).toMatchObject({ code: 'LIMIT_EXCEEDED', limit: 'executionSeconds' });
    expect(performance.now() - startedAt).toBeLessThan(5_000);
    await expect
      .poll(async () => {
        const { rows } = await db.pool.query(
          "SELECT 1 FROM pg_stat_activity WHERE application_name = 'slow query' AND state = 'active'",
        );
        return rows.length;
      })
      .toBe(0);
    expect(reads).toBe(1);
    // The connection is as good as it was.
    expect((await pool.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
    expect(await bySocket(started, '{ feeds { id } }')).toMatchObject({
      errors: [{ extensions: { limit: 'executionSeconds' } }],
    });
  });
});

describe('the rate', () => {
  const limited = (pointsPerMinute: number) => {
    const rate = createRateLimiter({ pointsPerMinute, log: silent });
    return start({ authenticator: ROLES, intake: { rate }, reads: { feeds: async () => [] } });
  };
  const refusal = { extensions: { code: 'RATE_LIMITED', retryAfterSeconds: expect.any(Number) } };

  test('of an identity is told with each answer, and refused with 429 beyond', async () => {
    const started = await limited(3);
    const first = await post(started, { query: '{ feeds { id } }' });
    expect(Object.fromEntries(first.headers)).toMatchObject({
      'ratelimit-limit': '3',
      'ratelimit-remaining': '2',
      'ratelimit-reset': '60',
    });
    await post(started, { query: '{ nothing }' });
    await post(started, { query: '{ __typename }' });
    const beyond = await post(started, { query: '{ __typename }' });
    expect(beyond.status).toBe(429);
    expect(Number(beyond.headers.get('retry-after'))).toBeGreaterThan(50);
    expect(await beyond.json()).toMatchObject({ errors: [refusal] });
    expect(await refusals(started, 'rate')).toBe(1);
    const other = await post(started, { query: '{ __typename }' }, { authorization: 'ADMIN' });
    expect(other.status).toBe(200);
  });

  test('counts what an operation costs, before it runs', async () => {
    const started = await limited(100);
    const query = (first: number) => ({ query: `{ jobs(first: ${first}) { edges { cursor } } }` });
    const answered = await post(started, query(9_000), { authorization: 'ADMIN' });
    expect(answered.headers.get('ratelimit-remaining')).toBe('90');
    await post(
      started,
      {
        query: `{ ${'abcdefgh'
          .split('')
          .map((key) => `${key}: jobs(first: 10000) { edges { cursor } }`)
          .join(' ')} }`,
      },
      { authorization: 'ADMIN' },
    );
    const beyond = await post(started, query(10_000), { authorization: 'ADMIN' });
    expect(beyond.status).toBe(429);
    expect(await beyond.json()).toMatchObject({ errors: [refusal] });
  });

  test('counts once what is read the ordinary way because its plan failed', async () => {
    const away = { query: () => Promise.reject(new Error('connect ECONNREFUSED')) };
    const hot = { db: away, rollups: async () => ({}) as never, clock: Date.now };
    const started = await start({ hot, intake: { rate: createRateLimiter({ pointsPerMinute: 100, log: silent }) } });
    const query = `query ($nodes: [ID!]!) {
      a: latestLmp(nodes: $nodes, run: SPOT) { lmp }  b: latestLmp(nodes: $nodes, run: SPOT) { lmp } }`;
    const nodes = Array.from({ length: 1_000 }, (_, place) => `PJM:N${place}`);
    const answered = await post(started, { query, variables: { nodes } });
    expect(await started.metrics.hotHandedOver.get()).toMatchObject({ values: [{ value: 1 }] });
    expect(answered.headers.get('ratelimit-remaining')).toBe(String(100 - 1 - 2));
  });

  test('holds for operations over a socket', async () => {
    const started = await limited(2);
    expect(await bySocket(started, '{ __typename }')).toMatchObject({ data: {} });
    expect(await bySocket(started, '{ __typename }')).toMatchObject({ data: {} });
    expect(await bySocket(started, '{ __typename }')).toMatchObject([refusal]);
  });

  test('is nobody’s where none is set', async () => {
    const started = await start();
    const response = await post(started, { query: '{ __typename }' });
    expect(response.headers.get('ratelimit-limit')).toBeNull();
  });
});
