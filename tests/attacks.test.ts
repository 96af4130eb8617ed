/**
 * Who should not get in, and whoever is in and asks for what is others': each by every way there is, with the real authenticator, an
 * issuer and a store. Limits are attacked in `gateway/limits`, sockets in `gateway/sockets`, texts in `hostile-texts.test.ts`.
 */
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ALL_RIGHTS } from '../domain/rights.ts';
import { openApiKeys } from '../gateway/auth/api-keys.ts';
import { createAuthenticator } from '../gateway/auth/create-authenticator.ts';
import { createApiKey, revokeApiKey } from '../prisma/operations/api-keys.ts';
import { makeSigningKey, openTokensOf, startIssuer, type TestIssuer } from './support/auth.ts';
import { cacheOutcomes } from './support/cache-outcomes.ts';
import { socketClient } from './support/gateway.ts';
import { ringBus, silent } from './support/live.ts';
import { freshDatabase, type TestDatabase } from './support/postgres.ts';
import { FILLED, fillStore } from './support/rights/filled-store.ts';
import { PEOPLE } from './support/rights/people.ts';
import { type StoreGateway, startStoreGateway } from './support/store-gateway.ts';
import { tradeEvent } from './support/trading-events.ts';

let db: TestDatabase;
let issuer: TestIssuer;
let gateway: StoreGateway;
let honest: string;
let trades = 0;
const endings: (() => unknown)[] = [];

beforeAll(async () => {
  db = await freshDatabase();
  await fillStore(db.pool);
  issuer = await startIssuer();
  const keys = await openApiKeys({ db: db.pool, log: silent, clock: Date.now, everyMs: 50 });
  const tokens = await openTokensOf(issuer);
  const authenticator = createAuthenticator(keys, tokens);
  gateway = await startStoreGateway({
    db,
    bus: ringBus(),
    clock: () => FILLED.now,
    authenticator,
    cacheBytes: 1_000_000,
  });
  honest = await issuer.tokenFor(PEOPLE.someTrader, { claims: { sub: 'honest' } });
  endings.push(gateway.close, tokens.close, keys.close, issuer.close, db.drop);
});
afterAll(async () => {
  for (const end of endings) await end();
});

interface Question {
  readonly query: string;
  readonly extensions?: Record<string, unknown>;
}

/** Of an answer, whatever its fields are called: something came for the first of them. */
const TOLD = /"data":\{"\w+":(?!null)/;

/** What somebody is told by each way, as text, of a stream until something came of it. */
const WAYS = {
  HTTP: (credential: string | undefined, question: Question) => byHttp(credential, question, 'application/json'),
  'an event stream': (credential: string | undefined, question: Question) =>
    byHttp(credential, question, 'text/event-stream'),
  'a socket': bySocket,
};
const EACH_WAY = Object.entries(WAYS);

async function byHttp(credential: string | undefined, question: Question, accept: string): Promise<string> {
  const authorization = credential === undefined ? {} : { authorization: `Bearer ${credential}` };
  const giveUp = AbortSignal.timeout(10_000);
  const response = await fetch(gateway.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept, ...authorization },
    body: JSON.stringify(question),
    signal: giveUp,
  });
  let told = `${response.status} `;
  for await (const text of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    told += text;
    if (TOLD.test(told) && told.endsWith('\n\n')) break;
  }
  return told;
}

async function bySocket(credential: string | undefined, question: Question): Promise<string> {
  const parameters = credential === undefined ? {} : { authorization: `Bearer ${credential}` };
  const client = socketClient(gateway.socketUrl, undefined, parameters);
  try {
    return await new Promise((resolve) => {
      const told: unknown[] = [];
      client.subscribe(question, {
        next: (result) => {
          told.push(result);
          if (TOLD.test(JSON.stringify(result))) resolve(JSON.stringify(told));
        },
        error: (error) => resolve(textOf(error)),
        complete: () => resolve(JSON.stringify(told)),
      });
    });
  } finally {
    await client.dispose();
  }
}

