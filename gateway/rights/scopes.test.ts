import type { Client } from 'graphql-ws';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { LiveBus } from '../../runtime/live-bus/live-bus.ts';
import { cacheOutcomes } from '../../tests/support/cache-outcomes.ts';
import { socketClient } from '../../tests/support/gateway.ts';
import { announcer, ringBus } from '../../tests/support/live.ts';
import { freshDatabase, type TestDatabase } from '../../tests/support/postgres.ts';
import { startRedis } from '../../tests/support/redis.ts';
import { FILLED, fillStore } from '../../tests/support/rights/filled-store.ts';
import { PEOPLE, type Person, peopleAuthenticator } from '../../tests/support/rights/people.ts';
import { type Answer, type StoreGateway, startStoreGateway } from '../../tests/support/store-gateway.ts';
import { tradeEvent } from '../../tests/support/trading-events.ts';

let db: TestDatabase;
let bus: LiveBus;
let gateway: StoreGateway;
const clients: Client[] = [];
beforeAll(async () => {
  db = await freshDatabase();
  await fillStore(db.pool);
  bus = ringBus();
  gateway = await startStoreGateway({ db, bus, clock: () => FILLED.now, authenticator: peopleAuthenticator() });
});
afterEach(async () => {
  for (const client of clients.splice(0)) await client.dispose();
});
afterAll(async () => {
  await gateway.close();
  await db.drop();
});

const ROOT = 'r';
const DAY = 'from: "2026-06-02T00:00Z", to: "2026-06-03T00:00Z"';
const NP15 = 'nodes: ["PJM:WEST", "CAISO:NP15"]';
const RUN = 'run: REAL_TIME_5_MIN';

describe('what is named and out of scope is refused with its path, whether there is such a thing or not', () => {
  test.each([
    ['an account by argument', 'positions(account: "beta") { account }'],
    ['an account that nobody knows', 'positions(account: "nobody") { account }'],
    ['an account by id', 'account(id: "beta") { id }'],
    ['an account that nobody knows by id', 'account(id: "nobody") { id }'],
    ['its trades', 'trades(account: "beta") { __typename }'],
    ['its exposure', 'exposure(account: "beta", by: MARKET) { grossMw }'],
    ['its PnL', `pnlSeries(account: "beta", ${DAY}) { total }`],
    ['positions at a node', 'positions(node: "CAISO:NP15") { account }'],
    ['exposure in a market', 'exposure(market: "CAISO", by: MARKET) { grossMw }'],
    ['newest prices', `latestLmp(${NP15}, ${RUN}) { lmp }`],
    ['prices', `lmps(${NP15}, ${RUN}, ${DAY}) { __typename }`],
    ['a series', `lmpSeries(${NP15}, ${RUN}, ${DAY}) { lmp }`],
    ['spreads', `dartSpread(${NP15}, ${DAY}) { spread }`],
    ['forecasts', `forecasts(${NP15}) { lastPrice }`],
    ['trends', `priceTrends(${NP15}, ${DAY}) { count }`],
    ['statistics', `marketMetrics(market: "CAISO", ${DAY}) { count }`],
    ['nodes of a market', 'pricingNodes(market: "CAISO") { __typename }'],
    ['a feed', 'feed(id: "caiso-lmp") { id }'],
    ['a feed that nobody knows', 'feed(id: "nothing") { id }'],
    ['a ledger', 'ledger(feed: "caiso-lmp") { __typename }'],
    ['dead letters', 'deadLetters(feed: "caiso-lmp") { __typename }'],
    ['jobs', 'jobs(feed: "caiso-lmp") { __typename }'],
    ['a job', 'job(id: "1") { id }'],
    ['a source', 'apiHealth(source: "CAISO") { up }'],
    ['tariffs of another utility', `tariffs(provider: "EVU", ${DAY}) { value }`],
    ['a backfill', `backfill(input: { feed: "caiso-lmp", ${DAY} }) { job { id } }`],
    ['a replay of a stream', `replay(input: { feed: "${FILLED.stream}", ${DAY} }) { job { id } }`],
    ['a repair of a feed that nobody knows', `repair(input: { feed: "nothing", ${DAY} }) { job { id } }`],
    ['a backfill of nodes', `backfill(input: { feed: "pjm-lmp", ${DAY}, nodes: ["CAISO:NP15"] }) { job { id } }`],
    ['an end of a job', 'cancelJob(id: "1") { job { id } }'],
    ['a retry', 'retryDeadLetters(feed: "caiso-lmp") { job { id } }'],
    ['giving up', 'discardDeadLetters(feed: "caiso-lmp", reason: "so") { discarded }'],
    ['a cost method', 'setCostMethod(account: "beta", method: FIFO) { id }'],
    ['the audit log', 'auditLog { __typename }'],
  ])('%s', async (_, field) => {
    const isChange = /^(backfill|replay|repair|cancelJob|retry|discard|setCost)/.test(field);
    const answer = await ask('someAdmin', `${isChange ? 'mutation' : 'query'} { ${ROOT}: ${field} }`);
    expect(answer.errors).toMatchObject([{ path: [ROOT], extensions: { code: 'FORBIDDEN' } }]);
    expect(answer.data?.[ROOT] ?? null).toBeNull();
  });

  test('an account that is there is refused in the same words as one that is not', async () => {
    const told = async (account: string) =>
      JSON.stringify(await ask('someTrader', `{ account(id: "${account}") { id } }`)).replaceAll(account, '');
    expect(await told('beta')).toBe(await told('nobody'));
  });

  test.each([
    ['read', (id: number) => `{ job(id: "${id}") { id } }`],
    ['ended', (id: number) => `mutation { cancelJob(id: "${id}") { job { id } } }`],
  ])('a job that is there is not %s in the same words as one that is not', async (_, query) => {
    const [there, nowhere] = [await ask('someOperator', query(1)), await ask('someOperator', query(99))];
    expect(there).toEqual(nowhere);
    expect(there.errors).toMatchObject([
      { message: 'this is not a job that you may see', extensions: { code: 'FORBIDDEN' } },
    ]);
  });

  test('nor is it followed', async () => {
    const told = async (id: number) => textOf(await follow('someOperator', `jobProgress(id: "${id}") { id }`).next());
    expect(await told(1)).toContain('this is not a job that you may see');
    expect(await told(99)).toBe(await told(1));
  });

  test('under an alias, in a fragment and by a variable as well', async () => {
    const query = `query ($of: String = "beta") { mine: positions(account: "alpha") { account } ...F }
      fragment F on Query { ... on Query { theirs: positions(account: $of) { ...G } } } fragment G on Position { account }`;
    expect(await ask('someTrader', query)).toMatchObject({
      errors: [{ path: ['theirs'], extensions: { code: 'FORBIDDEN' } }],
    });
  });
});

