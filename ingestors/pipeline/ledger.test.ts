/** What the ledger promises beyond one feed's stream: repeats, kept payloads, planned entries, versions, poison. */
import { createHash } from 'node:crypto';
import { pino } from 'pino';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { BusbarError } from '../../domain/errors.ts';
import type { LmpFact } from '../../domain/lmp.ts';
import type { NodeName } from '../../domain/market.ts';
import { createRingBus } from '../../runtime/live-bus/ring-bus.ts';
import { createMetrics } from '../../runtime/metrics.ts';
import { freshDatabase, type TestDatabase } from '../../tests/support/postgres.ts';
import type { Decoded, FeedOf } from '../feed.ts';
import { createAnnouncer } from './announcer.ts';
import { archivesOf } from './families/families.ts';
import { createPipeline, type Pipeline } from './pipeline.ts';
import { createRollups } from './rollups.ts';
import { claimPartition, unowned } from './store/positions.ts';
import { readRawPayload } from './store/raw-payloads.ts';
import type { Item, Unit } from './unit.ts';

const NOW = Date.UTC(2026, 0, 10);
const MARCH = Date.UTC(2025, 2, 1);
const log = pino({ level: 'silent' });

/** A vendor's report as JSON: `[[hour, price], …]`, or `[[hour, price, "preliminary"], …]`. */
let decoded = 0;
const feed: FeedOf<'lmp'> = {
  family: 'lmp',
  id: 'report',
  title: 'A vendor’s report',
  unknownNodes: 'register',
  source: {
    kind: 'poll',
    env: undefined as never,
    partitions: () => [],
    expectations: () => [],
    chunks: () => [],
    everyMs: 1,
    open: () => undefined as never,
  },
  decode: ({ bytes }): Decoded<LmpFact> => {
    decoded += 1;
    const rows = JSON.parse(bytes.toString()) as [number, number, string?][];
    return { facts: rows.map(([hour, lmp, stage]) => fact(hour, lmp, stage === 'preliminary')), rejects: [] };
  },
};

function fact(hour: number, lmp: number, preliminary = false): LmpFact {
  const startAt = MARCH + hour * 3_600_000;
  const node = 'MISO:ALTE' as NodeName;
  const parts = { energy: null, congestion: null, loss: null, ghg: null };
  return { node, run: 'REAL_TIME_HOURLY', startAt, endAt: startAt + 3_600_000, lmp, ...parts, preliminary };
}

function noData(): never {
  throw new BusbarError('NO_DATA', 'there is nothing');
}

