/** The pipeline on a store of its own and the ring bus, as benches feed it. */
import { pino } from 'pino';
import type { NodeName } from '../domain/market.ts';
import { createAnnouncer } from '../ingestors/pipeline/announcer.ts';
import { archivesOf } from '../ingestors/pipeline/families/families.ts';
import { createPipeline } from '../ingestors/pipeline/pipeline.ts';
import { createRollups } from '../ingestors/pipeline/rollups.ts';
import { createNodeDirectory } from '../ingestors/pipeline/store/nodes.ts';
import { claimPartition } from '../ingestors/pipeline/store/positions.ts';
import type { Item } from '../ingestors/pipeline/unit.ts';
import type { EventLog } from '../ingestors/sources/event-log.ts';
import { createPostgresLog } from '../ingestors/sources/postgres-log.ts';
import { runTopics, type TopicFeed } from '../ingestors/topic-runner.ts';
import { createRingBus } from '../runtime/live-bus/ring-bus.ts';
import { createMetrics } from '../runtime/metrics.ts';
import type { BenchStore } from './bench-store.ts';

export const PARTITIONS = 2;
const BATCH_RECORDS = 5_000;
const log = pino({ level: 'silent' });

export interface BenchRecord {
  readonly key: string;
  readonly value: string;
}

export type Ingesting = Awaited<ReturnType<typeof ingestingOn>>;

/** @param name of the database. */
export async function ingestingOn(store: BenchStore, name: string, feed: TopicFeed, nodes: readonly NodeName[]) {
  const { pool, url } = await store.fresh(name);
  await createNodeDirectory(pool).register(new Set(nodes));
  const bus = createRingBus({ window: { entriesMax: 20_000, ageMsMax: 3_600_000 }, clock: Date.now });
  const metrics = createMetrics();
  const announcer = createAnnouncer({ bus, pool, archiveOf: archivesOf([feed]), metrics, log });
  const pipeline = createPipeline({
    pool,
    keepRaw: true,
    announcer,
    rollups: createRollups({ pool, log, clock: Date.now }),
    metrics,
    log,
  });
  return { feed, pool, url, bus, announcer, pipeline };
}

/** Takes one batch. @param from the position of its first item. */
export type IngestBatch = (items: Item[], from: number) => Promise<unknown>;

/**
 * Hands each partition its records in batches, as a log would, both at once.
 * @param lanes the records of each partition.
 * @returns seconds.
 */
export async function ingestInMemory(
  ingesting: Ingesting,
  lanes: readonly (readonly BenchRecord[])[],
  open: (ingesting: Ingesting, partition: number) => Promise<IngestBatch> = ingestWithLedger,
): Promise<number> {
  const values = lanes.map((lane) => lane.map(({ value }) => Buffer.from(value)));
  const ingestLane = async (lane: readonly Buffer[], partition: number) => {
    const ingest = await open(ingesting, partition);
    for (let from = 0; from < lane.length; from += BATCH_RECORDS) {
      await ingest(itemsOf(ingesting.feed, lane.slice(from, from + BATCH_RECORDS), from), from);
    }
  };
  return secondsOf(() => Promise.all(values.map(ingestLane)));
}

function itemsOf(feed: TopicFeed, values: readonly Buffer[], from: number): Item[] {
  return values.map((bytes, at) => ({
    payload: { bytes, name: feed.id },
    publishedAt: Date.now(),
    publishedSeq: from + at,
    position: from + at,
  }));
}

async function ingestWithLedger(ingesting: Ingesting, partition: number): Promise<IngestBatch> {
  const { feed, pool, announcer, pipeline } = ingesting;
  const claim = await claimPartition(pool, feed.id, String(partition), 'bench');
  await announcer.catchUp(feed.id, claim.partition);
  return (items, from) =>
    pipeline.ingest(feed, claim, { kind: 'BATCH', next: from + items.length, request: null, items, lag: 0 });
}

/** Writes the records to the embedded log, and then reads them by the runner that `npm start` uses. @returns seconds of reading. */
export async function ingestThroughLog(ingesting: Ingesting, records: readonly BenchRecord[]): Promise<number> {
  const { feed, pool, url } = ingesting;
  const eventLog = createPostgresLog({ pool, connectionString: url, log });
  await writeTopic(eventLog, feed.source.topic, PARTITIONS, records);
  const seconds = await ingestFrom(eventLog, ingesting, records.length);
  await eventLog.close();
  return seconds;
}

/** A topic with so many partitions that holds the records. */
export async function writeTopic(
  eventLog: EventLog,
  topic: string,
  partitions: number,
  records: readonly BenchRecord[],
): Promise<void> {
  await eventLog.ensureTopics([{ topic, partitions, retentionMs: 86_400_000, recordBytesMax: 1_000_000 }]);
  for (let from = 0; from < records.length; from += BATCH_RECORDS)
    await eventLog.append(topic, records.slice(from, from + BATCH_RECORDS));
}

/**
 * Reads the feed's topic until so many records are committed and announced, by the runner that `npm start` uses.
 * @returns seconds, from the first claim of a partition on: how long a group takes to be joined is not the subject.
 */
export async function ingestFrom(eventLog: EventLog, ingesting: Ingesting, records: number): Promise<number> {
  const { feed, pool, announcer, pipeline } = ingesting;
  let ingested = 0;
  let claimedAt: number | undefined;
  const endedAt = await new Promise<number>((done, failed) => {
    const counting = {
      ingest: async (...unit: Parameters<typeof pipeline.ingest>) => {
        const outcome = await pipeline.ingest(...unit);
        ingested += outcome.rowsIn;
        if (ingested >= records) done(performance.now());
        return outcome;
      },
    };
    const claim = (id: string, partition: string) => {
      claimedAt ??= performance.now();
      return claimPartition(pool, id, partition, 'bench');
    };
    runTopics([feed], { log, eventLog, pipeline: counting, announcer, claim }).catch(failed);
  });
  return (endedAt - (claimedAt ?? endedAt)) / 1000;
}

/** A rate of records that did not arrive would be worth nothing. */
export async function expectRows({ pool }: Ingesting, table: 'lmp' | 'trade', expected: number): Promise<void> {
  const { rows } = await pool.query<{ count: number }>(`SELECT count(*) AS count FROM ${table}`);
  const count = Number(rows[0]?.count);
  if (count !== expected) throw new Error(`${count} rows of ${table} where ${expected} records were ingested`);
}

export async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return (performance.now() - startedAt) / 1000;
}
