import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, describe, expect, onTestFinished, test } from 'vitest';
import { ALL_RIGHTS, type Rights } from '../../domain/rights.ts';
import { createMetrics } from '../../runtime/metrics.ts';
import { socketClient, startGateway, type TestGateway } from '../../tests/support/gateway.ts';
import { silent } from '../../tests/support/live.ts';
import type { Authenticator } from '../auth/authenticator.ts';
import { REQUEST_LIMITS } from '../limits/request-limits.ts';
import { type KnownOperations, knownOperations, readManifest, sha256Of } from './manifest.ts';
import { createPersistedOperations, type PersistedStage } from './persisted-operations.ts';

let gateway: TestGateway | undefined;

afterEach(async () => {
  await gateway?.close();
  gateway = undefined;
});

const FEEDS = 'query Feeds { feeds { id } }';
const PRICES = 'query Prices($nodes: [ID!]!) { latestLmp(nodes: $nodes, run: SPOT) { lmp } }';
const STRANGE = 'query Strange { markets { id } }';

/** Whoever shows a role has it. */
const ROLES: Authenticator = {
  identify: async (authorization) => {
    const roles = (authorization ?? 'ADMIN').split(' ') as Rights['roles'];
    return { subject: `key:${roles}`, name: 'test', rights: { ...ALL_RIGHTS, roles }, expiresAt: undefined };
  },
  watch: () => () => undefined,
};

function known(...texts: string[]): KnownOperations {
  return knownOperations(new Map(texts.map((text) => [sha256Of(text), text])));
}

const NO_ROWS = async (): Promise<{ rows: [] }> => ({ rows: [] });

async function start(
  stage: PersistedStage,
  operations?: KnownOperations,
  { metrics = createMetrics(), query = NO_ROWS, limits = REQUEST_LIMITS } = {},
): Promise<TestGateway> {
  const persisted = createPersistedOperations({
    stage,
    ...(operations && { known: operations }),
    log: silent,
    metrics,
  });
  gateway = await startGateway({
    authenticator: ROLES,
    reads: { feeds: async () => [], markets: async () => [] },
    hot: { db: { query }, rollups: async () => ({}) as never, clock: Date.now },
    intake: { limits, persisted },
  });
  return gateway;
}

async function post({ url }: TestGateway, body: object, role = 'ADMIN') {
  const headers = { 'content-type': 'application/json', authorization: role };
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
  return { status: response.status, ...(await response.json()) };
}

const apollo = (sha256Hash: string, version = 1) => ({ extensions: { persistedQuery: { version, sha256Hash } } });
const notFound = { errors: [{ message: 'PersistedQueryNotFound', extensions: { code: 'PERSISTED_QUERY_NOT_FOUND' } }] };
const refusal = (code: string) => ({ errors: [{ extensions: { code } }] });
const forbidden = { status: 403, errors: [{ extensions: { code: 'FORBIDDEN' } }] };

