import type pg from 'pg';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HOUR_MS, isoFromInstant, MINUTE_MS } from '../domain/instant.ts';
import type { VersionedLmp } from '../domain/lmp.ts';
import type { NodeName } from '../domain/market.ts';
import { createReads } from '../gateway/reads/index.ts';
import type { Feed } from '../ingestors/feed.ts';
import { JSON_TOPIC_FEEDS } from '../ingestors/feeds/json-topics/feed.ts';
import { createPipeline } from '../ingestors/pipeline/pipeline.ts';
import { createRollups } from '../ingestors/pipeline/rollups.ts';
import { claimPartition } from '../ingestors/pipeline/store/positions.ts';
import { upsertLmp } from '../ingestors/pipeline/store/upsert-lmp.ts';
import { createPrisma } from '../prisma/client.ts';
import { inTransaction } from '../prisma/transaction.ts';
import { createMetrics } from '../runtime/metrics.ts';
import type { Reads, Resolution } from '../schema/context.ts';
import { freshDatabase, type TestDatabase } from './support/postgres.ts';
import { requireOrSkip } from './support/services.ts';
import { startTimescale, type TimescaleDatabase } from './support/timescale.ts';

/** A week ago, so that the rollups' materialised part is in play; a spring day of 23 hours in Pacific time among them. */
const FROM = Date.UTC(2024, 2, 9, 8);
const HOURS = 60;
const BATCH_RECORDS = 120;
const NOW = Date.UTC(2024, 2, 20);
const NODE = 'CAISO:CAISO-NP15' as NodeName;
const log = pino({ level: 'silent' });
const realtime = JSON_TOPIC_FEEDS.find(({ id }) => id === 'realtime_prices') as Feed;

describe.skipIf(!requireOrSkip('timescale'))('the store on TimescaleDB', () => {
  let timescale: TimescaleDatabase;
  let plain: TestDatabase;
  beforeAll(async () => {
    [timescale, plain] = await Promise.all([startTimescale(), freshDatabase()]);
    for (const { pool } of [timescale, plain]) await ingest(pool, (at) => 20 + (at % 17));
  }, 120_000);
  afterAll(async () => {
    await timescale.stop();
    await plain.drop();
  });

  it('answers as plain Postgres does, at every resolution', { timeout: 60_000 }, async () => {
    for (const resolution of ['RAW', 'FIFTEEN_MINUTES', 'HOUR', 'DAY', 'MONTH'] as const) {
      expect(await series(timescale.pool, resolution), resolution).toEqual(await series(plain.pool, resolution));
    }
    expect((await series(timescale.pool, 'HOUR')).lmp.filter((lmp) => lmp !== null)).toHaveLength(HOURS);
  });

  it('shows a correction of old prices in the rollups, and keeps what it superseded', { timeout: 60_000 }, async () => {
    const before = await series(timescale.pool, 'DAY');
    for (const { pool } of [timescale, plain]) await ingest(pool, (at) => (at < 12 ? 500 : 20 + (at % 17)));
    const after = await series(timescale.pool, 'DAY');
    expect(after).toEqual(await series(plain.pool, 'DAY'));
    expect(after.lmp[0]).toBeGreaterThan(before.lmp[0] ?? Number.NaN);
    const { rows } = await timescale.pool.query('SELECT count(*)::int AS kept FROM lmp_revision');
    expect(rows[0]?.kept).toBe(12);
  });

  it('has its hypertables, compression, retention and continuous aggregates', async () => {
    const { rows: tables } = await timescale.pool.query(
      'SELECT hypertable_name AS name, compression_enabled AS compressed FROM timescaledb_information.hypertables ORDER BY 1',
    );
    expect(tables).toEqual([
      { name: 'api_health_logs', compressed: false },
      { name: 'energy_prices', compressed: false },
      { name: 'energy_prices_revision', compressed: false },
      { name: 'forecast', compressed: false },
      { name: 'lmp', compressed: true },
      { name: 'lmp_revision', compressed: false },
      { name: 'plant_status', compressed: false },
      { name: 'plant_status_revision', compressed: false },
      { name: 'positions_pnl', compressed: true },
      { name: 'price_exposure', compressed: true },
      { name: 'trade', compressed: false },
    ]);
    const { rows: jobs } = await timescale.pool.query(
      'SELECT proc_name AS job, count(*)::int AS count FROM timescaledb_information.jobs WHERE job_id >= 1000 GROUP BY 1 ORDER BY 1',
    );
    expect(jobs).toEqual([
      { job: 'policy_compression', count: 3 },
      { job: 'policy_refresh_continuous_aggregate', count: 3 },
      { job: 'policy_retention', count: 10 },
    ]);
  });

  it('takes a correction of a compressed chunk', async () => {
    await timescale.pool.query(`SELECT compress_chunk(c) FROM show_chunks('lmp') AS c`);
    const outcome = await ingest(timescale.pool, (at) => (at === 30 ? -75 : at < 12 ? 500 : 20 + (at % 17)));
    expect([outcome.revised, outcome.unchanged]).toEqual([1, HOURS * 12 - 1]);
    const { rows } = await timescale.pool.query(
      'SELECT lmp FROM lmp_revision ORDER BY recorded_at DESC, revision DESC',
    );
    expect(rows.map(({ lmp }) => lmp)).toContain(20 + (30 % 17));
    await ingest(plain.pool, (at) => (at === 30 ? -75 : at < 12 ? 500 : 20 + (at % 17)));
    for (const resolution of ['RAW', 'HOUR', 'DAY'] as const) {
      expect(await series(timescale.pool, resolution), resolution).toEqual(await series(plain.pool, resolution));
    }
  });

  it('confirms what a compressed chunk holds, where nothing published in between wins', async () => {
    await timescale.pool.query(`SELECT compress_chunk(c, if_not_compressed => true) FROM show_chunks('lmp') AS c`);
    const record = 100;
    const { rows: columns } = await timescale.pool.query(VERSION, [new Date(FROM + record * 5 * MINUTE_MS)]);
    const version = columns[0];
    expect(version).toMatchObject({ lmp: 20 + (record % 17), published: record, revision: 1 });
    expect(version.confirmed).toBeGreaterThan(version.published);

    const between = await writeOne(timescale.pool, record, { lmp: 999, publishedSeq: version.confirmed - 1 });
    expect(between).toMatchObject({ revised: 0, unchanged: 1 });
    const again = await writeOne(timescale.pool, record, { lmp: version.lmp, publishedSeq: version.confirmed + 5 });
    expect(again).toMatchObject({ revised: 0, unchanged: 1 });
    const { rows: after } = await timescale.pool.query(VERSION, [new Date(FROM + record * 5 * MINUTE_MS)]);
    expect(after).toEqual([{ ...version, confirmed: version.confirmed + 5 }]);
    const { rows: late } = await timescale.pool.query('SELECT revision, lmp FROM lmp_revision WHERE lmp = 999');
    expect(late).toEqual([{ revision: 0, lmp: 999 }]);
  });

  it('shows what comes in an hour that goes on, though a commit reached from history into it', async () => {
    const hourAt = FROM + (HOURS + 24) * HOUR_MS;
    const clock = () => hourAt + 30 * MINUTE_MS;
    const inHour = (HOURS + 24) * 12;
    await writeOne(timescale.pool, inHour, { lmp: 10, publishedSeq: 1 });
    const rollups = createRollups({ pool: timescale.pool, log, clock });
    rollups.touched(FROM, clock());
    await rollups.settled();
    await writeOne(timescale.pool, inHour + 1, { lmp: 90, publishedSeq: 1 });
    const { rows } = await timescale.pool.query('SELECT lmp_max FROM lmp_hour WHERE bucket = $1', [new Date(hourAt)]);
    expect(rows).toEqual([{ lmp_max: 90 }]);
  });
});