describe('what is not named is narrowed', () => {
  test.each([
    ['markets { id }', [{ id: 'PJM' }]],
    ['accounts { id }', [{ id: 'alpha' }]],
    [
      'positions { account node { id } }',
      [
        ['alpha', 'PJM:EAST'],
        ['alpha', 'PJM:WEST'],
      ].map(position),
    ],
    ['exposure(by: MARKET) { market { id } positions }', [{ market: { id: 'PJM' }, positions: 2 }]],
    ['feeds { id }', ['ckw-tariffs', 'pjm-lmp', 'trades'].map((id) => ({ id }))],
    ['apiHealth(window: 60) { source }', ['CKW', 'PJM'].map((source) => ({ source }))],
    [`pnlSeries(account: "alpha", ${DAY}) { node { id } }`, ['PJM:EAST', 'PJM:WEST'].map((id) => ({ node: { id } }))],
  ])('%s', async (field, expected) => {
    expect((await answer('someAdmin', `{ ${ROOT}: ${field} }`))[ROOT]).toEqual(expected);
  });

  test.each([
    ['trades { edges { node { account node { id } } } }', 'alpha', 'beta'],
    ['pricingNodes { edges { node { id } } }', 'PJM:', 'CAISO:'],
    ['deadLetters { edges { node { feed } } }', 'pjm-lmp', 'caiso-lmp'],
    ['jobs { edges { node { feed } } }', 'pjm-lmp', 'caiso-lmp'],
    ['apiAlerts { edges { node { source } } }', 'PJM', 'CAISO'],
    [`feed(id: "pjm-lmp") { gaps(${DAY}) { node { id } } completeness(${DAY}) { partition } }`, 'PJM:', 'away'],
  ])('%s', async (field, shown, beyond) => {
    const text = JSON.stringify(await answer('someAdmin', `{ ${field} }`));
    expect(text).toContain(shown);
    expect(text).not.toContain(beyond);
    expect(JSON.stringify(await answer('admin', `{ ${field} }`))).toContain(beyond);
  });

  test('a trade shows no version that another account had', async () => {
    const query =
      '{ trades(account: "alpha", node: "PJM:WEST") { edges { node { id versions { version account } } } } }';
    const { trades } = await answer('someTrader', query);
    const moved = trades.edges.find(({ node }: { node: { id: string } }) => node.id === 'moved');
    expect(moved.node.versions).toEqual([{ version: 2, account: 'alpha' }]);
  });

  test('a cursor of somebody with other rights goes on within one’s own', async () => {
    const first = await answer('otherTrader', '{ trades(first: 1) { edges { cursor node { account } } } }');
    expect(first.trades.edges[0].node.account).toBe('beta');
    const after = JSON.stringify(first.trades.edges[0].cursor);
    const next = await answer('someTrader', `{ trades(after: ${after}) { edges { node { account } } } }`);
    expect(new Set(next.trades.edges.map(({ node }: { node: { account: string } }) => node.account))).toEqual(
      new Set(['alpha']),
    );
  });
});

