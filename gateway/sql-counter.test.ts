import { afterAll, beforeAll, expect, test } from 'vitest';
import { storeLmps } from '../tests/support/lmp-rows.ts';
import { freshDatabase, type TestDatabase } from '../tests/support/postgres.ts';
import { type StoreGateway, startStoreGateway } from '../tests/support/store-gateway.ts';

let db: TestDatabase;
let gateway: StoreGateway;
beforeAll(async () => {
  db = await freshDatabase();
  gateway = await startStoreGateway({ db, countsSql: true });
  const prices = ['PJM:A', 'PJM:B', 'CAISO:C'].map(
    (node) => ({ node, run: 'SPOT', start: '2024-07-04T17:00Z', minutes: 0, lmp: 1 }) as const,
  );
  await storeLmps(db.pool, prices);
});
afterAll(async () => {
  await gateway.close();
  await db.drop();
});

const LATEST = 'latestLmp(nodes: ["PJM:A", "PJM:B", "CAISO:C"], run: SPOT)';

async function sqlOf(query: string) {
  const { data, extensions } = await gateway.ask(query);
  expect(data).toBeTruthy();
  return extensions?.sql;
}

test('an answer says how many statements it took, and how long they were', async () => {
  const sql = await sqlOf(`{ ${LATEST} { lmp } }`);
  expect(sql).toEqual({ statements: 1, ms: expect.any(Number) });
  expect(sql).toMatchObject({ ms: expect.toSatisfy((ms: number) => ms > 0) });
});

test.each([
  ['{ __typename }', 0],
  [`{ ${LATEST} { start node { id market { name } } } }`, 1],
  [`{ a: ${LATEST} { lmp } b: ${LATEST} { lmp } }`, 2],
  // Metadata and ledger entries of all prices together, by the loaders.
  [`{ ${LATEST} { node { kind } } }`, 2],
  [`{ ${LATEST} { node { kind zone } ledgerEntry { id } } }`, 3],
  // By Prisma.
  ['{ markets { id } }', 1],
])('%s takes %s statements', async (query, statements) => {
  expect(await sqlOf(query)).toMatchObject({ statements });
});

test('requests side by side are counted each for itself', async () => {
  const counts = await Promise.all(
    Array.from({ length: 20 }, (_, place) =>
      sqlOf(place % 2 ? `{ ${LATEST} { lmp } }` : `{ ${LATEST} { node { kind } } }`),
    ),
  );
  expect(counts.map((each) => Number(Object(each).statements))).toEqual(counts.map((_, place) => (place % 2 ? 1 : 2)));
});

test('a gateway that is not told to count says nothing of it', async () => {
  const silent = await startStoreGateway({ db });
  const answers = await Promise.all([silent.ask('{ __typename }'), silent.ask(`{ ${LATEST} { lmp } }`)]);
  await silent.close();
  for (const answer of answers) expect(answer).not.toHaveProperty('extensions');
});
