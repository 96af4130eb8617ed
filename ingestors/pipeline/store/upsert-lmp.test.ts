import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { VersionedLmp } from '../../../domain/lmp.ts';
import type { NodeName } from '../../../domain/market.ts';
import { inTransaction } from '../../../prisma/transaction.ts';
import { freshDatabase, type TestDatabase } from '../../../tests/support/postgres.ts';
import { upsertLmp } from './upsert-lmp.ts';

const START = Date.UTC(2026, 0, 10);
const HOUR_MS = 3_600_000;
/** Publications are told by their second of the day before; each is known half a second later. */
const DAY_BEFORE = START - 24 * HOUR_MS;

interface Publication {
  readonly lmp: number;
  readonly second: number;
  readonly seq?: number;
  readonly preliminary?: boolean;
}

const published = (lmp: number, second: number): Publication => ({ lmp, second });
const preliminary = (lmp: number, second: number): Publication => ({ lmp, second, preliminary: true });

function fact({ lmp, second, seq = 0, preliminary = false }: Publication, hour: number): VersionedLmp {
  return {
    node: 'PJM:PJM-WEST' as NodeName,
    run: 'REAL_TIME_HOURLY',
    startAt: START + hour * HOUR_MS,
    endAt: START + (hour + 1) * HOUR_MS,
    lmp,
    energy: null,
    congestion: null,
    loss: null,
    ghg: null,
    flags: preliminary ? ['PRELIMINARY'] : [],
    publishedAt: DAY_BEFORE + second * 1000,
    publishedSeq: seq,
  };
}

