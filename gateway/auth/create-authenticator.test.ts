/** Keys and tokens as they come over HTTP, with a store and an issuer behind them. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { NewApiKey } from '../../domain/api-key.ts';
import { DAY_MS } from '../../domain/instant.ts';
import { ALL_RIGHTS, type Rights } from '../../domain/rights.ts';
import { createApiKey } from '../../prisma/operations/api-keys.ts';
import { inTransaction } from '../../prisma/transaction.ts';
import { openTokensOf, startIssuer, type TestIssuer } from '../../tests/support/auth.ts';
import { silent } from '../../tests/support/live.ts';
import { freshDatabase, type TestDatabase } from '../../tests/support/postgres.ts';
import { type Answer, type StoreGateway, startStoreGateway } from '../../tests/support/store-gateway.ts';
import { type ApiKeys, openApiKeys } from './api-keys.ts';
import { createAuthenticator } from './create-authenticator.ts';
import type { Tokens } from './oidc.ts';

const ME = '{ me { subject name rights { roles markets { all ids } accounts { all ids } } expiresAt } }';

let db: TestDatabase;
let issuer: TestIssuer;
let keys: ApiKeys;
let tokens: Tokens;
let gateway: StoreGateway;
let admin: NewApiKey;
beforeAll(async () => {
  db = await freshDatabase();
  issuer = await startIssuer();
  keys = await openApiKeys({ db: db.pool, log: silent, clock: Date.now, everyMs: 50 });
  tokens = await openTokensOf(issuer);
  gateway = await startStoreGateway({ db, authenticator: createAuthenticator(keys, tokens) });
});
afterAll(async () => {
  await gateway.close();
  tokens.close();
  await keys.close();
  await issuer.close();
  await db.drop();
});
beforeEach(async () => {
  await db.pool.query('TRUNCATE api_key');
  admin = await makeKey('root', ALL_RIGHTS);
});

const makeKey = (name: string, rights: Rights) =>
  inTransaction(db.pool, (client) =>
    createApiKey(client, { name, rights, expiresAt: undefined }, { by: 'tests', rights: ALL_RIGHTS, now: Date.now() }),
  );

const post = (query: string, authorization?: string, variables = {}) =>
  fetch(gateway.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(authorization !== undefined && { authorization }) },
    body: JSON.stringify({ query, variables }),
  });

async function ask(credential: string, query: string, variables = {}): Promise<Answer> {
  const response = await post(query, `Bearer ${credential}`, variables);
  return response.json();
}

/** The codes of what was refused. */
const codes = ({ errors = [] }: Answer) => errors.map(({ extensions }) => extensions.code);

describe('over HTTP', () => {
  it('nobody gets in without a credential', async () => {
    const response = await post(ME);
    expect(response.status).toBe(401);
    expect(response.headers.get('www-authenticate')).toBe('Bearer realm="busbar"');
    expect(await response.json()).toEqual({
      errors: [
        {
          message: 'no credential: send `Authorization: Bearer <API key or token>`',
          extensions: { code: 'UNAUTHENTICATED' },
        },
      ],
    });
  });

  it.each([
    '',
    'Bearer',
    'Bearer ',
    'Basic cm9vdDpyb290',
    'Bearer a b',
    'Bearer bb_',
    'Bearer x',
    `Bearer ${'x'.repeat(12_000)}`,
  ])('nobody gets in by %.20s', async (authorization) => {
    const response = await post(ME, authorization);
    expect(response.status).toBe(401);
    expect(codes(await response.json())).toEqual(['UNAUTHENTICATED']);
  });

  it('a browser gets the page to enter one, and nothing by it', async () => {
    const visit = (query = '') =>
      fetch(`${gateway.url}${query && `?query=${encodeURIComponent(query)}`}`, {
        headers: { accept: 'text/html, application/json;q=0.9, */*;q=0.8' },
      });
    for (const page of [
      await visit(),
      await visit('{ markets { id } }'),
      await visit('{ __schema { types { name } } }'),
    ]) {
      expect(page.headers.get('content-type')).toMatch('text/html');
      expect((await page.text()).includes('Bearer ')).toBe(true);
    }
    const head = await fetch(gateway.url, { method: 'POST', headers: { accept: 'text/html' } });
    expect(head.status).toBe(401);
    expect((await fetch(gateway.url, { headers: { accept: 'text/html', authorization: 'Bearer x' } })).status).toBe(
      401,
    );
  });

  it('nobody gets to the exports without a credential', async () => {
    const response = await fetch(new URL('/export/lmp', gateway.url));
    expect(response.status).toBe(401);
  });

  it('a key says who asks', async () => {
    const rights: Rights = { roles: ['TRADER'], markets: ['PJM'], feeds: [], accounts: 'ALL' };
    const { key, secret } = await makeKey('desk', rights);
    expect((await ask(secret, ME)).data).toEqual({
      me: {
        subject: `key:${key.prefix}`,
        name: 'desk',
        rights: { roles: ['TRADER'], markets: { all: false, ids: ['PJM'] }, accounts: { all: true, ids: [] } },
        expiresAt: null,
      },
    });
  });

  it('a token says who asks', async () => {
    const token = await issuer.tokenFor({ roles: ['VIEWER'], markets: 'ALL' }, { claims: { sub: 'u-17' } });
    expect((await ask(token, ME)).data.me).toMatchObject({
      subject: 'oidc:u-17',
      rights: { roles: ['VIEWER'], markets: { all: true, ids: [] } },
      expiresAt: expect.any(String),
    });
  });

  it('a token without rights gets in and is shown nothing', async () => {
    expect(codes(await ask(await issuer.tokenFor({}), '{ markets { id } }'))).toEqual(['FORBIDDEN']);
  });

  it('no honest request is refused while a key and the issuer’s key are rotated', async () => {
    let secret = admin.secret;
    const refused: unknown[] = [];
    let asked = 0;
    let isOver = false;
    const client = async (credential: () => string | Promise<string>) => {
      while (!isOver) {
        const response = await post(ME, `Bearer ${await credential()}`);
        const answer: Answer = await response.json();
        if (response.status !== 200 || answer.errors) refused.push(answer);
        asked++;
      }
    };
    const clients = [1, 2, 3, 4].flatMap(() => [
      client(() => secret),
      client(() => issuer.tokenFor({ roles: ['VIEWER'] })),
    ]);
    for (let turn = 1; turn <= 4; turn++) {
      const [, id] = secret.split('_');
      const { data } = await ask(secret, 'mutation($id: ID!) { rotateApiKey(id: $id) { secret } }', { id });
      secret = data.rotateApiKey.secret;
      if (turn % 2 === 0) await issuer.rotate();
      await expect.poll(() => asked).toBeGreaterThan(100 * turn);
    }
    isOver = true;
    await Promise.all(clients);
    expect(refused).toEqual([]);
  });
});

