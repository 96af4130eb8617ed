import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type QualityFlag, qualityBits } from '../../domain/quality.ts';
import type { LmpKey } from '../../schema/context.ts';
import { countingDb } from '../../tests/support/counting-db.ts';
import { storeLmps } from '../../tests/support/lmp-rows.ts';
import { freshDatabase, type TestDatabase } from '../../tests/support/postgres.ts';
import { type StoreGateway, startStoreGateway, statementsDuring } from '../../tests/support/store-gateway.ts';
import { readLmpRevisions } from './lmp-revisions.ts';

const RUN = 'REAL_TIME_5_MIN';
const START = '2024-07-04T17:00:00.000Z';
const at = (hour: number) => `2024-07-04T${hour}:00:00.000Z`;

let db: TestDatabase;
let gateway: StoreGateway;
beforeAll(async () => {
  db = await freshDatabase();
  gateway = await startStoreGateway({ db });
});
afterAll(async () => {
  await gateway.close();
  await db.drop();
});

interface Version {
  readonly lmp: number;
  readonly hour: number;
  readonly flags?: readonly QualityFlag[];
  readonly ledgerId?: number;
}

/** Versions one after the other, each known an hour after it was published. */
async function storeVersions(node: string, versions: readonly Version[], start = START): Promise<void> {
  for (const { lmp, hour, flags = [], ledgerId = 1 } of versions) {
    const published = { publishedAt: at(hour), recordedAt: at(hour + 1) };
    await storeLmps(db.pool, [{ node, run: RUN, start, minutes: 5, lmp, flags, ledgerId, ...published }]);
  }
}

/** As the pipeline keeps a version that arrived after a newer one. */
async function storeLate(node: string, { lmp, hour, flags = [] }: Version): Promise<void> {
  await db.pool.query(
    `INSERT INTO lmp_revision (node_id, run, interval_start, interval_end, operating_day, lmp, quality, revision,
                               published_at, published_seq, recorded_at, ledger_id, superseded_at)
     SELECT l.node_id, l.run, l.interval_start, l.interval_end, l.operating_day, $2, $3, 0, $4, 0, now(), 2, now()
     FROM lmp AS l JOIN pricing_node AS n ON n.id = l.node_id WHERE n.market_id || ':' || n.name = $1`,
    [node, lmp, qualityBits(flags), at(hour)],
  );
}

const key = (node: string, start = START): LmpKey => ({ node, run: RUN, startAt: Date.parse(start) });

describe('the versions of a price', () => {
  it('are the current one and those it superseded, newest first, with when each was known', async () => {
    await storeVersions('PJM:CORRECTED', [
      { lmp: 10, hour: 18, ledgerId: 1 },
      { lmp: 11, hour: 20, ledgerId: 2 },
      { lmp: -12, hour: 22, ledgerId: 3 },
    ]);
    const [versions] = await readLmpRevisions(db.pool, [key('PJM:CORRECTED')]);
    const known = (hour: number) => Date.parse(at(hour));
    expect(
      versions?.map(({ lmp, revision, publishedAt, recordedAt, supersededAt, ledgerId }) => [
        lmp,
        revision,
        publishedAt,
        recordedAt,
        supersededAt,
        ledgerId,
      ]),
    ).toEqual([
      [-12, 3, known(22), known(23), null, 3],
      [11, 2, known(20), known(21), known(23), 2],
      [10, 1, known(18), known(19), known(21), 1],
    ]);
    expect(versions?.[0]).toMatchObject({ endAt: Date.parse('2024-07-04T17:05Z'), energy: null, flags: [] });
  });

  it('stand in the order in which they replace each other: a final one before any preliminary one, late ones among them', async () => {
    const flags = ['PRELIMINARY'] as const;
    await storeVersions('PJM:FINAL', [
      { lmp: 1, hour: 18, flags },
      { lmp: 3, hour: 20 },
    ]);
    await storeLate('PJM:FINAL', { lmp: 4, hour: 22, flags });
    await storeLate('PJM:FINAL', { lmp: 2, hour: 19 });
    const [versions] = await readLmpRevisions(db.pool, [key('PJM:FINAL')]);
    expect(versions?.map(({ lmp, revision, flags: odd }) => [lmp, revision, odd])).toEqual([
      [3, 2, []],
      [2, 0, []],
      [4, 0, flags],
      [1, 1, flags],
    ]);
  });

  it('come in the order asked, none for what nobody has seen, in one statement for all', async () => {
    const later = '2024-09-01T00:00:00.000Z';
    await storeVersions('PJM:A', [
      { lmp: 1, hour: 18 },
      { lmp: 2, hour: 20 },
    ]);
    await storeVersions('CAISO:A', [{ lmp: 5, hour: 18 }], later);
    const counting = countingDb(db.pool);
    const keys = [key('CAISO:A', later), key('PJM:NOBODY'), key('PJM:A'), key('PJM:A', later)];
    const versions = await readLmpRevisions(counting, keys);
    expect(versions.map((each) => each.map(({ lmp }) => lmp))).toEqual([[5], [], [2, 1], []]);
    expect(counting.statements).toBe(1);
  });

  it('are refused where there are more than one answer may show', async () => {
    await storeVersions(
      'PJM:MANY',
      [1, 2, 3].map((lmp) => ({ lmp, hour: 17 + lmp })),
    );
    expect(await readLmpRevisions(db.pool, [key('PJM:MANY')], 3)).toHaveLength(1);
    await expect(readLmpRevisions(db.pool, [key('PJM:MANY')], 2)).rejects.toMatchObject({
      code: 'LIMIT_EXCEEDED',
      details: { limit: 'revisions' },
    });
  });
});

describe('the field `revisions`', () => {
  const QUERY = `query ($nodes: [ID!]!) { latestLmp(nodes: $nodes, run: ${RUN}) {
    lmp revision revisions { revision late lmp quality publishedAt recordedAt supersededAt ledgerEntry { id } }
  } }`;

  it('tells a late version from a superseded one', async () => {
    await storeVersions('SPP:A', [
      { lmp: 1, hour: 18, flags: ['PRELIMINARY'] },
      { lmp: 2, hour: 20 },
    ]);
    await storeLate('SPP:A', { lmp: 0, hour: 17 });
    const { latestLmp } = await gateway.answer(QUERY, { nodes: ['SPP:A'] });
    const version = { ledgerEntry: null, recordedAt: expect.any(String) };
    expect(latestLmp).toEqual([
      {
        lmp: 2,
        revision: 2,
        revisions: [
          { ...version, revision: 2, late: false, lmp: 2, quality: [], publishedAt: at(20), supersededAt: null },
          {
            ...version,
            revision: 0,
            late: true,
            lmp: 0,
            quality: [],
            publishedAt: at(17),
            supersededAt: expect.any(String),
          },
          {
            ...version,
            revision: 1,
            late: false,
            lmp: 1,
            quality: ['PRELIMINARY'],
            publishedAt: at(18),
            supersededAt: at(21),
          },
        ],
      },
    ]);
  });

  it('is read in as many statements for many prices as for one', async () => {
    const nodes = Array.from({ length: 40 }, (_, place) => `MISO:${place}`);
    for (const node of nodes)
      await storeVersions(node, [
        { lmp: 1, hour: 18 },
        { lmp: 2, hour: 20 },
      ]);
    const one = await statementsDuring(db, () => gateway.answer(QUERY, { nodes: nodes.slice(0, 1) }));
    const many = await statementsDuring(db, () => gateway.answer(QUERY, { nodes }));
    expect(many).toBe(one);
    expect(one).toBeGreaterThan(0);
  });
});
