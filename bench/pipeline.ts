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
import type { Feed, FeedOf } from '../ingestors/feed.ts';
import { JSON_TOPIC_FEEDS } from '../ingestors/feeds/json-topics/feed.ts';
import { readItems } from '../ingestors/pipeline/decode.ts';
import { createLmpFamily } from '../ingestors/pipeline/families/lmp.ts';
import { upsertLmp } from '../ingestors/pipeline/store/upsert-lmp.ts';
import { nodesFor } from '../ingestors/simulator/market-model.ts';
import { simulatedRecords } from '../ingestors/simulator/simulated-records.ts';
import type { TopicFeed } from '../ingestors/topic-runner.ts';
import { inTransaction } from '../prisma/transaction.ts';
import { openBenchStore } from './bench-store.ts';
import {
  type BenchRecord,
  expectRows,
  type IngestBatch,
  type Ingesting,
  ingestInMemory,
  ingestingOn,
  ingestThroughLog,
  PARTITIONS,
  secondsOf,
} from './ingesting.ts';

const RECORDS = 300_000;
const ROUNDS = 3;
const NODES = nodesFor(1_000);
const log = pino({ level: 'silent' });
const feed = JSON_TOPIC_FEEDS.find(({ id }) => id === 'realtime_prices') as FeedOf<'lmp'> & TopicFeed;

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
    const rateOn = async (name: string, work: (ingesting: Ingesting) => Promise<number>) => {
      const ingesting = await ingestingOn(store, name, feed, NODES);
      const seconds = await work(ingesting);
      await expectRows(ingesting, 'lmp', RECORDS);
      return rateOf(seconds);
    };
    const lanes = lanesOf(records);
    const decodeAlone = rateOf(await secondsToDecode(records));
    const inMemory: number[] = [];
    const withoutLedger: number[] = [];
    // In turns, so that what the machine does beside falls on both.
    for (let round = 1; round <= ROUNDS; round++) {
      inMemory.push(await rateOn(`memory_${round}`, (ingesting) => ingestInMemory(ingesting, lanes)));
      withoutLedger.push(
        await rateOn(`bare_${round}`, (ingesting) => ingestInMemory(ingesting, lanes, ingestWithoutLedger)),
      );
    }
    const throughEmbeddedLog = await rateOn('through_log', (ingesting) => ingestThroughLog(ingesting, records));
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

function lanesOf(records: readonly BenchRecord[]): BenchRecord[][] {
  return Array.from({ length: PARTITIONS }, (_, partition) => records.filter((_, at) => at % PARTITIONS === partition));
}

function secondsToDecode(records: readonly BenchRecord[]): Promise<number> {
  const values = records.map(({ value }) => Buffer.from(value));
  return secondsOf(async () => decodeAll(feed, values));
}

function decodeAll({ decode }: Feed, values: readonly Buffer[]): void {
  for (const bytes of values) decode({ bytes, name: 'realtime_prices' });
}

async function ingestWithoutLedger({ pool, bus }: Ingesting, partition: number): Promise<IngestBatch> {
  const { rows } = await pool.query<{ name: string; id: number }>(
    `SELECT market_id || ':' || name AS name, id FROM pricing_node`,
  );
  const ids = new Map<string, number>(rows.map(({ name, id }) => [name, id]));
  const family = createLmpFamily({ touched: () => {}, settled: async () => {} });
  let sequence = 0;
  return async (items) => {
    const { facts } = await readItems(feed, family, items, Date.now(), log);
    const placed = facts.map(({ fact }) => ({ fact, nodeId: ids.get(fact.node) ?? 0 }));
    const { written } = await inTransaction(pool, (client) => upsertLmp(client, placed, 1, Date.now()));
    const ticks = written.map(({ fact, revision }) => ({ ...fact, revision, ledgerId: 1 }));
    const batches = Array.from({ length: Math.ceil(ticks.length / 250) }, (_, at) =>
      ticks.slice(at * 250, at * 250 + 250),
    );
    await bus.announce('lmp', { source: String(partition), sequence: ++sequence, batches });
  };
}

function rateOf(seconds: number): number {
  return Math.round(RECORDS / seconds);
}
