import { type Client, createClient } from 'graphql-ws';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { ALL_RIGHTS } from '../../domain/rights.ts';
import { createApiKey, type KeyKeeper, rotateApiKey } from '../../prisma/operations/api-keys.ts';
import { inTransaction } from '../../prisma/transaction.ts';
import { silent } from '../../tests/support/live.ts';
import { freshDatabase, type TestDatabase } from '../../tests/support/postgres.ts';
import { type StoreGateway, startStoreGateway } from '../../tests/support/store-gateway.ts';
import { type ApiKeys, openApiKeys } from '../auth/api-keys.ts';
import { createAuthenticator } from '../auth/create-authenticator.ts';

const OVERLAP_MS = 30_000;

let db: TestDatabase;
let keys: ApiKeys;
let gateway: StoreGateway;
let client: Client;
beforeAll(async () => {
  db = await freshDatabase();
  keys = await openApiKeys({ db: db.pool, log: silent, clock: Date.now, everyMs: 50 });
  gateway = await startStoreGateway({ db, authenticator: createAuthenticator(keys, undefined) });
});
afterAll(async () => {
  await client.dispose();
  await gateway.close();
  await keys.close();
  await db.drop();
});

const keeper = (): KeyKeeper => ({ by: 'tests', rights: ALL_RIGHTS, now: Date.now() });

async function ask(query: string, variables?: Record<string, unknown>): Promise<unknown> {
  const answer = await client.iterate({ query, variables }).next();
  return answer.value;
}

it('An open socket is told of the end that a rotation gives its key, and goes on under the successor', async () => {
  const asked = { name: 'desk', rights: ALL_RIGHTS, expiresAt: undefined };
  const old = await inTransaction(db.pool, (store) => createApiKey(store, asked, keeper()));
  const warnings: unknown[] = [];
  let opened = 0;
  client = createClient({
    url: gateway.socketUrl,
    webSocketImpl: WebSocket,
    lazy: false,
    connectionParams: { authorization: `Bearer ${old.secret}` },
    on: {
      opened: () => void opened++,
      ping: (received, payload) => void (received && payload && warnings.push(payload)),
    },
  });
  expect(await ask('{ me { subject expiresAt } }')).toEqual({
    data: { me: { subject: `key:${old.key.prefix}`, expiresAt: null } },
  });

  const rotation = { prefix: old.key.prefix, overlapMs: OVERLAP_MS };
  const made = await inTransaction(db.pool, (store) => rotateApiKey(store, rotation, keeper()));
  await expect.poll(() => warnings).toHaveLength(1);
  const { rows } = await db.pool.query('SELECT expires_at AS at FROM api_key WHERE prefix = $1', [old.key.prefix]);
  const expiresAt = rows[0]?.at.toISOString();
  expect(warnings).toEqual([{ expiresAt }]);
  expect(await ask('{ me { expiresAt } }')).toEqual({ data: { me: { expiresAt } } });

  const renewed = await ask('mutation ($a: String!) { renewSession(authorization: $a) { expiresAt } }', {
    a: `Bearer ${made.secret}`,
  });
  expect(renewed).toEqual({ data: { renewSession: { expiresAt: null } } });
  expect(await ask('{ me { subject expiresAt } }')).toEqual({
    data: { me: { subject: `key:${made.key.prefix}`, expiresAt: null } },
  });
  expect(opened).toBe(1);
});