describe('an operation by its hash', () => {
  test('is asked for again with its text, and from then on known by the hash', async () => {
    const started = await start('allow');
    expect(await post(started, apollo(sha256Of(FEEDS)))).toMatchObject({ status: 200, ...notFound });
    expect(await post(started, { query: FEEDS, ...apollo(sha256Of(FEEDS)) })).toEqual({
      status: 200,
      data: { feeds: [] },
    });
    expect(await post(started, apollo(sha256Of(FEEDS)))).toEqual({ status: 200, data: { feeds: [] } });
  });

  test('may be asked for by GET, with variables, and goes the way of its text', async () => {
    const started = await start('allow', known(PRICES));
    const parameters = new URLSearchParams({
      extensions: JSON.stringify(apollo(sha256Of(PRICES)).extensions),
      variables: JSON.stringify({ nodes: ['PJM:A'] }),
    });
    const byHash = await fetch(`${started.url}?${parameters}`, { headers: { authorization: 'ADMIN' } });
    const { errors, ...text } = await post(started, { query: PRICES, variables: { nodes: ['PJM:A'] } });
    expect(await byHash.json()).toMatchObject({ ...(text.data ? { data: text.data } : { errors }) });
  });

  test.each([`sha256:${sha256Of(FEEDS)}`, sha256Of(FEEDS)])(
    'is found in the manifest by its documentId: %s',
    async (documentId) => {
      const started = await start('only-known', known(FEEDS));
      expect(await post(started, { documentId })).toEqual({ status: 200, data: { feeds: [] } });
      const byGet = await fetch(`${started.url}?documentId=${encodeURIComponent(documentId)}`);
      expect(byGet.status).toBe(200);
    },
  );

  test('is found by a socket', async () => {
    const started = await start('only-known', known(FEEDS));
    const ask = async (payload: { query: string; extensions?: Record<string, unknown> }) => {
      const client = socketClient(started.socketUrl);
      const first = await new Promise((resolve) => {
        client.subscribe(payload, { next: resolve, error: resolve, complete: () => resolve('complete') });
      });
      await client.dispose();
      return first;
    };
    expect(await ask({ query: '', ...apollo(sha256Of(FEEDS)) })).toEqual({ data: { feeds: [] } });
    expect(await ask({ query: '', ...apollo(sha256Of(STRANGE)) })).toMatchObject(notFound.errors);
    expect(await ask({ query: STRANGE })).toMatchObject(forbidden.errors);
  });

  test('cannot be another than its text', async () => {
    const started = await start('allow');
    const refused = { status: 400, errors: [{ extensions: { code: 'BAD_USER_INPUT' } }] };
    expect(await post(started, { query: STRANGE, ...apollo(sha256Of(FEEDS)) })).toMatchObject(refused);
    expect(await post(started, apollo(sha256Of(FEEDS)))).toMatchObject(notFound);
    for (const hash of ['', 'x', sha256Of(FEEDS).toUpperCase(), '__proto__']) {
      expect(await post(started, apollo(hash))).toMatchObject(refused);
    }
    expect(await post(started, apollo(sha256Of(FEEDS), 2))).toMatchObject(refused);
    expect(await post(started, { documentId: ['a'] })).toMatchObject(refused);
  });

  test('has the rights of who asks, and the limits of any text', async () => {
    const deep = `{ ledger(feed: "x") { edges { node ${'{ origins '.repeat(12)}{ id }${' }'.repeat(12)} } } }`;
    const started = await start('allow', known(FEEDS, deep));
    const limit = { errors: [{ extensions: { code: 'LIMIT_EXCEEDED', limit: 'depth' } }] };
    expect(await post(started, apollo(sha256Of(deep)))).toMatchObject(limit);
    const { errors } = await post(started, apollo(sha256Of(FEEDS)), 'VIEWER');
    expect(errors[0].extensions.code).toBe('FORBIDDEN');
  });

  test('makes room for others: what was brought is bounded', async () => {
    const persisted = createPersistedOperations({ stage: 'allow', log: silent, metrics: createMetrics() });
    const bring = (place: number) => {
      const query = `{ a${place}: __typename } # ${'x'.repeat(50_000)}`;
      persisted.textOf({ query, ...apollo(sha256Of(query)) }, ALL_RIGHTS);
      return sha256Of(query);
    };
    const first = bring(0);
    expect(persisted.textOf(apollo(first), ALL_RIGHTS)).toBeDefined();
    for (let place = 1; place <= 100; place++) bring(place);
    expect(() => persisted.textOf(apollo(first), ALL_RIGHTS)).toThrow('PersistedQueryNotFound');
  });
});