describe('what is reached by its id is refused where it is', () => {
  test('an entry of the ledger of another feed', async () => {
    const query = `{ latestLmp(nodes: ["CAISO:NP15"], ${RUN}) { lmp ledgerEntry { id } } }`;
    const caiso = { ...PEOPLE.someAnalyst, markets: ['CAISO'] };
    const onlyPrices = await startStoreGateway({
      db,
      clock: () => FILLED.now,
      authenticator: peopleAuthenticator({
        prices: { subject: 'key:p', name: 'p', rights: caiso, expiresAt: undefined },
      }),
    });
    const { data, errors } = await ask('prices', query, onlyPrices.url);
    await onlyPrices.close();
    const message = 'this is not an entry of the ledger that you may see';
    expect(errors).toMatchObject([
      { message, path: ['latestLmp', 0, 'ledgerEntry'], extensions: { code: 'FORBIDDEN' } },
    ]);
    expect(data.latestLmp).toMatchObject([{ lmp: expect.any(Number), ledgerEntry: null }]);
  });

  test('records of trades, where not every account is one’s own', async () => {
    const query = '{ deadLetters(feed: "trades") { edges { node { rawText } } } }';
    expect(await ask('someTrader', query)).toMatchObject({ errors: [{ extensions: { code: 'FORBIDDEN' } }] });
    expect(JSON.stringify(await answer('trader', query))).toContain('the record of trades');
  });

  test('the reasons of those records, which quote them; what they are otherwise is told', async () => {
    const query = '{ deadLetters { edges { node { feed code reason } } } }';
    const told = await ask('someTrader', query);
    expect(told.errors).toMatchObject([
      { path: ['deadLetters', 'edges', 0, 'node', 'reason'], extensions: { code: 'FORBIDDEN' } },
    ]);
    expect(told.data.deadLetters.edges.map(({ node }: { node: unknown }) => node)).toEqual([
      { feed: 'trades', code: 'NOT_JSON', reason: null },
      { feed: 'pjm-lmp', code: 'NOT_JSON', reason: 'unreadable' },
      { feed: 'ckw-tariffs', code: 'NOT_JSON', reason: 'unreadable' },
    ]);
    expect((await answer('trader', query)).deadLetters.edges[0].node.reason).toBe('unreadable');
  });
});

describe('an export', () => {
  test.each([
    ['someViewer', `lmp?nodes=PJM:WEST&run=REAL_TIME_5_MIN&${span()}`, 403],
    ['someAnalyst', `lmp?nodes=PJM:WEST&run=REAL_TIME_5_MIN&${span()}`, 200],
    ['someAnalyst', `lmp?nodes=PJM:WEST,CAISO:NP15&run=REAL_TIME_5_MIN&${span()}`, 403],
    ['someAnalyst', 'trades?', 403],
    ['someOperator', `pnl?account=alpha&${span()}`, 403],
    ['someTrader', 'trades?account=beta', 403],
    ['someTrader', 'trades?node=CAISO:NP15', 403],
    ['someTrader', `pnl?account=beta&${span()}`, 403],
    ['someTrader', `pnl?account=nobody&${span()}`, 403],
    ['someTrader', `pnl?account=alpha&${span()}`, 200],
  ] as const)('of %s by %s is answered %d', async (person, path, status) => {
    const { status: answered, text } = await exported(person, path);
    expect(answered).toBe(status);
    expect(text).not.toContain('CAISO:NP15,');
    if (status === 403) expect(JSON.parse(text)).toMatchObject({ error: { code: 'FORBIDDEN' } });
  });

  test('of trades has those of the accounts and markets in scope alone', async () => {
    const { text } = await exported('someTrader', 'trades?format=csv');
    expect(text).toContain('alpha');
    expect(text).not.toMatch(/beta|CAISO/);
  });
});

