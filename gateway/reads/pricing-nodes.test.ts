import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { NodeFilter } from '../../schema/context.ts';
import { countingDb } from '../../tests/support/counting-db.ts';
import { storeNodes } from '../../tests/support/lmp-rows.ts';
import { freshDatabase, type TestDatabase } from '../../tests/support/postgres.ts';
import { readNodeHistories } from './node-histories.ts';
import { readNodesByName, readPricingNodes } from './pricing-nodes.ts';

const at = (iso: string) => Date.parse(iso);
const NOW = at('2024-07-04T00:00:00Z');

let db: TestDatabase;
beforeAll(async () => {
  db = await freshDatabase();
  await storeNodes(db.pool, ['SPP:100%_A', 'SPP:100XYA', 'SPP:BACK\\SLASH', 'SPP:RETIRED', 'SPP:later']);
  await db.pool.query(`
    INSERT INTO pricing_node_version (node_id, valid_from, valid_to, kind, title, zone, aliases)
    SELECT n.id, v.valid_from, v.valid_to, v.kind, v.title, v.zone, v.aliases
    FROM (VALUES
      ('RETIRED', TIMESTAMPTZ '2010-01-01Z', TIMESTAMPTZ '2015-01-01Z', 'HUB', 'First Name', NULL, '{}'::text[]),
      ('RETIRED', '2015-01-01Z', '2020-01-01Z', 'ZONE', 'Second Name', NULL, '{7,SECOND_ID}'),
      ('later', '2024-01-01Z', '2025-01-01Z', 'LOAD', 'Now', 'North', '{}'),
      ('later', '2025-01-01Z', NULL, 'LOAD', 'Not yet', 'North', '{}')) AS v (name, valid_from, valid_to, kind, title, zone, aliases)
    JOIN pricing_node AS n ON n.market_id = 'SPP' AND n.name = v.name`);
});
afterAll(() => db.drop());

describe('the list of pricing nodes', () => {
  const found = async (filter: NodeFilter) =>
    (await readPricingNodes(db.pool, filter, { first: 100, after: undefined }, NOW)).rows.map(({ id }) => id);

  it('finds a part of a name or a title, whatever the capitals', async () => {
    expect(await found({ search: 'np15' })).toEqual(['CAISO:CAISO-NP15']);
    expect(await found({ search: 'new york city' })).toEqual(['NYISO:NYISO-ZONEJ']);
  });

  it.each([
    ['0%_a', ['SPP:100%_A']],
    ['\\', ['SPP:BACK\\SLASH']],
    ["' OR true --", []],
  ])('takes %s as ordinary characters', async (search, ids) => {
    expect(await found({ market: 'SPP', search })).toEqual(ids);
  });

  it('finds a node under every title and alias that it ever had', async () => {
    expect(await found({ search: 'not yet' })).toEqual(['SPP:later']);
    expect(await found({ search: 'first name' })).toEqual(['SPP:RETIRED']);
    expect(await found({ search: 'second_id' })).toEqual(['SPP:RETIRED']);
    expect(await found({ search: '7' })).toEqual(['SPP:RETIRED']);
    expect(await found({ search: 'second_id,' })).toEqual([]);
  });

  it('is of the kind, the zone and the life that nodes have at the instant asked about', async () => {
    const of = (filter: Partial<NodeFilter>) => found({ market: 'SPP', ...filter });
    expect(await of({ kind: 'ZONE' })).toEqual(['SPP:RETIRED']);
    expect(await of({ kind: 'HUB' })).toEqual([]);
    expect(await of({ kind: 'HUB', asOf: at('2012-01-01Z') })).toEqual(['SPP:RETIRED']);
    expect(await of({ zone: 'north' })).toEqual(['SPP:later']);
    expect(await of({ retired: true })).toEqual(['SPP:RETIRED']);
    expect(await of({ retired: true, asOf: at('2019-12-31Z') })).toEqual([]);
    expect(await of({ retired: true, asOf: at('2020-01-01Z') })).toEqual(['SPP:RETIRED']);
    expect(await of({ retired: false })).toEqual(['SPP:100%_A', 'SPP:100XYA', 'SPP:BACK\\SLASH', 'SPP:later']);
  });

  it('has pages that tile it without overlap while nodes come in', async () => {
    const seen: string[] = [];
    let after: string | undefined;
    for (let more = true; more; ) {
      const slice = await readPricingNodes(db.pool, {}, { first: 2, after }, NOW);
      seen.push(...slice.rows.map(({ id }) => id));
      after = seen.at(-1);
      more = slice.hasNextPage;
      await storeNodes(db.pool, ['CAISO:A-NEW-ONE', 'SPP:zzz']);
    }
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen.filter((id) => id !== 'SPP:zzz' && id !== 'CAISO:A-NEW-ONE').length).toBe(9);
  });
});

describe('nodes by name', () => {
  it('come in the order asked with the metadata that holds now, null for an unknown one, in one statement', async () => {
    const counting = countingDb(db.pool);
    const rows = await readNodesByName(counting, ['SPP:later', 'SPP:NOBODY', 'SPP:RETIRED', 'SPP:100XYA'], NOW);
    expect(rows).toEqual([
      {
        id: 'SPP:later',
        market: 'SPP',
        name: 'later',
        kind: 'LOAD',
        zone: 'North',
        title: 'Now',
        aliases: [],
        retired: false,
        validFrom: at('2024-01-01Z'),
        validTo: at('2025-01-01Z'),
      },
      null,
      {
        id: 'SPP:RETIRED',
        market: 'SPP',
        name: 'RETIRED',
        kind: 'ZONE',
        zone: null,
        title: 'Second Name',
        aliases: ['7', 'SECOND_ID'],
        retired: true,
        validFrom: at('2015-01-01Z'),
        validTo: at('2020-01-01Z'),
      },
      {
        id: 'SPP:100XYA',
        market: 'SPP',
        name: '100XYA',
        kind: null,
        zone: null,
        title: null,
        aliases: [],
        retired: false,
        validFrom: null,
        validTo: null,
      },
    ]);
    expect(counting.statements).toBe(1);
  });
});

describe('the history of nodes', () => {
  it('is the newest version first, of all of them in one statement', async () => {
    const counting = countingDb(db.pool);
    const asked = ['SPP:later', 'SPP:NOBODY', 'SPP:RETIRED', 'SPP:100XYA'] as const;
    const histories = await readNodeHistories(counting, asked);
    expect(counting.statements).toBe(1);
    expect(histories.map((history) => history.map(({ title }) => title))).toEqual([
      ['Not yet', 'Now'],
      [],
      ['Second Name', 'First Name'],
      [],
    ]);
    expect(histories[2]?.[0]).toEqual({
      kind: 'ZONE',
      zone: null,
      title: 'Second Name',
      aliases: ['7', 'SECOND_ID'],
      validFrom: at('2015-01-01Z'),
      validTo: at('2020-01-01Z'),
      seenUntil: at('2015-01-01Z'),
      statedAt: null,
      ledgerId: null,
    });
  });
});