/** Of a socket that was closed its code and reason, else the errors of the operation. */
function textOf(error: unknown): string {
  const { code, reason } = error as { code?: number; reason?: string };
  return code === undefined ? JSON.stringify(error) : `${code} ${reason}`;
}

const POSITIONS = { query: '{ positions { account totalPnl } }' };
const STREAM = { query: 'subscription { pnl { positions { account totalPnl } } }' };

describe.each<[string, () => Promise<string | undefined>]>([
  ['nothing at all', async () => undefined],
  ['a guess', async () => 'bb_abcdefgh_00000000000000000000000000000000'],
  ['a token that has expired', () => token({ exp: Math.floor(Date.now() / 1_000) - 600 })],
  ['a token for another audience', () => token({ aud: 'another-service' })],
  ['a token of another issuer', () => token({ iss: 'https://elsewhere.example' })],
  ['a token that says it needs no signature', unsigned],
  ['a token signed with a key of one’s own under the issuer’s name for it', swapped],
  ['a token whose contents were changed', altered],
  ['a key that was revoked', revoked],
])('whoever comes with %s', (_, credentialOf) => {
  test.each(EACH_WAY)('is told nothing by %s', async (_way, ask) => {
    const credential = await credentialOf();
    for (const question of [POSITIONS, STREAM]) {
      const told = await ask(credential, question);
      expect(told).toMatch(/^(401 .*UNAUTHENTICATED|4401 )/s);
      expect(told).not.toMatch(/alpha|beta/);
    }
  });
});

