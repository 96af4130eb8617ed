/** Nodes, their history and their retirement, asked for by GraphQL. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { storeLmps } from '../tests/support/lmp-rows.ts';
import { freshDatabase, type TestDatabase } from '../tests/support/postgres.ts';
import { type StoreGateway, startStoreGateway, statementsDuring } from '../tests/support/store-gateway.ts';

const NOW = Date.parse('2026-07-10T12:00Z');

let db: TestDatabase;
let gateway: StoreGateway;
beforeAll(async () => {
  db = await freshDatabase();
  gateway = await startStoreGateway({ db, clock: () => NOW });
  const price = { run: 'REAL_TIME_HOURLY', minutes: 60, lmp: 20 } as const;
  await storeLmps(db.pool, [
    { node: 'PJM:OLD', start: '2024-01-01T00:00Z', ...price },
    { node: 'PJM:NEW', start: '2026-01-01T00:00Z', ...price },
    { node: 'PJM:BARE', start: '2026-01-01T00:00Z', ...price },
  ]);
  await db.pool.query(`
    INSERT INTO pricing_node_version (node_id, valid_from, valid_to, seen_until, stated_at, kind, zone, title, aliases)
    SELECT n.id, v.valid_from, v.valid_to, v.seen_until, v.stated_at, v.kind, 'BGE', v.title, ARRAY['51288']
    FROM (VALUES
      ('OLD', TIMESTAMPTZ '2010-01-01Z', TIMESTAMPTZ '2015-01-01Z', TIMESTAMPTZ '2014-12-01Z', NULL::timestamptz, 'HUB', 'First'),
      ('OLD', '2015-01-01Z', '2025-01-01Z', '2015-01-01Z', '2025-02-01Z', 'ZONE', 'Second'),
      ('NEW', '2026-01-01Z', NULL, '2026-07-01Z', NULL, 'HUB', 'Third')) AS v (name, valid_from, valid_to, seen_until, stated_at, kind, title)
    JOIN pricing_node AS n ON n.market_id = 'PJM' AND n.name = v.name`);
});
afterAll(async () => {
  await gateway.close();
  await db.drop();
});

const NODES = `query ($search: String, $kind: String, $zone: String, $asOf: DateTime, $retired: Boolean) {
  pricingNodes(market: "PJM", search: $search, kind: $kind, zone: $zone, asOf: $asOf, retired: $retired) {
    edges { node { id kind title aliases retired } } } }`;
const idsOf = async (variables: object) => {
  const { pricingNodes } = await gateway.answer(NODES, { ...variables });
  return pricingNodes.edges.map(({ node }: { node: { id: string } }) => node.id);
};

describe('pricing nodes', () => {
  it('are found by number and by a former title, retired or not', async () => {
    expect(await idsOf({ search: '51288' })).toEqual(['PJM:NEW', 'PJM:OLD']);
    expect(await idsOf({ search: 'first' })).toEqual(['PJM:OLD']);
    expect(await idsOf({ search: 'first', retired: false })).toEqual([]);
  });

  it('are as they were at the instant asked about', async () => {
    expect(await idsOf({ kind: 'hub' })).toEqual(['PJM:NEW', 'PJM:PJM-WEST']);
    expect(await idsOf({ kind: 'HUB', zone: 'bge', asOf: '2012-01-01T00:00Z' })).toEqual(['PJM:OLD']);
    const { pricingNodes } = await gateway.answer(NODES, { search: 'first', asOf: '2012-01-01T00:00Z' });
    expect(pricingNodes.edges).toEqual([
      { node: { id: 'PJM:OLD', kind: 'HUB', title: 'First', aliases: ['51288'], retired: false } },
    ]);
  });

  it('may not be asked for by a kind that is none', async () => {
    const { errors } = await gateway.ask(NODES, { kind: 'MOON' });
    expect(errors).toMatchObject([
      { message: expect.stringMatching(/there are HUB, ZONE/), extensions: { code: 'BAD_USER_INPUT' } },
    ]);
  });
});

describe('a node', () => {
  const PRICES = `query ($nodes: [ID!]!) { latestLmp(nodes: $nodes, run: REAL_TIME_HOURLY) {
    lmp node { id retired history { kind title validFrom validTo seenUntil stated ledgerEntry { id } } } } }`;

  it('has its prices still once it is retired, and its history with them (RULES 11)', async () => {
    const { latestLmp } = await gateway.answer(PRICES, { nodes: ['PJM:OLD', 'PJM:BARE'] });
    expect(latestLmp).toEqual([
      {
        lmp: 20,
        node: {
          id: 'PJM:OLD',
          retired: true,
          history: [
            {
              ...{ kind: 'ZONE', title: 'Second', stated: true, ledgerEntry: null },
              validFrom: '2015-01-01T00:00:00.000Z',
              validTo: '2025-01-01T00:00:00.000Z',
              seenUntil: '2015-01-01T00:00:00.000Z',
            },
            {
              ...{ kind: 'HUB', title: 'First', stated: false, ledgerEntry: null },
              validFrom: '2010-01-01T00:00:00.000Z',
              validTo: '2015-01-01T00:00:00.000Z',
              seenUntil: '2014-12-01T00:00:00.000Z',
            },
          ],
        },
      },
      { lmp: 20, node: { id: 'PJM:BARE', retired: false, history: [] } },
    ]);
  });

  it('has its history read with those of all others', async () => {
    const one = await statementsDuring(db, () => gateway.answer(PRICES, { nodes: ['PJM:OLD'] }));
    const all = await statementsDuring(db, () => gateway.answer(PRICES, { nodes: ['PJM:OLD', 'PJM:NEW', 'PJM:BARE'] }));
    expect(all).toBe(one);
  });
});
