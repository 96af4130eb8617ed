import type { Client } from 'graphql-ws';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ALL_RIGHTS, may, type Permission, ROLES, type Role } from '../../domain/rights.ts';
import { permissionFor } from '../../schema/permissions.ts';
import { schema } from '../../schema/schema.ts';
import { socketClient } from '../../tests/support/gateway.ts';
import { freshDatabase, type TestDatabase } from '../../tests/support/postgres.ts';
import { FILLED, fillStore } from '../../tests/support/rights/filled-store.ts';
import { peopleAuthenticator } from '../../tests/support/rights/people.ts';
import { plainField } from '../../tests/support/rights/random-query.ts';
import { type Answer, type StoreGateway, startStoreGateway } from '../../tests/support/store-gateway.ts';

let db: TestDatabase;
let gateway: StoreGateway;
const clients = new Map<string, Client>();
beforeAll(async () => {
  db = await freshDatabase();
  await fillStore(db.pool);
  gateway = await startStoreGateway({ db, clock: () => FILLED.now, authenticator: peopleAuthenticator() });
});
afterAll(async () => {
  for (const client of clients.values()) await client.dispose();
  await gateway.close();
  await db.drop();
});

const QUERY = [schema.getQueryType(), schema.getMutationType()].flatMap((type) =>
  Object.values(type?.getFields() ?? {}).map((field) => ({ root: type?.name.toLowerCase(), field })),
);
const SUBSCRIPTIONS = Object.values(schema.getSubscriptionType()?.getFields() ?? {});

/** As the rights say it, not as the schema does: what each role is for. */
const MATRIX: Readonly<Record<Role, { readonly may: readonly string[]; readonly mayNot: readonly string[] }>> = {
  VIEWER: {
    may: ['markets', 'latestLmp', 'tariffs', 'plantStatus', 'controlSignals'],
    mayNot: ['positions', 'feeds', 'forecasts', 'backfill', 'auditLog', 'ledger', 'accounts', 'pnlSeries'],
  },
  ANALYST: { may: ['forecasts', 'ledger', 'marketMetrics'], mayNot: ['positions', 'trades', 'replay', 'auditLog'] },
  TRADER: { may: ['positions', 'trades', 'exposure', 'accounts'], mayNot: ['repair', 'setCostMethod', 'auditLog'] },
  OPERATOR: { may: ['backfill', 'cancelJob', 'deadLetters'], mayNot: ['positions', 'setCostMethod', 'auditLog'] },
  ADMIN: { may: ['auditLog', 'setCostMethod', 'positions', 'backfill'], mayNot: [] },
};

describe.each(ROLES)('%s', (role) => {
  test.each(QUERY)('is let to $field.name, or told what it needs', async ({ root, field }) => {
    const answer = await ask(role, `${root} { ${plainField(field)} }`);
    expectVerdict(role, field.name, permissionFor(field), answer);
  });

  test.each(SUBSCRIPTIONS)('is let to follow $name, or told what it needs', async (field) => {
    const permission = permissionFor(field);
    const answer = await firstEvent(role, `subscription { ${plainField(field)} }`, isLet(role, permission));
    expectVerdict(role, field.name, permission, answer);
  });

  test('may what it is for, and no more', async () => {
    const { may: let_, mayNot } = MATRIX[role];
    for (const { root, field } of QUERY) {
      const denied = async () =>
        (await ask(role, `${root} { ${plainField(field)} }`)).errors?.some(isForbidden) ?? false;
      if (let_.includes(field.name)) expect([field.name, await denied()]).toEqual([field.name, false]);
      if (mayNot.includes(field.name)) expect([field.name, await denied()]).toEqual([field.name, true]);
    }
  });
});