describe.each<[string, () => Promise<Question> | Question]>([
  ['an account by argument', () => ({ query: '{ positions(account: "beta") { account totalPnl } }' })],
  ['its PnL live', () => ({ query: 'subscription { pnl(account: "beta") { positions { totalPnl } } }' })],
  ['its trades live', () => ({ query: 'subscription { trades(account: "beta") { trades { id } } }' })],
  ['a node by id', () => ({ query: '{ positions(node: "CAISO:NP15") { account totalPnl } }' })],
  [
    'prices of a node live',
    () => ({ query: 'subscription { lmp(nodes: ["CAISO:NP15"], snapshot: true) { cursor } }' }),
  ],
  ['an account under an alias', () => ({ query: '{ alpha1: positions(account: "beta") { account } }' })],
  [
    'an account in a fragment of a fragment',
    () => ({
      query:
        '{ ...F } fragment F on Query { ... on Query { ...G } } fragment G on Query { account(id: "beta") { id } }',
    }),
  ],
  ['what is kept of another’s answer', keptForAnother],
  ['a text by its hash', persistedByAnother],
])('whoever is in and asks for %s that is another’s', (_, questionOf) => {
  test.each(EACH_WAY)('is refused with its path by %s', async (_way, ask) => {
    const told = await ask(honest, await questionOf());
    expect(told).toMatch(/"path":\[/);
    expect(told).toContain('FORBIDDEN');
    expect(told).not.toMatch(TOLD);
  });

  test.each(EACH_WAY)('would be told it by %s with the rights', async (_way, ask) => {
    const question = await questionOf();
    let told = '';
    const telling = ask(await token({ sub: 'root' }), question).then((text) => {
      told = text;
    });
    await expect.poll(() => trade('beta').then(() => told)).toMatch(answeredTo(question, ask));
    await telling;
  });
});

describe('a cursor', () => {
  const cursors: [string, () => Promise<string>][] = [
    ['that another was given', async () => cursorOf(await issuer.tokenFor(PEOPLE.otherTrader))],
    ['of an administrator', async () => cursorOf(await token({}))],
    [
      'whose last character was changed',
      async () => (await cursorOf(honest)).replace(/.$/, (end) => (end === 'A' ? 'B' : 'A')),
    ],
    ['that was made up', async () => Buffer.from('{"place":"0-1"}').toString('base64url')],
  ];
  describe.each(cursors)('%s', (_, made) => {
    test.each(EACH_WAY)('opens nothing by %s', async (_way, ask) => {
      const told = await ask(honest, streamAfter(await made()));
      expect(told).toContain('BAD_USER_INPUT');
      expect(told).not.toMatch(/alpha|beta/);
    });
  });

  test.each(EACH_WAY)('of one’s own resumes one’s own by %s', async (_way, ask) => {
    const question = streamAfter(await cursorOf(honest));
    expect(await ask(honest, question)).toMatch(answeredTo(question, ask));
  });
});

test('the honest one is answered by every way', async () => {
  for (const [, ask] of EACH_WAY) expect(await ask(honest, POSITIONS)).toMatch(/alpha/);
});

/** How whoever may ask is answered: one answer is not for streams. */
function answeredTo({ query }: Question, ask: (typeof WAYS)[keyof typeof WAYS]): RegExp {
  return ask === WAYS.HTTP && query.startsWith('subscription') ? /^406 $/ : TOLD;
}

function streamAfter(cursor: string): Question {
  return { query: `subscription { pnl(after: ${JSON.stringify(cursor)}) { positions { account } } }` };
}

/** One more, for those who follow trades. */
function trade(account: string): Promise<boolean> {
  const batches = [[tradeEvent('T', { account, node: 'CAISO:NP15' })]];
  return gateway.bus.announce('trades', { source: 'tests/trades', sequence: ++trades, batches });
}

function token(claims: Record<string, unknown>): Promise<string> {
  return issuer.tokenFor(ALL_RIGHTS, { claims });
}

async function unsigned(): Promise<string> {
  const [, payload] = (await token({})).split('.');
  return `${Buffer.from('{"alg":"none","typ":"JWT"}').toString('base64url')}.${payload}.`;
}

async function swapped(): Promise<string> {
  return issuer.tokenFor(ALL_RIGHTS, { key: { ...(await makeSigningKey()), kid: issuer.key.kid } });
}

async function altered(): Promise<string> {
  const [head, , signature] = honest.split('.');
  const [, payload] = (await token({})).split('.');
  return [head, payload, signature].join('.');
}

async function revoked(): Promise<string> {
  const keeper = { by: 'tests', rights: ALL_RIGHTS, now: Date.now() };
  const made = await createApiKey(db.pool, { name: 'gone', rights: ALL_RIGHTS, expiresAt: undefined }, keeper);
  await expect.poll(() => WAYS.HTTP(made.secret, POSITIONS)).toMatch(/^200/);
  await revokeApiKey(db.pool, made.key.prefix, keeper);
  await expect.poll(() => WAYS.HTTP(made.secret, POSITIONS)).toMatch(/^401/);
  return made.secret;
}

/** A hot query whose answer the gateway keeps, just given to somebody who may see it. */
async function keptForAnother(): Promise<Question> {
  const range = 'from: "2026-06-02T00:00Z", to: "2026-06-03T00:00Z"';
  const question = {
    query: `{ lmpSeries(nodes: ["CAISO:NP15"], run: REAL_TIME_5_MIN, ${range}) { values: lmp } }`,
  };
  const admin = await token({ sub: 'root' });
  expect(await WAYS.HTTP(admin, question)).toMatch(/^200 .*values/s);
  const before = await hits();
  expect(await WAYS.HTTP(admin, question)).toMatch(/^200 .*values/s);
  expect(await hits()).toBe(before + 1);
  return question;
}

/** Answers that were given of what is kept. */
async function hits(): Promise<number> {
  return (await cacheOutcomes(gateway.metrics)).hit ?? 0;
}

async function persistedByAnother(): Promise<Question> {
  const query = '{ positions(account: "beta") { account totalPnl tradeCount } }';
  const sha256Hash = createHash('sha256').update(query).digest('hex');
  const extensions = { persistedQuery: { version: 1, sha256Hash } };
  expect(await WAYS.HTTP(await token({ sub: 'root' }), { query, extensions })).toMatch(/^200 .*beta/s);
  return { query: '', extensions };
}

async function cursorOf(credential: string): Promise<string> {
  const told = await WAYS['a socket'](credential, { query: 'subscription { pnl { cursor } }' });
  const [, cursor] = /"cursor":"([^"]+)"/.exec(told) ?? [];
  if (cursor === undefined) throw new Error(`no cursor was given: ${told}`);
  return cursor;
}