describe('administering keys', () => {
  const CREATE =
    'mutation($input: CreateApiKeyInput!) { createApiKey(input: $input) { secret key { id name createdBy expiresAt } } }';
  const LIST = '{ apiKeys { edges { node { id name revokedAt expiresAt replaces lastUsedAt } } } }';
  const ROTATE =
    'mutation($id: ID!, $hours: Float) { rotateApiKey(id: $id, overlapHours: $hours) { secret key { id replaces } } }';
  const REVOKE = 'mutation($id: ID!) { revokeApiKey(id: $id) { revokedAt } }';
  const names = async (credential: string) =>
    (await ask(credential, LIST)).data.apiKeys.edges.map(({ node }: { node: { name: string } }) => node.name);

  it('makes a key that gets in, with the rights that were asked for and no others', async () => {
    const input = { name: 'desk', roles: ['TRADER'], markets: { ids: ['PJM'] }, accounts: { all: true } };
    const { data } = await ask(admin.secret, CREATE, { input });
    expect(data.createApiKey.key).toMatchObject({ name: 'desk', createdBy: 'root', expiresAt: null });
    expect(
      (await ask(data.createApiKey.secret, '{ me { rights { roles markets { all ids } feeds { all ids } } } }')).data,
    ).toEqual({
      me: { rights: { roles: ['TRADER'], markets: { all: false, ids: ['PJM'] }, feeds: { all: false, ids: [] } } },
    });
  });

  it.each([
    ['a market that there is not', { markets: { ids: ['PJN'] } }],
    ['both all and some', { accounts: { all: true, ids: ['DESK-EAST'] } }],
    ['no role', { roles: [] }],
    ['a blank name', { name: ' ' }],
    ['a name with a control character', { name: 'a\u001b[2J' }],
    ['an end in the past', { expiresAt: '2020-01-01T00:00Z' }],
  ])('refuses a key with %s', async (_, wrong) => {
    const input = { name: 'desk', roles: ['TRADER'], ...wrong };
    expect(codes(await ask(admin.secret, CREATE, { input }))).toEqual(['BAD_USER_INPUT']);
    expect(await names(admin.secret)).toEqual(['root']);
  });

  it('lists keys page by page, with when they end', async () => {
    for (const name of ['first', 'second']) await makeKey(name, ALL_RIGHTS);
    const PAGE =
      'query($after: String) { apiKeys(first: 2, after: $after) { edges { node { name } } pageInfo { hasNextPage endCursor } } }';
    const first = (await ask(admin.secret, PAGE)).data.apiKeys;
    expect(first.edges).toEqual([{ node: { name: 'second' } }, { node: { name: 'first' } }]);
    const second = (await ask(admin.secret, PAGE, { after: first.pageInfo.endCursor })).data.apiKeys;
    expect(second).toMatchObject({ edges: [{ node: { name: 'root' } }], pageInfo: { hasNextPage: false } });
  });

  it('rotates and revokes', async () => {
    const { key, secret } = await makeKey('desk', { ...ALL_RIGHTS, roles: ['VIEWER'] });
    const { data } = await ask(admin.secret, ROTATE, { id: key.prefix, hours: 0.5 });
    expect(data.rotateApiKey.key.replaces).toBe(key.prefix);
    expect((await ask(secret, ME)).data).toBeTruthy();
    const revoked = await ask(admin.secret, REVOKE, { id: key.prefix });
    expect(revoked.data.revokeApiKey.revokedAt).toEqual(expect.any(String));
    await expect.poll(async () => codes(await ask(secret, ME))).toEqual(['UNAUTHENTICATED']);
    expect((await ask(data.rotateApiKey.secret, ME)).data).toBeTruthy();
    expect(codes(await ask(admin.secret, ROTATE, { id: key.prefix }))).toEqual(['BAD_USER_INPUT']);
    expect(codes(await ask(admin.secret, ROTATE, { id: admin.key.prefix, hours: 10_000 }))).toEqual(['BAD_USER_INPUT']);
    expect(codes(await ask(admin.secret, REVOKE, { id: 'nobodys' }))).toEqual(['NOT_FOUND']);
  });

  it('gives nobody more than they have, and tells them of nothing beyond', async () => {
    const narrow: Rights = { ...ALL_RIGHTS, markets: ['PJM'], accounts: ['DESK-EAST'] };
    const { secret } = await makeKey('narrow', narrow);
    await makeKey('within', { ...narrow, roles: ['TRADER'] });
    const beyond = await makeKey('beyond', { ...narrow, accounts: ['DESK-EAST', 'DESK-WEST'] });
    const wide = { name: 'w', roles: ['VIEWER'], markets: { all: true } };
    expect(codes(await ask(secret, CREATE, { input: wide }))).toEqual(['FORBIDDEN']);
    expect(codes(await ask(secret, CREATE, { input: { ...wide, markets: { ids: ['PJM', 'MISO'] } } }))).toEqual([
      'FORBIDDEN',
    ]);
    expect(codes(await ask(secret, CREATE, { input: { ...wide, markets: { ids: ['PJM'] } } }))).toEqual([]);
    expect(await names(secret)).toEqual(['w', 'within', 'narrow']);
    const refusals = await Promise.all(
      [beyond.key.prefix, admin.key.prefix, 'nobodys'].flatMap((id) => [
        ask(secret, ROTATE, { id }),
        ask(secret, REVOKE, { id }),
      ]),
    );
    const messages = refusals.map(({ errors }) => `${errors?.[0]?.extensions.code}: ${errors?.[0]?.message}`);
    expect(new Set(messages)).toEqual(new Set(['FORBIDDEN: this is not an API key that you may see']));
    expect((await ask(beyond.secret, ME)).data).toBeTruthy();
  });

  it('is for administrators', async () => {
    const { secret } = await makeKey('operator', { ...ALL_RIGHTS, roles: ['OPERATOR', 'TRADER'] });
    for (const query of [LIST, `mutation { revokeApiKey(id: "${admin.key.prefix}") { id } }`]) {
      expect(codes(await ask(secret, query))).toEqual(['FORBIDDEN']);
    }
    const input = { name: 'more', roles: ['VIEWER'] };
    expect(codes(await ask(secret, CREATE, { input }))).toEqual(['FORBIDDEN']);
    expect(codes(await ask(secret, ROTATE, { id: admin.key.prefix }))).toEqual(['FORBIDDEN']);
  });

  it('is in the audit log, without secrets', async () => {
    const {
      rows: [before],
    } = await db.pool.query('SELECT coalesce(max(id), 0) AS id FROM audit_entry');
    const input = { name: 'desk', roles: ['VIEWER'], expiresAt: new Date(Date.now() + DAY_MS).toISOString() };
    const created = (await ask(admin.secret, CREATE, { input })).data.createApiKey;
    const rotated = (await ask(admin.secret, ROTATE, { id: created.key.id, hours: 1 })).data.rotateApiKey;
    await ask(admin.secret, REVOKE, { id: created.key.id });
    await ask(admin.secret, REVOKE, { id: 'nobodys' });
    const { rows } = await db.pool.query(
      'SELECT actor, action, outcome, input FROM audit_entry WHERE id > $1 ORDER BY id',
      [before.id],
    );
    expect(rows).toEqual([
      {
        actor: 'root',
        action: 'createApiKey',
        outcome: 'DONE',
        input: { name: 'desk', roles: ['VIEWER'], markets: [], feeds: [], accounts: [], expiresAt: input.expiresAt },
      },
      { actor: 'root', action: 'rotateApiKey', outcome: 'DONE', input: { id: created.key.id, overlapHours: 1 } },
      { actor: 'root', action: 'revokeApiKey', outcome: 'DONE', input: { id: created.key.id } },
      { actor: 'root', action: 'revokeApiKey', outcome: 'REFUSED', input: { id: 'nobodys' } },
    ]);
    const log = JSON.stringify((await db.pool.query('SELECT e::text FROM audit_entry AS e')).rows);
    for (const secret of [created.secret, rotated.secret, admin.secret]) expect(log).not.toContain(secret.slice(12));
  });
});