const VERSION = `SELECT lmp, revision, published_seq AS published, confirmed_seq AS confirmed, recorded_at, ledger_id
  FROM lmp WHERE interval_start = $1`;

/** Publishes one of the prices of `ingest` once more. */
async function writeOne(pool: pg.Pool, at: number, version: Pick<VersionedLmp, 'lmp' | 'publishedSeq'>) {
  const startAt = FROM + at * 5 * MINUTE_MS;
  const components = { energy: version.lmp, congestion: 0, loss: 0, ghg: null, flags: ['GHG_MISSING'] } as const;
  const fact: VersionedLmp = {
    node: NODE,
    run: 'REAL_TIME_5_MIN',
    startAt,
    endAt: startAt + 5 * MINUTE_MS,
    publishedAt: NOW,
    ...components,
    ...version,
  };
  const { rows } = await pool.query<{ id: number }>(`SELECT id FROM pricing_node WHERE name = 'CAISO-NP15'`);
  return inTransaction(pool, (client) => upsertLmp(client, [{ fact, nodeId: rows[0]?.id ?? 0 }], 1_000, NOW));
}

/** Five-minute prices of one node, as a batch of log records. */
async function ingest(pool: pg.Pool, priceAt: (interval: number) => number) {
  const rollups = createRollups({ pool, log, clock: () => NOW });
  const pipeline = createPipeline({
    pool,
    keepRaw: true,
    announcer: undefined,
    rollups,
    metrics: createMetrics(),
    log,
    clock: () => NOW,
  });
  const claim = await claimPartition(pool, realtime.id, '0', 'test');
  const from = claim.position ?? 0;
  const items = Array.from({ length: HOURS * 12 }, (_, at) => {
    const lmp = priceAt(at);
    const ts = isoFromInstant(FROM + at * 5 * MINUTE_MS);
    const value = JSON.stringify({ ts, hub: 'CAISO-NP15', lmp_rt: lmp, energy_rt: lmp, congestion_rt: 0, loss_rt: 0 });
    return {
      payload: { bytes: Buffer.from(value), name: realtime.id },
      publishedAt: NOW,
      publishedSeq: from + at,
      position: from + at,
    };
  });
  const sum = { written: 0, revised: 0, unchanged: 0 };
  // In small batches: PGlite's socket takes each piece of a large message for a message of its own.
  for (let at = 0; at < items.length; at += BATCH_RECORDS) {
    const batch = items.slice(at, at + BATCH_RECORDS);
    const next = from + at + batch.length;
    const outcome = await pipeline.ingest(realtime, claim, {
      kind: 'BATCH',
      next,
      request: null,
      items: batch,
      lag: 0,
    });
    sum.written += outcome.written;
    sum.revised += outcome.revised;
    sum.unchanged += outcome.unchanged;
  }
  await rollups.settled();
  return sum;
}

async function series(pool: pg.Pool, resolution: Resolution) {
  const reads: Reads = createReads({ pool, prisma: createPrisma(pool), clock: () => NOW });
  const [found] = await reads.lmpSeries(
    [NODE],
    'REAL_TIME_5_MIN',
    { from: FROM, to: FROM + (HOURS + 12) * HOUR_MS },
    resolution,
    undefined,
  );
  if (!found) throw new Error('no series');
  // The stores add in different orders, which shows in the last bits of an average.
  const rounded = (column: readonly (number | null)[]) => column.map((value) => value && Math.round(value * 1e9) / 1e9);
  const { lmp, energy, congestion, loss } = found;
  return { ...found, lmp: rounded(lmp), energy: rounded(energy), congestion: rounded(congestion), loss: rounded(loss) };
}