describe('the order of versions', () => {
  let db: TestDatabase;
  let nodeId: number;
  let ledgerId = 0;
  beforeAll(async () => {
    db = await freshDatabase();
    nodeId = (await db.pool.query(`SELECT id FROM pricing_node WHERE name = 'PJM-WEST'`)).rows[0].id;
  });
  beforeEach(async () => {
    await db.pool.query('TRUNCATE lmp, lmp_revision');
    ledgerId = 0;
  });
  afterAll(() => db.drop());

  /** Each call is a ledger entry of its own, known right after the last of its publications. */
  const write = (publications: readonly Publication[], { hour = 0, keepLate = true } = {}) => {
    const facts = publications.map((each) => ({ fact: fact(each, hour), nodeId }));
    const knownAt = Math.max(...facts.map((each) => each.fact.publishedAt)) + 500;
    ledgerId += 1;
    return inTransaction(db.pool, (client) => upsertLmp(client, facts, ledgerId, knownAt, keepLate));
  };
  const writeEach = async (publications: readonly Publication[], hour = 0) => {
    for (const each of publications) await write([each], { hour });
  };
  const second = (column: string) => `extract(epoch FROM ${column} - to_timestamp(${DAY_BEFORE / 1000}))::float8`;
  const current = async () =>
    (
      await db.pool.query(
        `SELECT lmp, revision, ${second('published_at')} AS published, ${second('confirmed_at')} AS confirmed,
                ${second('recorded_at')} AS recorded, ledger_id AS ledger FROM lmp`,
      )
    ).rows[0];
  /** [revision, price, second it was published] */
  const history = async () =>
    (
      await db.pool.query(
        `SELECT revision, lmp, ${second('published_at')} AS published FROM lmp_revision ORDER BY published_at, revision`,
      )
    ).rows.map(({ revision, lmp, published }) => [revision, lmp, published]);
  const keptTwice = async () =>
    (
      await db.pool.query(
        `SELECT interval_start, published_at FROM (SELECT interval_start, published_at FROM lmp
           UNION ALL SELECT interval_start, published_at FROM lmp_revision) AS v GROUP BY 1, 2 HAVING count(*) > 1`,
      )
    ).rows;

  describe('an equal price that is published again', () => {
    it('confirms the version, and leaves when it was published, known, and by which entry', async () => {
      await writeEach([published(50, 10)]);
      expect(await write([published(50, 30)])).toEqual({ written: [], revised: 0, unchanged: 1 });
      await writeEach([published(50, 40)]);
      expect(await current()).toEqual({
        lmp: 50,
        revision: 1,
        published: 10,
        confirmed: 40,
        recorded: 10.5,
        ledger: 1,
      });
      expect(await history()).toEqual([]);
    });

    it('lets nothing win that lies between the two, which is late instead', async () => {
      await writeEach([published(50, 10), published(50, 30)]);
      expect(await write([published(60, 20)])).toEqual({ written: [], revised: 0, unchanged: 1 });
      expect(await current()).toMatchObject({ lmp: 50, revision: 1, published: 10, confirmed: 30 });
      expect(await history()).toEqual([[0, 60, 20]]);
    });

    it('confirms within the millisecond too, by its place in the log', async () => {
      const at = (lmp: number, seq: number) => ({ lmp, second: 10, seq });
      await writeEach([at(50, 1), at(50, 3), at(60, 2)]);
      expect(await current()).toMatchObject({ lmp: 50, revision: 1 });
      await writeEach([at(60, 4)]);
      expect(await current()).toMatchObject({ lmp: 60, revision: 2, confirmed: null });
    });

    it('does so within one call as in several, and what is announced is what is stored', async () => {
      const { written } = await write([published(50, 10), published(50, 30), published(60, 20)]);
      expect(written).toMatchObject([{ revision: 1, fact: { lmp: 50, publishedAt: DAY_BEFORE + 10_000 } }]);
      expect(await current()).toMatchObject({ lmp: 50, published: 10, confirmed: 30 });
      expect(await history()).toEqual([[0, 60, 20]]);
    });

    it('writes nothing where it is the same publication, be it the first or the one that confirmed', async () => {
      await writeEach([published(50, 10), published(50, 30)]);
      const version = async () => (await db.pool.query('SELECT xmin::text, ctid::text FROM lmp')).rows;
      const before = await version();
      await writeEach([published(50, 10), published(50, 30), published(50, 20)]);
      expect(await version()).toEqual(before);
      expect(await history()).toEqual([]);
    });
  });

  describe('another price', () => {
    it('that is published later is a revision, which nobody has confirmed yet', async () => {
      await writeEach([published(50, 10), published(50, 30)]);
      expect(await write([published(60, 40)])).toMatchObject({ revised: 1, unchanged: 0 });
      expect(await current()).toEqual({
        lmp: 60,
        revision: 2,
        published: 40,
        confirmed: null,
        recorded: 40.5,
        ledger: 3,
      });
      expect(await history()).toEqual([[1, 50, 10]]);
    });

    it('wins over what was confirmed before it, even where the confirmation came from elsewhere', async () => {
      await writeEach([published(50, 10), published(50, 30), published(60, 40), published(50, 35)]);
      expect(await current()).toMatchObject({ lmp: 60, revision: 2, published: 40, confirmed: null });
    });

    it('read in the confirming publication itself by a mended decoder replaces it', async () => {
      await writeEach([published(50, 10), published(50, 30)]);
      await write([published(-50, 10)], { keepLate: false });
      expect(await current()).toMatchObject({ lmp: 50, revision: 1 });
      await write([published(-50, 30)], { keepLate: false });
      expect(await current()).toMatchObject({ lmp: -50, revision: 2, published: 30, confirmed: null });
      expect(await history()).toEqual([[1, 50, 10]]);
    });
  });

  describe('a repeat of what is history', () => {
    it('is none of its own, be it the first publication, the confirming one or one between', async () => {
      await writeEach([published(50, 10), published(50, 30), published(60, 40)]);
      await writeEach([published(50, 30), published(50, 10), published(50, 20)]);
      expect(await history()).toEqual([[1, 50, 10]]);
    });

    it('is one where something else was published in between', async () => {
      await writeEach([published(50, 10), published(60, 20), published(70, 40), published(50, 30)]);
      expect(await history()).toEqual([
        [1, 50, 10],
        [2, 60, 20],
        [0, 50, 30],
      ]);
    });

    it('is one where the current version was published in between', async () => {
      await writeEach([published(60, 10), published(50, 20), published(50, 40), published(60, 30)]);
      expect(await history()).toEqual([
        [1, 60, 10],
        [0, 60, 30],
      ]);
    });

    it('is none where it is late as well', async () => {
      await writeEach([published(50, 10), published(50, 40), published(60, 20), published(60, 30), published(60, 20)]);
      expect(await history()).toEqual([[0, 60, 20]]);
    });

    it('is none where two readings of one publication are history', async () => {
      await writeEach([
        published(50, 10),
        published(-50, 10),
        published(60, 40),
        published(50, 10),
        published(-50, 20),
      ]);
      expect(await history()).toEqual([
        [1, 50, 10],
        [2, -50, 10],
      ]);
    });
  });

  describe('a preliminary price', () => {
    it('never confirms a final one of the same value', async () => {
      await writeEach([published(50, 10), preliminary(50, 30)]);
      expect(await current()).toMatchObject({ published: 10, confirmed: null });
      // Had it confirmed, this one would be late.
      await writeEach([published(60, 20)]);
      expect(await current()).toMatchObject({ lmp: 60, revision: 2, published: 20 });
    });

    it('confirms another preliminary one, and the final one of the same value is a revision', async () => {
      await writeEach([preliminary(50, 10), preliminary(50, 30)]);
      expect(await current()).toMatchObject({ revision: 1, published: 10, confirmed: 30 });
      await writeEach([published(50, 20)]);
      expect(await current()).toMatchObject({ revision: 2, published: 20, confirmed: null });
      await writeEach([preliminary(50, 40)]);
      expect(await history()).toEqual([[1, 50, 10]]);
    });

    it('counts as repeated only by preliminary ones', async () => {
      await writeEach([published(50, 10), published(60, 20), preliminary(50, 15)]);
      expect(await history()).toEqual([
        [1, 50, 10],
        [0, 50, 15],
      ]);
    });
  });

  it('is the same in whatever order publications arrive, and however often', { timeout: 60_000 }, async () => {
    const publications = fc.uniqueArray(
      fc.record({
        lmp: fc.integer({ min: 1, max: 3 }),
        second: fc.integer({ min: 0, max: 20 }),
        preliminary: fc.boolean(),
      }),
      { selector: ({ second: at }) => at, minLength: 1, maxLength: 8 },
    );
    const arrivals = publications.chain((all) =>
      fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length }), fc.shuffledSubarray(all)),
    );
    let hour = 0;
    await fc.assert(
      fc.asyncProperty(arrivals, fc.boolean(), async ([all, first, again], together) => {
        hour += 1;
        if (together) await write([...first, ...again], { hour });
        else await writeEach([...first, ...again], hour);
        const { rows } = await db.pool.query(
          `SELECT lmp, quality, published_at <= coalesce(confirmed_at, published_at) AS ordered,
                  ${second('coalesce(confirmed_at, published_at)')} AS newest FROM lmp WHERE interval_start = $1`,
          [new Date(START + hour * HOUR_MS)],
        );
        const finals = all.filter((each) => !each.preliminary);
        const newest = (finals.length > 0 ? finals : all).reduce((a, b) => (a.second > b.second ? a : b));
        expect(rows).toEqual([
          { lmp: newest.lmp, quality: newest.preliminary ? 32 : 0, ordered: true, newest: newest.second },
        ]);
        expect(await keptTwice()).toEqual([]);
      }),
      { numRuns: 150 },
    );
  });
});