test('what was known earlier is refused to whoever sees prices only, also by the plans of hot queries', async () => {
  const series = (asOf: string) =>
    `{ lmpSeries(nodes: ["PJM:WEST"], run: REAL_TIME_5_MIN, from: "2026-06-02T10:00Z", to: "2026-06-02T11:00Z"${asOf}) { lmp } }`;
  const earlier = series(', asOf: "2026-06-02T10:30Z"');
  expect(await ask('VIEWER', series(''))).not.toHaveProperty('errors');
  expect(await ask('ANALYST', earlier)).not.toHaveProperty('errors');
  expect(await ask('VIEWER', earlier)).toMatchObject({
    errors: [{ message: 'lmpSeries needs ANALYSIS', path: ['lmpSeries'], extensions: { code: 'FORBIDDEN' } }],
  });
});

test.each([
  [
    'VIEWER',
    '{ latestLmp(nodes: ["PJM:WEST"], run: REAL_TIME_5_MIN) { lmp ledgerEntry { id } } }',
    'Lmp.ledgerEntry needs ANALYSIS',
  ],
  [
    'VIEWER',
    '{ latestLmp(nodes: ["PJM:WEST"], run: REAL_TIME_5_MIN) { revisions { lmp } } }',
    'Lmp.revisions needs ANALYSIS',
  ],
  ['VIEWER', '{ pricingNodes { edges { node { history { kind } } } } }', 'PricingNode.history needs ANALYSIS'],
  ['OPERATOR', '{ deadLetters(feed: "trades") { edges { node { rawText } } } }', 'DeadLetter.rawText needs DESK'],
  ['ANALYST', '{ deadLetters(feed: "trades") { edges { node { rawBase64 } } } }', 'DeadLetter.rawBase64 needs DESK'],
  ['OPERATOR', '{ deadLetters(feed: "trades") { edges { node { code reason } } } }', 'DeadLetter.reason needs DESK'],
] as const)('%s is refused %s with its path, however often it is asked', async (role, query, message) => {
  // The second and third time the text is compiled.
  for (let time = 0; time < 3; time++) {
    const { errors = [] } = await ask(role, query);
    expect(errors[0]).toMatchObject({ message, extensions: { code: 'FORBIDDEN' } });
    expect(errors[0]).toHaveProperty('path');
  }
});

function expectVerdict(role: Role, field: string, permission: Permission | undefined, answer: Answer): void {
  const denied = (answer.errors ?? []).find(isForbidden);
  if (isLet(role, permission)) {
    expect(denied).toBeUndefined();
  } else {
    expect(denied).toMatchObject({ message: `${field} needs ${permission}`, path: [field] });
    expect(answer.data?.[field] ?? null).toBeNull();
  }
  expect((answer.errors ?? []).map(({ extensions }) => extensions.code)).not.toContain('INTERNAL_SERVER_ERROR');
}

function isLet(role: Role, permission: Permission | undefined): boolean {
  return permission !== undefined && may({ ...ALL_RIGHTS, roles: [role] }, permission);
}

function isForbidden({ message, extensions }: NonNullable<Answer['errors']>[number]): boolean {
  return extensions.code === 'FORBIDDEN' && message.includes(' needs ');
}

async function ask(role: Role, query: string): Promise<Answer> {
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${role.toLowerCase()}` };
  const response = await fetch(gateway.url, { method: 'POST', headers, body: JSON.stringify({ query }) });
  return response.json();
}

/** What comes first. Of what is let, nothing may come for long: then it is enough that it was not refused. */
async function firstEvent(role: Role, query: string, isLet: boolean): Promise<Answer> {
  const authorization = `Bearer ${role.toLowerCase()}`;
  const client = clients.get(role) ?? socketClient(gateway.socketUrl, undefined, { authorization });
  clients.set(role, client);
  const events = client.iterate({ query });
  const first = events.next().then(
    ({ value }) => value as Answer,
    (errors: Answer['errors']): Answer => ({ data: null, ...(errors && { errors }) }),
  );
  const patience = new Promise<Answer>((resolve) => setTimeout(() => resolve({ data: undefined }), 400));
  const answer = await (isLet ? Promise.race([first, patience]) : first);
  await events.return?.();
  return answer;
}