describe('a subscription', () => {
  test.each([
    'trades(account: "beta") { cursor }',
    'pnl(account: "beta") { cursor }',
    'pnl(node: "CAISO:NP15") { cursor }',
    'lmp(market: "CAISO") { cursor }',
    'lmp(nodes: ["CAISO:NP15"], snapshot: true) { cursor }',
    'forecasts(nodes: ["CAISO:NP15"]) { cursor }',
    'jobProgress(id: "1") { id }',
    'apiHealth(source: "CAISO") { source }',
  ])('of what is out of scope is refused: %s', async (field) => {
    const first = follow('someTrader', field).next();
    expect((await first).value).toMatchObject({ errors: [{ path: [ROOT], extensions: { code: 'FORBIDDEN' } }] });
  });

  test('is told of what is in scope alone', async () => {
    const prices = follow('someTrader', 'lmp(snapshot: true) { ticks { node { id } } }');
    const trades = follow('someTrader', 'trades { trades { account node { id } } }');
    const pnl = follow('someTrader', 'pnl { positions { account node { id } } }');
    const feeds = follow('someTrader', 'feedHealth { id }');
    const opening = await prices.next();
    expect(textOf(opening)).toContain('PJM:WEST');
    expect(textOf(opening)).not.toContain('CAISO');
    expect(textOf(await pnl.next())).not.toMatch(/beta|CAISO/);
    expect(textOf(await feeds.next())).not.toContain('caiso');
    const { price } = announcer(bus);
    const seen = trades.next();
    await price(1, 'CAISO:NP15');
    await price(2, 'PJM:WEST');
    expect(textOf(await prices.next())).not.toContain('CAISO');
    const of = (account: string, node: string) => tradeEvent('T', { account, node });
    const batches = [[of('beta', 'PJM:WEST')], [of('alpha', 'CAISO:NP15')], [of('alpha', 'PJM:WEST')]];
    await bus.announce('trades', { source: 'test/trades', sequence: 1, batches });
    expect(textOf(await seen)).not.toMatch(/beta|CAISO/);
  });

  test('takes no cursor that others were given', async () => {
    const theirs = await follow('otherTrader', 'pnl { cursor }').next();
    const after = JSON.stringify(theirs.value.data[ROOT].cursor);
    const refused = await follow('someTrader', `pnl(after: ${after}) { cursor }`).next();
    expect(refused.value).toMatchObject({ errors: [{ extensions: { code: 'BAD_USER_INPUT' } }] });
  });
});

describe('the same hot query of two people', () => {
  const query = `{ lmpSeries(nodes: ["PJM:WEST", "CAISO:NP15"], ${RUN}, ${DAY}) { lmp } }`;

  test('is answered to whoever may see it from what is kept, and refused to the other, also where gateways share answers', async () => {
    const redis = await startRedis();
    const options = { db, clock: () => FILLED.now, cacheBytes: 1_000_000, redisUrl: redis.url };
    const open = () => startStoreGateway({ ...options, authenticator: peopleAuthenticator() });
    const gateways = [await open(), await open()];
    try {
      for (const { url } of [...gateways, ...gateways]) {
        expect(await ask('admin', query, url)).not.toHaveProperty('errors');
        expect(await ask('someAdmin', query, url)).toMatchObject({
          errors: [{ path: ['lmpSeries'], extensions: { code: 'FORBIDDEN' } }],
        });
      }
      const kept = await Promise.all(gateways.map(async ({ metrics }) => (await cacheOutcomes(metrics)).hit ?? 0));
      expect(kept.every((count) => count > 0)).toBe(true);
    } finally {
      await Promise.all(gateways.map((each) => each.close()));
      await redis.stop();
    }
  });
});

function position([account, id]: string[]) {
  return { account, node: { id } };
}

function span(): string {
  return 'from=2026-06-02T00:00:00Z&to=2026-06-03T00:00:00Z';
}

async function ask(person: Person | 'prices', query: string, url = gateway.url): Promise<Answer> {
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${person}` };
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ query }) });
  return response.json();
}

async function answer(person: Person, query: string): Promise<Answer['data']> {
  const { data, errors } = await ask(person, query);
  if (errors) throw new Error(JSON.stringify(errors));
  return data;
}

async function exported(person: Person, path: string): Promise<{ status: number; text: string }> {
  const url = `${gateway.url.replace('/graphql', '')}/export/${path}`;
  const response = await fetch(url, { headers: { authorization: `Bearer ${person}`, accept: 'text/csv' } });
  return { status: response.status, text: await response.text() };
}

// biome-ignore lint/suspicious/noExplicitAny: a test knows what it subscribed to
function follow(person: Person, field: string): AsyncIterator<any> {
  const client = socketClient(gateway.socketUrl, undefined, { authorization: `Bearer ${person}` });
  clients.push(client);
  return client.iterate({ query: `subscription { ${ROOT}: ${field} }` });
}

function textOf({ value }: { value?: unknown }): string {
  return JSON.stringify(value);
}
