/**
 * Trades from decode to announce, on two partitions at once: 200 accounts, 20 nodes with prices, so 4,000 positions, each
 * trade with its version, head, position and two snapshots.
 *
 * - `inMemory`: new trades only;
 * - `withAmendments`: of twenty-five versions one amends or cancels a trade, and its position is worked out anew;
 * - `throughEmbeddedLog`: `inMemory`'s, by the runner that `npm start` uses.
 *
 * The baseline is the LMP pipeline in memory: a row a record, and nothing that follows from it.
 */
import type { NodeName } from '../../domain/market.ts';
import type { Trade } from '../../domain/trade.ts';
import { JSON_TOPIC_FEEDS } from '../../ingestors/feeds/json-topics/feed.ts';
import { nodesFor } from '../../ingestors/simulator/market-model.ts';
import { simulatedRecords } from '../../ingestors/simulator/simulated-records.ts';
import type { TopicFeed } from '../../ingestors/topic-runner.ts';
import { randomTrades } from '../../tests/support/random-trades.ts';
import { tradeRecord } from '../../tests/support/stored-positions.ts';
import type { BenchStore } from '../bench-store.ts';
import {
  type BenchRecord,
  expectRows,
  type Ingesting,
  ingestInMemory,
  ingestingOn,
  ingestThroughLog,
  PARTITIONS,
} from '../ingesting.ts';
import { median } from '../summary.ts';

const VERSIONS = 100_000;
const PRICES = 300_000;
const ACCOUNTS = 200;
const ROUNDS = 3;
const NODES = nodesFor(20);
const PRICED_NODES = nodesFor(1_000);

export async function measurePipeline(store: BenchStore) {
  const versions = [...randomTrades({ seed: 1, versions: VERSIONS, accounts: ACCOUNTS, nodes: NODES })];
  const all = versions.map(recordOf);
  const isNew = versions.filter(({ version }) => version === 1).map(recordOf);
  const prices = priceRecords();
  const rates: Record<'lmp' | 'inMemory' | 'withAmendments', number[]> = { lmp: [], inMemory: [], withAmendments: [] };
  // In turns, so that what the machine does beside falls on all.
  for (let round = 1; round <= ROUNDS; round++) {
    rates.lmp.push(await rateOf(store, { name: `lmp_${round}`, ...LMP, records: prices }));
    rates.inMemory.push(await rateOf(store, { name: `trades_${round}`, ...TRADES, records: isNew }));
    rates.withAmendments.push(await rateOf(store, { name: `amended_${round}`, ...TRADES, records: all }));
  }
  const through = { name: 'trades_through_log', ...TRADES, records: isNew, ingest: ingestThroughLog };
  const throughEmbeddedLog = await rateOf(store, through);
  const baseline = median(rates.lmp);
  return {
    load: { versions: VERSIONS, accounts: ACCOUNTS, nodes: NODES.length },
    baseline: 'the LMP pipeline in memory, in the same run',
    recordsPerSecond: { ...rates, throughEmbeddedLog },
    ratio: median(rates.inMemory) / baseline,
    ratioWithAmendments: median(rates.withAmendments) / baseline,
    ratioThroughEmbeddedLog: throughEmbeddedLog / baseline,
  };
}

interface Course {
  readonly name: string;
  readonly feed: TopicFeed;
  readonly table: 'lmp' | 'trade';
  readonly nodes: readonly NodeName[];
  readonly records: readonly BenchRecord[];
  readonly ingest?: (ingesting: Ingesting, records: readonly BenchRecord[]) => Promise<number>;
}

const LMP = { feed: feedOf('realtime_prices'), table: 'lmp', nodes: PRICED_NODES } as const;
const TRADES = { feed: feedOf('trades'), table: 'trade', nodes: NODES } as const;

async function rateOf(store: BenchStore, course: Course): Promise<number> {
  const { name, feed, table, nodes, records, ingest = inLanes } = course;
  const ingesting = await ingestingOn(store, name, feed, nodes);
  if (table === 'trade') await priceNodes(ingesting);
  const seconds = await ingest(ingesting, records);
  await expectRows(ingesting, table, records.length);
  return Math.round(records.length / seconds);
}

/** As the topic does, all of an account to one partition. */
function inLanes(ingesting: Ingesting, records: readonly BenchRecord[]): Promise<number> {
  const numbers = new Map([...new Set(records.map(({ key }) => key))].map((key, number) => [key, number]));
  const lanes = Array.from({ length: PARTITIONS }, (_, partition) =>
    records.filter(({ key }) => (numbers.get(key) ?? 0) % PARTITIONS === partition),
  );
  return ingestInMemory(ingesting, lanes);
}

/** A price a node, so that snapshots are marked. */
async function priceNodes({ pool }: Ingesting): Promise<void> {
  await pool.query(
    `INSERT INTO lmp (node_id, run, interval_start, interval_end, operating_day, lmp, published_at, published_seq, recorded_at, ledger_id)
     SELECT id, 'REAL_TIME_5_MIN', now() - INTERVAL '5 minutes', now(), current_date, 30.25, now(), 0, now(), 0 FROM pricing_node`,
  );
}

function feedOf(topic: string): TopicFeed {
  return JSON_TOPIC_FEEDS.find(({ id }) => id === topic) as TopicFeed;
}

function recordOf(trade: Trade): BenchRecord {
  return { key: trade.account, value: tradeRecord(trade) };
}

function priceRecords(): BenchRecord[] {
  const from = Date.UTC(2026, 0, 1);
  return [
    ...simulatedRecords({ seed: 1, nodes: PRICED_NODES, count: PRICES, topic: 'realtime_prices', from, stepMs: 1_000 }),
  ];
}
