/** A month of CAISO, as an operator corrects it: replayed without effect, replayed after a mended decoder, corrected by CAISO. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DAY_MS, isoFromInstant } from '../domain/instant.ts';
import type { LmpFact } from '../domain/lmp.ts';
import { createReads } from '../gateway/reads/index.ts';
import type { Decoder, FeedOf } from '../ingestors/feed.ts';
import { caisoLmp } from '../ingestors/feeds/caiso/feed.ts';
import { CAISO_ENV } from '../ingestors/feeds/caiso/settings.ts';
import { type Oasis, startOasis } from '../ingestors/stand-ins/oasis.ts';
import { createPrisma } from '../prisma/client.ts';
import { requestBackfill, requestReplay } from '../prisma/operations/jobs.ts';
import { type Config, readConfig } from '../runtime/config.ts';
import { createJobBench, type JobBench } from './support/job-bench.ts';
import { freshDatabase, type TestDatabase } from './support/postgres.ts';

const TO = Math.floor(Date.now() / DAY_MS) * DAY_MS - 2 * DAY_MS;
const FROM = TO - 30 * DAY_MS;
const MONTH = { from: FROM, to: TO };
const WRONG_DAY = FROM + 10 * DAY_MS;
const INTERVALS = 30 * 24 + 30 * 96;
const feed: FeedOf<'lmp'> = caisoLmp as FeedOf<'lmp'>;

/** What the decoder is to have been: on one day the congestion of one node came with the wrong sign. */
const wrong: Decoder<LmpFact> = async (payload) => {
  const { facts, rejects } = await feed.decode(payload);
  const turned = facts.map((fact) => {
    const affected = fact.node === 'CAISO:B' && fact.startAt >= WRONG_DAY && fact.startAt < WRONG_DAY + DAY_MS;
    return affected && fact.congestion !== null ? { ...fact, congestion: -fact.congestion } : fact;
  });
  return { facts: turned, rejects };
};

describe('a month of CAISO', () => {
  let db: TestDatabase;
  let oasis: Oasis;
  let config: Config;
  let bench: JobBench;
  beforeAll(async () => {
    db = await freshDatabase();
    oasis = await startOasis({ now: Date.now, nodes: ['A', 'B'], limits: { spacingMs: 0 } });
    config = readConfig(
      {
        CAISO_NODES: 'A,B',
        CAISO_REPORTS: 'PRC_LMP,PRC_HASP_LMP',
        CAISO_OASIS_URL: oasis.url,
        CAISO_REQUEST_SPACING_MS: '20',
        CAISO_CORRECTIONS_DAYS: '0',
      },
      [CAISO_ENV],
    );
    bench = await createJobBench(db, [{ ...feed, decode: wrong }]);
  });
  afterAll(async () => {
    await bench.close();
    await oasis.close();
    await db.drop();
  });

  const done = async (job: number) => {
    await expect.poll(async () => (await bench.jobOf(job)).finishedAt, { timeout: 60_000 }).not.toBeNull();
    return bench.jobOf(job);
  };
  const backfill = async () => done(await requestBackfill(db.pool, { feed: feed.id, windows: [MONTH], by: 'test' }));
  const replay = async () => done(await requestReplay(db.pool, { feed: feed.id, ...MONTH, by: 'test' }));
  const series = async (asOf?: number) => {
    const reads = createReads({ pool: db.pool, prisma: createPrisma(db.pool), clock: Date.now });
    const range = { from: WRONG_DAY, to: WRONG_DAY + DAY_MS };
    const [found] = await reads.lmpSeries(['CAISO:B'], 'DAY_AHEAD_HOURLY', range, 'RAW', asOf);
    return found;
  };

  it('is replayed without effect, then mended by a replay; `asOf` has it both ways', { timeout: 120_000 }, async () => {
    const workers = await bench.startJobWorkers({ config });
    const brought = await backfill();
    expect(brought).toMatchObject({ state: 'COMPLETED', rowsIn: 2 * INTERVALS, rowsWritten: 2 * INTERVALS });

    const again = await replay();
    expect(again).toMatchObject({ state: 'COMPLETED', rowsIn: 2 * INTERVALS, rowsUnchanged: 2 * INTERVALS });
    expect(again).toMatchObject({ rowsWritten: 0, rowsRevised: 0, rowsRejected: 0 });
    const asked = oasis.requests.length;

    await workers.stop();
    await bench.startJobWorkers({ config, feeds: [feed] });
    const before = Date.now();
    const mended = await replay();
    // One node, one day: 24 hours and 96 quarters, less those whose congestion is 0 either way.
    const { rows } = await db.pool.query('SELECT count(*)::int AS n FROM lmp_revision WHERE congestion <> 0');
    expect(mended).toMatchObject({ state: 'COMPLETED', rowsWritten: 0, rowsRevised: rows[0].n });
    expect(mended.rowsUnchanged).toBe(2 * INTERVALS - mended.rowsRevised);
    expect(mended.rowsRevised).toBeGreaterThan(110);
    expect(oasis.requests.length).toBe(asked);

    const [old, now] = [await series(before), await series()];
    expect(old?.congestion.map((value) => value && -value)).toEqual(now?.congestion);
    expect(old?.lmp).toEqual(now?.lmp);
    const flagged = await db.pool.query('SELECT count(*) FILTER (WHERE quality & 1 = 1)::int AS breaches FROM lmp');
    expect(flagged.rows).toEqual([{ breaches: 0 }]);
  });

  it('is corrected by CAISO: the newer version wins, the older stays, rollups follow', {
    timeout: 120_000,
  }, async () => {
    const reads = createReads({ pool: db.pool, prisma: createPrisma(db.pool), clock: Date.now });
    const day = { from: WRONG_DAY, to: WRONG_DAY + DAY_MS };
    const hourly = async () =>
      (await reads.lmpSeries(['CAISO:A'], 'HOUR_AHEAD_15_MIN', day, 'HOUR', undefined))[0]?.lmp ?? [];
    const before = await hourly();
    const noon = isoFromInstant(WRONG_DAY + 20 * 3_600_000).slice(0, 10);
    oasis.correct({ day: noon, report: 'PRC_HASP_LMP', node: 'A', delta: 4 });
    const corrected = await backfill();
    expect(corrected).toMatchObject({ state: 'COMPLETED', rowsWritten: 0 });
    expect(corrected.rowsRevised).toBeGreaterThan(80);
    // Everything else was only said again: that does not make it published after it was known.
    const { rows } = await db.pool.query(
      `SELECT count(*) FILTER (WHERE confirmed_at IS NOT NULL)::int AS confirmed,
              count(*) FILTER (WHERE published_at > recorded_at)::int AS "publishedLater" FROM lmp`,
    );
    expect(rows).toEqual([{ confirmed: 2 * INTERVALS - corrected.rowsRevised, publishedLater: 0 }]);
    const after = await hourly();
    const moved = after.map((value, at) => Math.round(((value ?? 0) - (before[at] ?? 0)) * 1e6) / 1e6);
    expect(new Set(moved)).toEqual(new Set([0, 4]));
    // What was fetched before and arrives again is history, not news.
    expect(await replay()).toMatchObject({ rowsWritten: 0, rowsRevised: 0, rowsRejected: 0 });
    expect(await hourly()).toEqual(after);
  });
});