describe('the ledger', () => {
  let db: TestDatabase;
  let pipeline: Pipeline;
  const bus = createRingBus({ window: { entriesMax: 1000, ageMsMax: 3_600_000 }, clock: () => NOW });
  const pipelineOn = (announcing = true) => {
    const metrics = createMetrics();
    return createPipeline({
      pool: db.pool,
      announcer: announcing
        ? createAnnouncer({ bus, pool: db.pool, archiveOf: archivesOf([feed]), metrics, log })
        : undefined,
      rollups: createRollups({ pool: db.pool, log, clock: () => NOW }),
      keepRaw: true,
      metrics,
      log,
      clock: () => NOW,
    });
  };

  beforeAll(async () => {
    db = await freshDatabase();
    pipeline = pipelineOn();
  });
  beforeEach(async () => {
    await db.pool.query('TRUNCATE lmp, lmp_revision, dead_letter, ledger_entry, raw_payload, feed_position');
    decoded = 0;
  });
  afterAll(async () => {
    await bus.close();
    await db.drop();
  });

  const item = (rows: unknown, publishedAt: number): Item => ({
    payload: { bytes: Buffer.from(JSON.stringify(rows)), name: 'report.json' },
    publishedAt,
    publishedSeq: 0,
  });
  const unit = (rows: unknown, publishedAt = NOW, more: Partial<Unit> = {}): Unit => ({
    kind: 'FILE',
    next: undefined,
    request: 'report.json',
    items: [item(rows, publishedAt)],
    lag: null,
    ...more,
  });
  const ingest = (rows: unknown, publishedAt?: number, more?: Partial<Unit>) =>
    pipeline.ingest(feed, unowned(feed.id, 'file'), unit(rows, publishedAt, more));
  const versions = async (hour = 0) =>
    (
      await db.pool.query(
        `SELECT lmp, revision FROM lmp WHERE interval_start = $1
         UNION ALL SELECT lmp, revision FROM lmp_revision WHERE interval_start = $1 ORDER BY revision, lmp`,
        [new Date(MARCH + hour * 3_600_000)],
      )
    ).rows.map(({ lmp, revision }) => [revision, lmp]);

  describe('a payload that came before', () => {
    it('is recognised by its checksum and not decoded', async () => {
      const first = await ingest([
        [0, 10],
        [1, 11],
      ]);
      const again = await ingest([
        [0, 10],
        [1, 11],
      ]);
      expect(decoded).toBe(1);
      expect(again).toMatchObject({ rowsIn: 2, written: 0, unchanged: 2, duplicateOf: first.ledgerId });
      const { rows } = await db.pool.query(
        'SELECT to_json(origin_ids) AS origins, rows_unchanged, event_to FROM ledger_entry ORDER BY id',
      );
      expect(rows[1]).toEqual({ origins: [first.ledgerId], rows_unchanged: 2, event_to: new Date(MARCH + 7_200_000) });
    });

    it('is decoded under another name, which may say that it is another thing', async () => {
      await ingest([[0, 10]]);
      expect(await ingest([[0, 10]], NOW, { request: 'other.json' })).toMatchObject({ duplicateOf: undefined });
      const other = unowned(feed.id, 'B');
      expect(await pipeline.ingest(feed, other, unit([[0, 10]], NOW, { kind: 'FETCH' }))).toMatchObject({
        duplicateOf: undefined,
      });
      expect(decoded).toBe(3);
    });

    it('is decoded when it is published anew: what came in between was taken back', async () => {
      await ingest([[0, 10]], NOW - 3);
      await ingest([[0, 99]], NOW - 2);
      const back = await ingest([[0, 10]], NOW - 1);
      expect(back).toMatchObject({ revised: 1, duplicateOf: undefined });
      expect(await versions()).toEqual([
        [1, 10],
        [2, 99],
        [3, 10],
      ]);
    });

    it('is decoded when asked to, as after a change of the decoder', async () => {
      await ingest([[0, 10]]);
      expect(await ingest([[0, 10]], NOW, { decodeAgain: true })).toMatchObject({
        unchanged: 1,
        duplicateOf: undefined,
      });
      expect(decoded).toBe(2);
    });

    it('and is decoded all the same writes no second dead letter, however often', async () => {
      const rows = [[0, 2_000_000]];
      await ingest(rows);
      for (let round = 0; round < 2; round += 1) await ingest(rows, NOW, { decodeAgain: true });
      expect((await db.pool.query('SELECT retries FROM dead_letter')).rows).toEqual([{ retries: 2 }]);
    });

    it('is kept once, as it came, compressed', async () => {
      const rows = Array.from({ length: 500 }, (_, hour) => [hour, 1]);
      await ingest(rows);
      await ingest(rows);
      const bytes = Buffer.from(JSON.stringify(rows));
      const checksum = createHash('sha256').update(bytes).digest();
      expect(await readRawPayload(db.pool, feed.id, checksum)).toEqual({ name: 'report.json', bytes });
      const kept = await db.pool.query('SELECT encoding, octet_length(bytes) AS size FROM raw_payload');
      expect(kept.rows).toEqual([{ encoding: 'gzip', size: expect.any(Number) }]);
      expect(kept.rows[0].size).toBeLessThan(bytes.length / 2);
    });
  });

  describe('what a source was asked for', () => {
    const asked = { from: MARCH, to: MARCH + 3 * 3_600_000 };
    const poll = (rows: unknown, decode: FeedOf<'lmp'>['decode'] = feed.decode) =>
      pipeline.ingest({ ...feed, decode }, unowned(feed.id, 'R'), unit(rows, NOW, { kind: 'FETCH', asked }));
    const ranges = async () =>
      (await db.pool.query('SELECT event_from, event_to FROM ledger_entry ORDER BY id')).rows.map(
        ({ event_from: from, event_to: to }) => [(from - MARCH) / 3_600_000, (to - MARCH) / 3_600_000],
      );
    const watermark = async () => (await db.pool.query('SELECT watermark FROM feed_position')).rows[0]?.watermark;

    it.each<[string, unknown, FeedOf<'lmp'>['decode']]>([
      ['no data', [], noData],
      ['nothing that can be read', [[0, 2_000_000]], feed.decode],
    ])('is the range of an answer of %s, and no watermark', async (_, rows, decode) => {
      await poll(rows, decode);
      await poll(rows, decode);
      expect(await ranges()).toEqual([
        [0, 3],
        [0, 3],
      ]);
      expect(await watermark()).toBeNull();
    });

    it('is not that of an answer that brought something', async () => {
      await poll([[1, 10]]);
      expect(await ranges()).toEqual([[1, 2]]);
      expect(await watermark()).toEqual(new Date(MARCH + 2 * 3_600_000));
    });
  });

  describe('an entry made by a plan', () => {
    const plan = async (attempt: number, state = 'RUNNING') =>
      (
        await db.pool.query(
          `INSERT INTO ledger_entry (feed_id, partition, kind, state, attempt, request)
           VALUES ('report', 'backfill/R', 'BACKFILL', $2::ledger_state, $1, 'asked for') RETURNING id`,
          [attempt, state],
        )
      ).rows[0].id as number;
    const run = (id: number, attempt: number, rows: unknown = [[0, 10]], on = pipeline) =>
      on.ingest(feed, unowned(feed.id, 'backfill/R'), unit(rows, NOW, { kind: 'BACKFILL', entry: { id, attempt } }));

    it('is completed by the commit, keeps its id, and its rows bear it', async () => {
      const id = await plan(1);
      expect(await run(id, 1)).toMatchObject({ ledgerId: id, written: 1 });
      const { rows } = await db.pool.query(
        'SELECT state, commit_id > id AS later, rows_written, request FROM ledger_entry',
      );
      expect(rows).toEqual([{ state: 'COMPLETED', later: true, rows_written: 1, request: 'report.json' }]);
      expect((await db.pool.query('SELECT ledger_id FROM lmp')).rows).toEqual([{ ledger_id: id }]);
    });

    it('takes nothing from an attempt that is no longer the current one, nor after its end', async () => {
      const id = await plan(2);
      await expect(run(id, 1)).rejects.toMatchObject({ code: 'FENCED' });
      expect((await db.pool.query('SELECT count(*)::int AS n FROM lmp')).rows).toEqual([{ n: 0 }]);
      await run(id, 2);
      await expect(run(id, 2, [[1, 5]])).rejects.toMatchObject({ code: 'FENCED' });
    });

    it('is announced in the order of commits, whoever commits and however the ids lie', async () => {
      const cursor = await bus.tail('lmp');
      const [first, second, third] = [await plan(1), await plan(1), await plan(1)];
      const other = pipelineOn();
      const silent = pipelineOn(false);
      await run(third, 1, [[3, 3]]);
      await run(second, 1, [[2, 2]], silent);
      await run(first, 1, [[1, 1]], other);
      const seen: number[] = [];
      for await (const entries of bus.read('lmp', cursor, AbortSignal.timeout(5_000))) {
        for (const { events } of entries) seen.push(...events.map(({ lmp }) => lmp));
        if (seen.length >= 3) break;
      }
      expect(seen).toEqual([3, 2, 1]);
    });
  });

  describe('a preliminary price', () => {
    it('never replaces a final one, however late it is published', async () => {
      await ingest([[0, 20]], NOW - 2);
      expect(await ingest([[0, 19, 'preliminary']], NOW - 1)).toMatchObject({ revised: 0, unchanged: 1 });
      expect(await versions()).toEqual([
        [0, 19],
        [1, 20],
      ]);
    });

    it('and the final one of the same value are two versions', async () => {
      await ingest([[0, 20, 'preliminary']], NOW - 2);
      expect(await ingest([[0, 20]], NOW - 1)).toMatchObject({ revised: 1 });
      const { rows } = await db.pool.query(
        'SELECT quality & 32 AS preliminary, revision FROM lmp UNION ALL SELECT quality & 32, revision FROM lmp_revision ORDER BY revision',
      );
      expect(rows).toEqual([
        { preliminary: 32, revision: 1 },
        { preliminary: 0, revision: 2 },
      ]);
    });
  });

  describe('a record that the store refuses', () => {
    const poisoned = async (work: () => Promise<void>) => {
      await db.pool.query('ALTER TABLE lmp ADD CONSTRAINT no_unlucky CHECK (lmp <> 13)');
      await work().finally(() => db.pool.query('ALTER TABLE lmp DROP CONSTRAINT no_unlucky'));
    };

    it('is found among 5,000 by bisecting; the other 4,999 are stored', () =>
      poisoned(async () => {
        const rows = Array.from({ length: 5_000 }, (_, hour) => [hour, hour === 3_333 ? 13 : 1]);
        expect(await ingest(rows)).toMatchObject({ rowsIn: 5_000, written: 4_999, rejected: 1 });
        const { rows: letters } = await db.pool.query('SELECT code, reason, form, raw FROM dead_letter');
        expect(letters).toHaveLength(1);
        expect(letters[0]).toMatchObject({
          code: 'NOT_STORABLE',
          form: 'FACT',
          reason: expect.stringContaining('no_unlucky'),
        });
        expect(JSON.parse(letters[0].raw.toString())).toMatchObject({ lmp: 13, startAt: MARCH + 3_333 * 3_600_000 });
      }));

    it('becomes a fact when it is tried again after the cause is gone', async () => {
      await poisoned(
        async () =>
          void (await ingest([
            [0, 13],
            [1, 1],
          ])),
      );
      const { rows } = await db.pool.query('SELECT id, raw, name, published_at FROM dead_letter');
      const retry = (): Unit => ({
        ...unit([], NOW, { kind: 'RETRY', request: 'dead letters' }),
        items: rows.map(({ id, raw, name, published_at }) => ({
          payload: { bytes: raw, name },
          form: 'FACT',
          publishedAt: published_at.getTime(),
          publishedSeq: 0,
          deadLetter: id,
        })),
      });
      await poisoned(async () => {
        expect(await pipeline.ingest(feed, unowned(feed.id, 'retry/file'), retry())).toMatchObject({
          written: 0,
          rejected: 1,
        });
      });
      const letters = async () => (await db.pool.query('SELECT state, retries, code FROM dead_letter')).rows;
      expect(await letters()).toEqual([{ state: 'OPEN', retries: 1, code: 'NOT_STORABLE' }]);
      expect(await pipeline.ingest(feed, unowned(feed.id, 'retry/file'), retry())).toMatchObject({
        written: 1,
        rejected: 0,
      });
      expect(await letters()).toEqual([{ state: 'RETRIED', retries: 2, code: 'NOT_STORABLE' }]);
      expect(await versions()).toEqual([[1, 13]]);
    });

    it('does not stop the feed, be it the only one or one of many', () =>
      poisoned(async () => {
        const rows = Array.from({ length: 300 }, (_, hour) => [hour, 13]);
        expect(await ingest(rows)).toMatchObject({ rowsIn: 300, written: 0, rejected: 300 });
        expect(await ingest([[400, 13]])).toMatchObject({ written: 0, rejected: 1 });
        expect(await ingest([[401, 1]])).toMatchObject({ written: 1 });
        const { rows: letters } = await db.pool.query('SELECT count(*)::int AS n FROM dead_letter WHERE form = $1', [
          'FACT',
        ]);
        expect(letters).toEqual([{ n: 301 }]);
      }));

    it('is not looked for where the store itself is at fault', async () => {
      await db.pool.query('ALTER TABLE lmp RENAME TO lmp_away');
      await expect(ingest([[0, 1]])).rejects.toMatchObject({ code: '42P01' });
      await db.pool.query('ALTER TABLE lmp_away RENAME TO lmp');
      expect((await db.pool.query('SELECT count(*)::int AS n FROM dead_letter')).rows).toEqual([{ n: 0 }]);
    });
  });

  describe('what is replayed', () => {
    const replay = (origin: number, rows: unknown, publishedAt: number) =>
      ingest(rows, publishedAt, { kind: 'REPLAY', items: [{ ...item(rows, publishedAt), origin }] });

    it('writes no second dead letter, leaves a discarded one, and settles what became a fact', async () => {
      const { ledgerId } = await ingest([
        [0, 2_000_000],
        [1, 3_000_000],
        [2, 1],
      ]);
      const letters = async () =>
        (await db.pool.query('SELECT state, retries FROM dead_letter ORDER BY id')).rows.map(({ state, retries }) => [
          state,
          retries,
        ]);
      await db.pool.query(`UPDATE dead_letter SET state = 'DISCARDED' WHERE id = (SELECT max(id) FROM dead_letter)`);
      await replay(
        ledgerId,
        [
          [0, 2_000_000],
          [1, 3_000_000],
          [2, 1],
        ],
        NOW,
      );
      expect(await letters()).toEqual([
        ['OPEN', 1],
        ['DISCARDED', 0],
      ]);
      // As a mended decoder would read it.
      await replay(
        ledgerId,
        [
          [0, 2],
          [1, 3],
          [2, 1],
        ],
        NOW,
      );
      expect(await letters()).toEqual([
        ['RETRIED', 2],
        ['DISCARDED', 0],
      ]);
    });

    it('as many payloads at once settles the dead letters of each', async () => {
      const bad = [0, 2_000_000];
      const first = await ingest([bad, bad, [1, 1]], NOW - 2);
      const second = await ingest([bad, [2, 2]], NOW - 1);
      const again = (decode: FeedOf<'lmp'>['decode']) =>
        pipeline.ingest({ ...feed, decode }, unowned(feed.id, 'replay/file'), {
          ...unit([], NOW, { kind: 'REPLAY' }),
          items: [
            { ...item([bad, bad, [1, 1]], NOW - 2), origin: first.ledgerId },
            { ...item([bad, [2, 2]], NOW - 1), origin: second.ledgerId },
          ],
        });
      const letters = async () =>
        (await db.pool.query('SELECT ledger_id AS entry, state, retries FROM dead_letter ORDER BY id')).rows.map(
          ({ entry, state, retries }) => [entry === first.ledgerId ? 1 : 2, state, retries],
        );
      expect(await again(feed.decode)).toMatchObject({ rowsIn: 5, unchanged: 2, rejected: 3 });
      expect(await letters()).toEqual([
        [1, 'OPEN', 1],
        [1, 'OPEN', 1],
        [2, 'OPEN', 1],
      ]);
      // The first of the two alike, and that of the other payload, can be read now.
      let seen = 0;
      const readsSome: FeedOf<'lmp'>['decode'] = async (payload) => {
        const { facts } = await feed.decode(payload);
        return { facts: facts.map((each) => (each.lmp > 9 && ++seen !== 2 ? { ...each, lmp: 7 } : each)), rejects: [] };
      };
      expect(await again(readsSome)).toMatchObject({ rejected: 1 });
      expect((await letters()).map(([entry, state]) => [entry, state]).sort()).toEqual([
        [1, 'OPEN'],
        [1, 'RETRIED'],
        [2, 'RETRIED'],
      ]);
      const { rows } = await db.pool.query(
        `SELECT DISTINCT to_jsonb(origin_ids) AS origins FROM ledger_entry WHERE kind = 'REPLAY'`,
      );
      expect(rows).toEqual([{ origins: [first.ledgerId, second.ledgerId] }]);
    });

    it('leaves new dead letters with the entry that brought the payload, where the next replay finds them', async () => {
      const { ledgerId } = await ingest([[0, 10]]);
      for (let round = 0; round < 2; round += 1) await replay(ledgerId, [[0, 2_000_000]], NOW);
      const { rows } = await db.pool.query('SELECT ledger_id AS entry, retries FROM dead_letter');
      expect(rows).toEqual([{ entry: ledgerId, retries: 1 }]);
    });

    it('makes no history of what a mended decoder reads in an older version', async () => {
      const first = await ingest([[0, 10]], NOW - 3);
      await ingest([[0, 10]], NOW - 2);
      await replay(first.ledgerId, [[0, -10]], NOW - 3);
      expect(await versions()).toEqual([[1, 10]]);
      await replay(first.ledgerId, [[0, -10]], NOW - 2);
      expect(await versions()).toEqual([
        [1, 10],
        [2, -10],
      ]);
    });
  });

  it.each([
    ['nanoseconds', NOW * 1e6],
    ['microseconds', NOW * 1e3],
    ['no time at all', -1],
    ['nothing a clock says', 1e16],
  ])(
    'refuses a record that is stamped with %s: it would win over every correction, or stop the feed',
    async (_, stamp) => {
      expect(await ingest([[0, 666]], stamp)).toMatchObject({ written: 0, rejected: 1 });
      expect(await ingest([[0, 5]], NOW)).toMatchObject({ written: 1 });
      const { rows } = await db.pool.query('SELECT code, reason FROM dead_letter');
      expect(rows).toMatchObject([{ code: 'BAD_TIME', reason: expect.stringContaining('is stamped') }]);
    },
  );

  it('lets many commit to a partition that nobody owns, one after the other', async () => {
    const outcomes = await Promise.all(
      Array.from({ length: 12 }, (_, hour) =>
        pipelineOn(hour % 2 === 0).ingest(feed, unowned(feed.id, 'file'), unit([[hour, 1]])),
      ),
    );
    expect(new Set(outcomes.map(({ ledgerId }) => ledgerId)).size).toBe(12);
    const { rows } = await db.pool.query('SELECT last_ledger_id FROM feed_position');
    expect(rows).toEqual([{ last_ledger_id: Math.max(...outcomes.map(({ ledgerId }) => ledgerId)) }]);
  });

  it('still fences owners', async () => {
    const loser = await claimPartition(db.pool, feed.id, 'R', 'one');
    await claimPartition(db.pool, feed.id, 'R', 'two');
    await expect(pipeline.ingest(feed, loser, unit([[0, 1]], NOW, { kind: 'FETCH', next: 5 }))).rejects.toMatchObject({
      code: 'FENCED',
    });
  });
});