describe('the stages', () => {
  test.each([
    ['allow', 'VIEWER', true],
    ['log', 'VIEWER', true],
    ['known-for-most', 'OPERATOR', false],
    ['known-for-most', 'ADMIN', true],
    ['only-known', 'ADMIN', false],
  ] as const)('%s: an unknown text of a %s is executed: %s', async (stage, role, isExecuted) => {
    const started = await start(stage, known(FEEDS));
    for (const query of [STRANGE, PRICES]) {
      const answer = await post(started, { query, variables: { nodes: [] } }, role);
      if (isExecuted) expect(answer).not.toMatchObject(forbidden);
      else expect(answer).toMatchObject(forbidden);
    }
    const byHash = () => post(started, apollo(sha256Of(STRANGE)), role);
    const brought = { query: STRANGE, ...apollo(sha256Of(STRANGE)) };
    await post(started, brought, role);
    // What is refused is not learnt either.
    if (!isExecuted) expect(await byHash()).toMatchObject(notFound);
    await post(started, brought, 'ADMIN');
    // Brought by somebody who may, it is no better known by its hash.
    if (!isExecuted) expect(await byHash()).toMatchObject(stage === 'only-known' ? notFound : forbidden);
  });

  test('take a known text however it is laid out and ordered, and nothing that is only like it', async () => {
    const started = await start('only-known', known(FEEDS));
    const laidOut = '# of the board\nquery  Feeds {\n  feeds {\n    id,\n  }\n}\n';
    expect(await post(started, { query: laidOut })).toEqual({ status: 200, data: { feeds: [] } });
    expect(await post(started, { query: 'query Feeds { feeds { id name } }' })).toMatchObject(forbidden);
    const ordered = known(
      'query A($a: Int, $b: Int) { b: jobs(first: $b, after: "x") { pageInfo { endCursor hasNextPage } } a: jobs(first: $a) { ...F } } fragment F on JobConnection { edges { cursor } }',
    );
    const other =
      'fragment F on JobConnection { edges { cursor } } query A($b: Int, $a: Int) { a: jobs(first: $a) { ...F } b: jobs(after: "x", first: $b) { pageInfo { hasNextPage endCursor } } }';
    expect(ordered.has(other)).toBe(true);
    expect(ordered.has(other.replace('first: $a', 'first: $b'))).toBe(false);
  });

  test.each([
    ['of its own', 'mutation { A B }', ''],
    ['of an inline fragment', 'mutation { ... on Mutation @include(if: true) { A B } }', ''],
    ['of an inline fragment without a type', 'mutation { ... { A B } }', ''],
    ['of a fragment', 'mutation { ...F }', ' fragment F on Mutation { A B }'],
  ])('keep the order of a mutation’s fields, in which they are carried out: those %s', (_, operation, fragment) => {
    const revoke = 'revokeApiKey(id: "x") { key { id name } }';
    const cancel = 'cancelJob(id: 1) { job { id state } }';
    const text = (first: string, second: string) =>
      `${operation}${fragment}`.replace('A', `a: ${first}`).replace('B', `b: ${second}`);
    const one = known(text(revoke, cancel));
    expect(
      one.has(text(cancel, revoke).replaceAll(/\b([ab]): /g, (_label, name) => (name === 'a' ? 'b: ' : 'a: '))),
    ).toBe(false);
    expect(one.has(text(revoke.replace('id name', 'name id'), cancel))).toBe(true);
    expect(one.has(text(revoke, cancel).replace('revokeApiKey(', ' revokeApiKey ('))).toBe(true);
  });

  test('have no way around them', async () => {
    const started = await start('only-known', known(FEEDS));
    const headers = { authorization: 'ADMIN' };
    const asked = [
      fetch(`${started.url}?query=${encodeURIComponent(STRANGE)}`, { headers }),
      fetch(started.url, {
        method: 'POST',
        headers: { ...headers, 'content-type': 'application/graphql' },
        body: STRANGE,
      }),
      fetch(started.url, { method: 'POST', headers, body: new URLSearchParams({ query: STRANGE }) }),
      fetch(`${started.url}?query=${encodeURIComponent(FEEDS)}`, {
        method: 'POST',
        headers: { ...headers, 'content-type': 'application/json' },
        body: JSON.stringify({ query: STRANGE }),
      }),
    ];
    for (const response of await Promise.all(asked)) {
      expect(await response.text()).not.toContain('"data"');
    }
  });

  test('log what is not known, once, by its name and hash', async () => {
    const lines: Record<string, unknown>[] = [];
    const log = pino({ level: 'warn' }, { write: (line) => void lines.push(JSON.parse(line)) });
    const metrics = createMetrics();
    const persisted = createPersistedOperations({ stage: 'log', known: known(FEEDS), log, metrics });
    for (const text of [STRANGE, FEEDS, STRANGE]) {
      expect(persisted.admits(text, ALL_RIGHTS)).toBe(true);
      persisted.letThrough(text);
    }
    expect(lines).toEqual([
      expect.objectContaining({ msg: 'unknown operation', operation: 'Strange', sha256: sha256Of(STRANGE) }),
    ]);
    expect((await metrics.unknownOperations.get()).values[0]?.value).toBe(2);
  });
});

describe('an operation that is not known', () => {
  const hot = (to: string) =>
    `{ lmps(nodes: ["PJM:A"], run: SPOT, from: "2026-01-01T00:00:00Z", to: "${to}") { edges { node { lmp } } } }`;
  const limits = { ...REQUEST_LIMITS, executionMsMax: 100 };

  test.each([
    ['answered', '2026-01-02T00:00:00Z', NO_ROWS, { data: { lmps: { edges: [] } } }],
    // Of a range that ends before it begins.
    ['refused by the ordinary way', '2025-01-02T00:00:00Z', NO_ROWS, refusal('BAD_USER_INPUT')],
    ['given up', '2026-01-02T00:00:00Z', () => new Promise<never>(() => {}), refusal('LIMIT_EXCEEDED')],
    ['handed over by the hot lane', '2026-01-02T00:00:00Z', () => Promise.reject(new Error('away')), { errors: [{}] }],
  ])('counts once, %s', async (_, to, query, answer) => {
    const metrics = createMetrics();
    const started = await start('log', undefined, { metrics, query, limits });
    expect(await post(started, { query: hot(to) })).toMatchObject(answer);
    expect((await metrics.unknownOperations.get()).values[0]?.value).toBe(1);
  });
});

describe('a manifest', () => {
  test.each([
    ['that is not there', undefined, 'no such file'],
    ['that is no JSON', '{', 'JSON'],
    ['that is no manifest', '["a"]', 'expected record'],
    ['whose hashes are of another kind', JSON.stringify({ [sha256Of(FEEDS)]: STRANGE }), 'another hash'],
  ])('%s is refused at the start', async (_what, content, reason) => {
    const folder = await mkdtemp(join(tmpdir(), 'busbar-manifest-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const file = join(folder, 'manifest.json');
    if (content !== undefined) await writeFile(file, content);
    await expect(readManifest(file)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining(reason),
    });
  });
});
