/**
 * LMP JSON from a real Kafka broker, four partitions of one topic, in turns:
 *
 * - `kafkajsAlone`, the baseline: kafkajs consumes and does nothing with it, message by message as its users do;
 * - `kafkajsInBatches`: the same in batches, which is the cheapest that it can do, and what Busbar builds on;
 * - `kafkajsCopying`: in batches, each copied into the table with COPY, which is the least that keeps what it reads;
 * - `throughKafka`: consumed, decoded, committed and announced, by the runner that `npm run ingestors` uses;
 * - `inMemory`: the same without Kafka, which is what the pipeline itself takes.
 *
 * Then once more with a profiler, for what limits it, and processes of consumers that have nothing to read. The broker, Postgres
 * and Busbar share the machine.
 */
import { pino } from 'pino';
import type { FeedOf } from '../ingestors/feed.ts';
import { JSON_TOPIC_FEEDS } from '../ingestors/feeds/json-topics/feed.ts';
import { nodesFor } from '../ingestors/simulator/market-model.ts';
import { simulatedRecords } from '../ingestors/simulator/simulated-records.ts';
import { createKafkaLog } from '../ingestors/sources/kafka-log.ts';
import type { TopicFeed } from '../ingestors/topic-runner.ts';
import { type KafkaBroker, startKafka } from '../tests/support/kafka.ts';
import { type BenchStore, openBenchStore } from './bench-store.ts';
import { expectRows, type Ingesting, ingestFrom, ingestInMemory, ingestingOn, writeTopic } from './ingesting.ts';
import { consumeAlone } from './kafka/alone.ts';
import { consumeCopying } from './kafka/copying.ts';
import { measureIdle } from './kafka/idle.ts';
import { timeSharesOf } from './kafka/profile.ts';
import { backendsOf, cpuTimesOf, usBetween } from './query/cpu.ts';
import { median } from './summary.ts';

const RECORDS = Number(process.env.KAFKA_RECORDS ?? 300_000);
const ROUNDS = Number(process.env.KAFKA_ROUNDS ?? 3);
const PARTITIONS = 4;
const NODES = nodesFor(1_000);
const TOPIC = 'realtime_prices';
const feed = JSON_TOPIC_FEEDS.find(({ id }) => id === TOPIC) as FeedOf<'lmp'> & TopicFeed;
const log = pino({ level: 'silent' });

export async function run() {
  const [store, broker] = await Promise.all([openBenchStore(), startKafka()]);
  try {
    return await measure(store, broker);
  } finally {
    await broker.stop();
    await store.close();
  }
}

async function measure(store: BenchStore, broker: KafkaBroker) {
  const newLog = () => createKafkaLog({ brokers: broker.brokers, ssl: false, clientId: 'bench', log });
  const records = [
    ...simulatedRecords({ seed: 1, nodes: NODES, count: RECORDS, topic: TOPIC, from: FROM, stepMs: 1_000 }),
  ];
  const writing = newLog();
  await writeTopic(writing, TOPIC, PARTITIONS, records);
  const lanes = Array.from({ length: PARTITIONS }, (_, lane) => records.filter((_, at) => at % PARTITIONS === lane));
  const fromKafka = async (ingesting: Ingesting) => {
    const eventLog = newLog();
    const seconds = await ingestFrom(eventLog, ingesting, RECORDS);
    await eventLog.close();
    return seconds;
  };
  const ingested = async (name: string, work: (ingesting: Ingesting) => Promise<number>) => {
    const ingesting = await ingestingOn(store, name, feed, NODES);
    const seconds = await work(ingesting);
    await expectRows(ingesting, 'lmp', RECORDS);
    return rateOf(seconds);
  };
  const alone = async (onBatch?: () => Promise<void>) =>
    rateOf(await consumeAlone(broker.brokers, TOPIC, RECORDS, onBatch));
  const copying = ({ url }: Ingesting) => consumeCopying(broker.brokers, TOPIC, RECORDS, url);
  const rates: Record<Way, number[]> = {
    kafkajsAlone: [],
    kafkajsInBatches: [],
    kafkajsCopying: [],
    throughKafka: [],
    inMemory: [],
  };
  // In turns, so that what the machine does beside falls on all.
  for (let round = 1; round <= ROUNDS; round++) {
    rates.kafkajsAlone.push(await alone());
    rates.kafkajsInBatches.push(await alone(async () => {}));
    rates.kafkajsCopying.push(await ingested(`copying_${round}`, copying));
    rates.throughKafka.push(await ingested(`kafka_${round}`, fromKafka));
    rates.inMemory.push(await ingested(`memory_${round}`, (ingesting) => ingestInMemory(ingesting, lanes)));
  }
  let limits: Limits | undefined;
  await ingested('profiled', async (ingesting) => {
    limits = await limitsOf(ingesting, () => fromKafka(ingesting));
    return limits.seconds;
  });
  const idle = await measureIdle(writing, broker.brokers[0] ?? '');
  await writing.close();
  return {
    load: { records: RECORDS, partitions: PARTITIONS, bytesEach: Math.round(bytesOf(records) / RECORDS) },
    baseline: 'kafkajs consuming the same topic alone',
    recordsPerSecond: rates,
    ratio: median(rates.throughKafka) / median(rates.kafkajsAlone),
    ratioToBatches: median(rates.throughKafka) / median(rates.kafkajsInBatches),
    ratioToCopying: median(rates.throughKafka) / median(rates.kafkajsCopying),
    ratioToInMemory: median(rates.throughKafka) / median(rates.inMemory),
    atLeast: 0.6,
    limits,
    idle,
  };
}

type Way = 'kafkajsAlone' | 'kafkajsInBatches' | 'kafkajsCopying' | 'throughKafka' | 'inMemory';

const FROM = Date.UTC(2026, 0, 1);

type Limits = Awaited<ReturnType<typeof limitsOf>>;

/** Where the main thread's time goes, and how many cores this process and Postgres' backends take. */
async function limitsOf({ pool }: Ingesting, work: () => Promise<number>) {
  const own = process.cpuUsage();
  const startedAt = performance.now();
  let seconds = 0;
  let backendsUs = 0;
  const mainThread = await timeSharesOf(async () => {
    const before = await cpuTimesOf(await backendsOf(pool));
    seconds = await work();
    backendsUs = usBetween(before, await cpuTimesOf(await backendsOf(pool)));
  });
  const elapsedUs = (performance.now() - startedAt) * 1_000;
  const { user, system } = process.cpuUsage(own);
  const coresOf = (us: number) => Math.round((us / elapsedUs) * 100) / 100;
  return { seconds, mainThread, cores: { process: coresOf(user + system), postgres: coresOf(backendsUs) } };
}

function bytesOf(records: readonly { readonly value: string }[]): number {
  return records.reduce((sum, { value }) => sum + Buffer.byteLength(value), 0);
}

function rateOf(seconds: number): number {
  return Math.round(RECORDS / seconds);
}
