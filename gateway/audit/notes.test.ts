import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { authenticatorOf, identityWith } from '../../tests/support/auth.ts';
import { socketClient } from '../../tests/support/gateway.ts';
import { freshDatabase, type TestDatabase } from '../../tests/support/postgres.ts';
import { type StoreGateway, startStoreGateway } from '../../tests/support/store-gateway.ts';

const VIEWER = identityWith({ roles: ['VIEWER'] }, { subject: 'key:viewer00', name: 'wall display' });
const TRADER = identityWith(
  { roles: ['TRADER'], accounts: ['north'] },
  { subject: 'key:trader00', name: 'north desk' },
);

let db: TestDatabase;
let gateway: StoreGateway;
let last = 0;

beforeAll(async () => {
  db = await freshDatabase();
  const authenticator = authenticatorOf({ viewer: VIEWER, trader: TRADER });
  gateway = await startStoreGateway({ db, authenticator, notesDenials: true, exportsPerIdentity: 1 });
});
afterAll(async () => {
  await gateway.close();
  await db.drop();
});

const noted = async () => {
  const { rows } = await db.pool.query(
    'SELECT actor, subject, address, via, action, input, outcome, error FROM audit_entry WHERE id > $1 ORDER BY id',
    [last],
  );
  return rows;
};
beforeEach(async () => {
  last =
    (await db.pool.query<{ last: number }>('SELECT coalesce(max(id), 0)::int AS last FROM audit_entry')).rows[0]
      ?.last ?? 0;
});

const post = (query: string, authorization?: string) =>
  fetch(gateway.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(authorization && { authorization }) },
    body: JSON.stringify({ query }),
  });
const entry = (identity: { subject: string; name: string }, via: string, asked: readonly string[]) => ({
  actor: identity.name,
  subject: identity.subject,
  address: '127.0.0.1',
  via,
  action: 'access',
  outcome: 'DENIED',
  input: { asked, times: 1 },
  error: expect.any(String),
});

describe('who was denied what is in the audit log', () => {
  it('by HTTP, as the schema calls it, whatever the client does', async () => {
    await post('{ harmless: positions { tradeCount } }', 'Bearer viewer');
    await expect.poll(noted).toMatchObject([entry(VIEWER, 'graphql', ['positions'])]);
  });

  it('with everything that was denied and why, each once', async () => {
    const accounts = '{ a: account(id: "south") { id } b: account(id: "south") { id } c: account(id: "west") { id }';
    await post(`${accounts} auditLog { edges { cursor } } }`, 'Bearer trader');
    await expect.poll(noted).toMatchObject([
      {
        ...entry(TRADER, 'graphql', ['account', 'auditLog']),
        error: [
          'the account "south" is beyond your rights',
          'the account "west" is beyond your rights',
          'auditLog needs ADMINISTER',
        ].join('; '),
      },
    ]);
  });

  it('with so many of them, and how many more there were', async () => {
    const accounts = Array.from({ length: 30 }, (_, at) => `a${at}: account(id: "x${at}") { id }`);
    await post(`{ ${accounts.join(' ')} }`, 'Bearer trader');
    await expect.poll(noted).toMatchObject([{ error: expect.stringMatching(/"x0" is.*; … and \d+ more$/) }]);
  });

  it('of another’s account', async () => {
    await post('{ positions(account: "south") { tradeCount } }', 'Bearer trader');
    await expect.poll(noted).toMatchObject([entry(TRADER, 'graphql', ['positions'])]);
  });

  it('without a credential, and without what was shown instead', async () => {
    expect((await post('{ __typename }', 'Bearer bb_secret_secret')).status).toBe(401);
    await expect
      .poll(noted)
      .toMatchObject([{ actor: 'unknown', subject: null, address: '127.0.0.1', input: { asked: [] } }]);
    expect(JSON.stringify(await noted())).not.toContain('bb_secret');
  });

  it('by a mutation, once', async () => {
    await post('mutation { cancelJob(id: 1) { job { id } } }', 'Bearer viewer');
    await post('{ __typename }', 'Bearer nobody');
    await expect
      .poll(noted)
      .toMatchObject([
        { ...entry(VIEWER, 'graphql', ['cancelJob']), error: 'cancelJob needs OPERATE' },
        { actor: 'unknown' },
      ]);
  });

  it('by an export', async () => {
    const url = new URL('/export/trades?account=south', gateway.url);
    expect((await fetch(url, { headers: { authorization: 'Bearer trader' } })).status).toBe(403);
    await expect.poll(noted).toMatchObject([entry(TRADER, 'export', ['/export/trades'])]);
  });

  describe('by a socket', () => {
    const clients: { dispose(): unknown }[] = [];
    afterEach(() => Promise.all(clients.splice(0).map((client) => client.dispose())));
    const firstOf = async (query: string, authorization: string) => {
      class Bearing extends WebSocket {
        constructor(url: string, protocols: string[]) {
          super(url, protocols, { headers: { authorization } });
        }
      }
      const client = socketClient(gateway.socketUrl, Bearing);
      clients.push(client);
      const events = client.iterate({ query });
      return events.next().catch((error: unknown) => error);
    };

    it('a query', async () => {
      await firstOf('{ positions { tradeCount } }', 'Bearer viewer');
      await expect.poll(noted).toMatchObject([entry(VIEWER, 'graphql', ['positions'])]);
    });

    it('a subscription', async () => {
      await firstOf('subscription { pnl { cursor } }', 'Bearer viewer');
      await expect.poll(noted).toMatchObject([entry(VIEWER, 'graphql', ['pnl'])]);
    });

    it('without a credential that is good', async () => {
      await firstOf('{ __typename }', 'Bearer nobody');
      await expect.poll(noted).toMatchObject([{ actor: 'unknown', address: '127.0.0.1' }]);
    });
  });
});

