/**
 * The pipeline from decode to announce on LMP JSON, two partitions at once on the embedded store and the ring:
 *
 * - `inMemory`: records handed over as batches, as a log would;
 * - `withoutLedger`: the same decoding, validation, upsert and announcement, with no lock, entry, position or checksum: what
 *   exactly-once, lineage and resuming cost;
 * - `throughEmbeddedLog`: the same records read from the durable log in Postgres, by the runner that `npm start` uses.
 *
 * The baseline is decoding alone on one core: what the CPU could take if nothing had to be kept.
 */
import { pino } from 'pino';
import type { Feed } from '../ingestors/feed.ts';
import { JSON_TOPIC_FEEDS } from '../ingestors/feeds/json-topics/feed.ts';
import { createAnnouncer } from '../ingestors/pipeline/announcer.ts';
import { readItems } from '../ingestors/pipeline/decode.ts';
import { createPipeline } from '../ingestors/pipeline/pipeline.ts';
import { createRollups } from '../ingestors/pipeline/rollups.ts';
import { createNodeDirectory } from '../ingestors/pipeline/store/nodes.ts';
import { claimPartition } from '../ingestors/pipeline/store/positions.ts';
import { upsertLmp } from '../ingestors/pipeline/store/upsert-lmp.ts';
import type { Item } from '../ingestors/pipeline/unit.ts';
import { nodesFor } from '../ingestors/simulator/market-model.ts';
import { simulatedRecords } from '../ingestors/simulator/simulated-records.ts';
import { createPostgresLog } from '../ingestors/sources/postgres-log.ts';
import { runTopics, type TopicFeed } from '../ingestors/topic-runner.ts';
import { inTransaction } from '../prisma/transaction.ts';
import { createRingBus } from '../runtime/live-bus/ring-bus.ts';
import { createMetrics } from '../runtime/metrics.ts';
import { type BenchStore, openBenchStore } from './bench-store.ts';

const RECORDS = 300_000;
const PARTITIONS = 2;
const BATCH_RECORDS = 5_000;
const ROUNDS = 3;
const NODES = nodesFor(1_000);
const log = pino({ level: 'silent' });
const feed = JSON_TOPIC_FEEDS.find(({ id }) => id === 'realtime_prices') as TopicFeed;

export async function run() {
  const store = await openBenchStore();
  try {
    const records = [
      ...simulatedRecords({
        seed: 1,
        nodes: NODES,
        count: RECORDS,
        topic: 'realtime_prices',
        from: Date.UTC(2026, 0, 1),
        stepMs: 1_000,
      }),
    ];
    const decodeAlone = rateOf(
      await secondsOf(async () =>
        decodeAll(
          feed,
          records.map(({ value }) => Buffer.from(value)),
        ),
      ),
    );
    const inMemory: number[] = [];
    const withoutLedger: number[] = [];
    // In turns, so that what the machine does beside falls on both.
    for (let round = 1; round <= ROUNDS; round++) {
      inMemory.push(await runInMemory(store, `memory_${round}`, records, ingestWithLedger));
      withoutLedger.push(await runInMemory(store, `bare_${round}`, records, ingestWithoutLedger));
    }
    const throughEmbeddedLog = await runThroughLog(store, records);
    const best = Math.max(...inMemory);
    return {
      baseline: 'decoding the same records alone',
      recordsPerSecond: { decodeAlone, inMemory, withoutLedger, throughEmbeddedLog },
      ratio: best / decodeAlone,
      ratioToWithoutLedger: best / Math.max(...withoutLedger),
      atLeastRecordsPerSecond: 50_000,
    };
  } finally {
    await store.close();
  }
}

type Record = { readonly key: string; readonly value: string };

function decodeAll({ decode }: Feed, values: readonly Buffer[]): void {
  for (const bytes of values) decode({ bytes, name: 'realtime_prices' });
}

async function partsOn(store: BenchStore, name: string) {
  const { pool, url } = await store.fresh(name);
  await createNodeDirectory(pool).register(new Set(NODES));
  const bus = createRingBus({ window: { entriesMax: 20_000, ageMsMax: 3_600_000 }, clock: Date.now });
  const metrics = createMetrics();
  const announcer = createAnnouncer({ bus, pool, metrics, log });
  const pipeline = createPipeline({
    pool,
    keepRaw: true,
    announcer,
    rollups: createRollups({ pool, log, clock: Date.now }),
    metrics,
    log,
  });
  return { pool, url, bus, announcer, pipeline };
}

