/**
 * The pipeline from decode to announce on LMP JSON, two partitions at once on the embedded store and the ring:
 *
 * - `inMemory`: records handed over as batches, as a log would;
 * - `throughEmbeddedLog`: the same records read from the durable log in Postgres, by the runner that `npm start` uses.
 *
 * The baseline is decoding alone on one core: what the CPU could take if nothing had to be kept.
 */
import { pino } from 'pino';
import type { Feed } from '../ingestors/feed.ts';
import { JSON_TOPIC_FEEDS } from '../ingestors/feeds/json-topics/feed.ts';
import { createAnnouncer } from '../ingestors/pipeline/announcer.ts';
import { createPipeline, type Item } from '../ingestors/pipeline/pipeline.ts';
import { createRollups } from '../ingestors/pipeline/rollups.ts';
import { createNodeDirectory } from '../ingestors/pipeline/store/nodes.ts';
import { claimPartition } from '../ingestors/pipeline/store/positions.ts';
import { nodesFor } from '../ingestors/simulator/market-model.ts';
import { simulatedRecords } from '../ingestors/simulator/simulated-records.ts';
import { createPostgresLog } from '../ingestors/sources/postgres-log.ts';
import { runTopics, type TopicFeed } from '../ingestors/topic-runner.ts';
import { createRingBus } from '../runtime/live-bus/ring-bus.ts';
import { createMetrics } from '../runtime/metrics.ts';
import { type BenchStore, openBenchStore } from './bench-store.ts';

const RECORDS = 300_000;
const PARTITIONS = 2;
const BATCH_RECORDS = 5_000;
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
    const inMemory = [await runInMemory(store, 'memory_1', records), await runInMemory(store, 'memory_2', records)];
    const throughEmbeddedLog = await runThroughLog(store, records);
    const best = Math.max(...inMemory);
    return {
      baseline: 'decoding the same records alone',
      recordsPerSecond: { decodeAlone, inMemory, throughEmbeddedLog },
      ratio: best / decodeAlone,
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
    announcer,
    rollups: createRollups({ pool, log, clock: Date.now }),
    metrics,
    log,
  });
  return { pool, url, announcer, pipeline };
}

async function runInMemory(store: BenchStore, name: string, records: readonly Record[]): Promise<number> {
  const { pool, pipeline, announcer } = await partsOn(store, name);
  const values = records.map(({ value }) => Buffer.from(value));
  const ingestPartition = async (partition: number) => {
    const claim = await claimPartition(pool, feed.id, String(partition), 'bench');
    await announcer.catchUp(feed.id, claim.partition);
    const own = values.filter((_, at) => at % PARTITIONS === partition);
    for (let from = 0; from < own.length; from += BATCH_RECORDS) {
      const items: Item[] = own.slice(from, from + BATCH_RECORDS).map((bytes, at) => ({
        payload: { bytes, name: feed.id },
        publishedAt: Date.now(),
        publishedSeq: from + at,
        position: from + at,
      }));
      await pipeline.ingest(feed, claim, { kind: 'BATCH', next: from + items.length, request: null, items, lag: 0 });
    }
  };
  const seconds = await secondsOf(() =>
    Promise.all(Array.from({ length: PARTITIONS }, (_, partition) => ingestPartition(partition))),
  );
  await expectRows(pool);
  return rateOf(seconds);
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