describe('an export', () => {
  it('is in the audit log when it begins and when it ends: who, what and from where', async () => {
    const url = new URL('/export/trades?account=north', gateway.url);
    const response = await fetch(url, { headers: { authorization: 'Bearer trader' } });
    expect(response.status).toBe(200);
    await response.text();
    const asked = {
      actor: 'north desk',
      subject: 'key:trader00',
      address: '127.0.0.1',
      via: 'export',
      action: 'export',
      input: { path: '/export/trades', query: 'account=north' },
    };
    await expect.poll(noted).toMatchObject([
      { ...asked, outcome: 'BEGUN' },
      { ...asked, outcome: 'DONE' },
    ]);
  });

  it('is there in short, however long its question is', async () => {
    const nodes = Array.from({ length: 500 }, (_, at) => `PJM:NODE${at}`).join();
    const url = new URL(`/export/lmp?run=SPOT&from=2024-01-01T00:00Z&to=2024-01-02T00:00Z&nodes=${nodes}`, gateway.url);
    expect((await fetch(url, { headers: { authorization: 'Bearer trader' } })).status).toBe(200);
    await expect.poll(async () => (await noted()).map(({ outcome }) => outcome)).toEqual(['BEGUN', 'DONE']);
    for (const { input } of await noted()) expect(input.query).toHaveLength(2_001);
  });

  it('for which there is no place was not begun, and is counted together with all others of its identity', async () => {
    const holder = await db.pool.connect();
    await holder.query('BEGIN; LOCK trade IN ACCESS EXCLUSIVE MODE');
    const ask = () =>
      fetch(new URL('/export/trades?account=north', gateway.url), { headers: { authorization: 'Bearer trader' } });
    const first = ask();
    await expect.poll(async () => (await noted()).map(({ outcome }) => outcome)).toEqual(['BEGUN']);
    const refused = await Promise.all(Array.from({ length: 20 }, ask));
    expect(new Set(refused.map(({ status }) => status))).toEqual(new Set([429]));
    await holder.query('ROLLBACK');
    holder.release();
    await (await first).text();
    const ended = async () =>
      (await noted()).filter(({ outcome }) => outcome !== 'REFUSED').map(({ outcome }) => outcome);
    await expect.poll(ended).toEqual(['BEGUN', 'DONE']);
    const counted = async () =>
      (await noted()).filter(({ outcome }) => outcome === 'REFUSED').reduce((sum, { input }) => sum + input.times, 0);
    await expect.poll(counted).toBe(20);
    const entries = await noted();
    expect(entries.find(({ outcome }) => outcome === 'REFUSED')).toMatchObject({
      actor: 'north desk',
      via: 'export',
      action: 'export',
      input: { asked: ['/export/trades'] },
      error: expect.stringContaining('which is all you may have'),
    });
  });
});