type Parts = Awaited<ReturnType<typeof partsOn>>;
type IngestBatch = (items: Item[], from: number) => Promise<unknown>;

async function runInMemory(
  store: BenchStore,
  name: string,
  records: readonly Record[],
  open: (parts: Parts, partition: number) => Promise<IngestBatch>,
): Promise<number> {
  const parts = await partsOn(store, name);
  const values = records.map(({ value }) => Buffer.from(value));
  const ingestPartition = async (partition: number) => {
    const ingest = await open(parts, partition);
    const own = values.filter((_, at) => at % PARTITIONS === partition);
    for (let from = 0; from < own.length; from += BATCH_RECORDS) {
      const items: Item[] = own.slice(from, from + BATCH_RECORDS).map((bytes, at) => ({
        payload: { bytes, name: feed.id },
        publishedAt: Date.now(),
        publishedSeq: from + at,
        position: from + at,
      }));
      await ingest(items, from);
    }
  };
  const seconds = await secondsOf(() =>
    Promise.all(Array.from({ length: PARTITIONS }, (_, partition) => ingestPartition(partition))),
  );
  await expectRows(parts.pool);
  return rateOf(seconds);
}

async function ingestWithLedger({ pool, announcer, pipeline }: Parts, partition: number): Promise<IngestBatch> {
  const claim = await claimPartition(pool, feed.id, String(partition), 'bench');
  await announcer.catchUp(feed.id, claim.partition);
  return (items, from) =>
    pipeline.ingest(feed, claim, { kind: 'BATCH', next: from + items.length, request: null, items, lag: 0 });
}

async function ingestWithoutLedger({ pool, bus }: Parts, partition: number): Promise<IngestBatch> {
  const { rows } = await pool.query<{ name: string; id: number }>(
    `SELECT market_id || ':' || name AS name, id FROM pricing_node`,
  );
  const ids = new Map<string, number>(rows.map(({ name, id }) => [name, id]));
  let sequence = 0;
  return async (items) => {
    const { facts } = await readItems(feed, items, Date.now(), log);
    const placed = facts.map(({ fact }) => ({ fact, nodeId: ids.get(fact.node) ?? 0 }));
    const { written } = await inTransaction(pool, (client) => upsertLmp(client, placed, 1, Date.now()));
    const ticks = written.map(({ fact, revision }) => ({ ...fact, revision, ledgerId: 1 }));
    const batches = Array.from({ length: Math.ceil(ticks.length / 250) }, (_, at) =>
      ticks.slice(at * 250, at * 250 + 250),
    );
    await bus.announce('lmp', { source: String(partition), sequence: ++sequence, batches });
  };
}

async function runThroughLog(store: BenchStore, records: readonly Record[]): Promise<number> {
  const { pool, url, pipeline, announcer } = await partsOn(store, 'through_log');
  const eventLog = createPostgresLog({ pool, connectionString: url, log });
  await eventLog.ensureTopics([
    { topic: 'realtime_prices', partitions: PARTITIONS, retentionMs: 86_400_000, recordBytesMax: 1_000_000 },
  ]);
  for (let from = 0; from < records.length; from += 5_000)
    await eventLog.append('realtime_prices', records.slice(from, from + 5_000));
  let ingested = 0;
  const seconds = await secondsOf(
    () =>
      new Promise<void>((done, failed) => {
        const counting = {
          ingest: async (...unit: Parameters<typeof pipeline.ingest>) => {
            const outcome = await pipeline.ingest(...unit);
            ingested += outcome.rowsIn;
            if (ingested >= RECORDS) done();
            return outcome;
          },
        };
        const claim = (id: string, partition: string) => claimPartition(pool, id, partition, 'bench');
        runTopics([feed], { log, eventLog, pipeline: counting, announcer, claim }).catch(failed);
      }),
  );
  await eventLog.close();
  await expectRows(pool);
  return rateOf(seconds);
}

/** A rate of records that did not arrive would be worth nothing. */
async function expectRows(pool: { query(text: string): Promise<{ rows: { count: number }[] }> }): Promise<void> {
  const { rows } = await pool.query('SELECT count(*) AS count FROM lmp');
  if (rows[0]?.count !== RECORDS) throw new Error(`${rows[0]?.count} rows where ${RECORDS} records were ingested`);
}

async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return (performance.now() - startedAt) / 1000;
}

function rateOf(seconds: number): number {
  return Math.round(RECORDS / seconds);
}
