/** What a fault is played on: the records and their oracle, a log, a store, a bus, and the networks between them and Busbar. */
import { setTimeout as pause } from 'node:timers/promises';
import type pg from 'pg';
import { pino } from 'pino';
import { HOUR_MS } from '../../domain/instant.ts';
import { createNodeDirectory } from '../../ingestors/pipeline/store/nodes.ts';
import type { EventLog, PartitionBounds } from '../../ingestors/sources/event-log.ts';
import { createKafkaLog } from '../../ingestors/sources/kafka-log.ts';
import { createPostgresLog } from '../../ingestors/sources/postgres-log.ts';
import type { LiveBus } from '../../runtime/live-bus/live-bus.ts';
import { createRedisBus } from '../../runtime/live-bus/redis-bus.ts';
import { TOPICS } from '../../schema/events/topics.ts';
import type { KafkaBroker } from '../support/kafka.ts';
import { type Running, startProgram } from '../support/processes.ts';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts';
import { checkLedger, type LedgerVerdict } from './ledger-check.ts';
import { followLive, type LiveFollower } from './live-follower.ts';
import { LiveRecord, type LiveVerdict } from './live-record.ts';
import { NODES, oracleOf, type PriceSeries, producedBy, TOPIC } from './price-series.ts';
import { type SabotageName, sabotagedProgram } from './sabotage/sabotages.ts';
import { storedPrices, wrongPrices } from './stored-prices.ts';
import { produceTo, readOf, unreadOf } from './topic-records.ts';

export interface StageParts {
  readonly pool: pg.Pool;
  readonly databaseUrl: string;
  readonly redisUrl: string;
  /** Undefined: the log embedded in the store. */
  readonly kafka: KafkaBroker | undefined;
  readonly series: PriceSeries;
}

/** The way of one process to the store and to the bus; each can fail by itself. The way to Kafka belongs to the broker. */
export interface Network {
  readonly store: TcpProxy;
  readonly bus: TcpProxy;
  /** For a process that is to come through this network. */
  readonly environment: Readonly<Record<string, string>>;
}

export interface Verdict extends LedgerVerdict {
  readonly rows: number;
  /** Prices that are missing from the table, differ from what was produced, or were never produced. */
  readonly wrongRows: number;
  readonly live: LiveVerdict;
}

export interface Stage {
  readonly eventLog: EventLog;
  readonly bus: LiveBus;
  readonly live: LiveFollower<LiveRecord>;
  /** How many there are to produce. */
  readonly records: number;
  /** @param answerMsMax when a connection to the store that does not answer is given up, by either side; a minute by default. */
  network(answerMsMax?: number): Promise<Network>;
  startIngestors(network: Network, sabotage?: SabotageName): Running;
  /** @param port 0 picks a free one; it prints where it listens. */
  startGateway(network: Network, port: number): Running;
  /** Appends the next records of the series, again and again while the log is away: a record may be there twice then. */
  produce(records: number): Promise<void>;
  /** Records in the log that no commit covers yet. */
  unread(): Promise<number>;
  /** Records that commits cover, those that are in the log twice counted twice. */
  readRecords(): Promise<number>;
  /** Resolves when so many prices are stored and live, and no others. */
  stands(records: number): Promise<void>;
  storedRows(): Promise<number>;
  /**
   * A sound process takes every partition over, reads the log to its end and stops in good order.
   * @throws Error where it does not in time.
   */
  finish(msMax?: number): Promise<void>;
  /** To be asked for when all of the series is produced and finished. */
  verdict(): Promise<Verdict>;
  close(): Promise<void>;
}

/** What `verdict` says of a series where each record had its effect exactly once. */
export function sound({ records }: PriceSeries): Omit<Verdict, 'ledgerEntries'> {
  return {
    rows: records,
    wrongRows: 0,
    ledgerFaults: 0,
    ledgerRowsWritten: records,
    lineageFaults: 0,
    live: { ticks: records, twice: 0, missing: 0, unfounded: 0 },
  };
}

const silent = pino({ level: 'silent' });

export async function openStage({ pool, databaseUrl, redisUrl, kafka, series }: StageParts): Promise<Stage> {
  const eventLog = kafka
    ? createKafkaLog({ brokers: kafka.brokers, ssl: false, clientId: 'stage', log: silent })
    : createPostgresLog({ pool, connectionString: databaseUrl, log: silent });
  await createNodeDirectory(pool).register(new Set(NODES));
  await eventLog.ensureTopics(TOPICS);
  const bus = createRedisBus({
    url: redisUrl,
    window: { entriesMax: LIVE_WINDOW_ENTRIES, ageMsMax: HOUR_MS },
    log: silent,
  });
  const live = await followLive(bus, 'lmp', new LiveRecord());
  const records = producedBy(series);
  const processes: Running[] = [];
  const proxies: TcpProxy[] = [];
  const proxyTo = async (url: string) => {
    const proxy = await startTcpProxy(Number(new URL(url).port));
    proxies.push(proxy);
    return proxy;
  };
  const network = async (answerMsMax?: number): Promise<Network> => {
    const [toStore, toBus] = await Promise.all([proxyTo(databaseUrl), proxyTo(redisUrl)]);
    const environment = {
      DATABASE_URL: withAnswerMsMax(throughProxy(databaseUrl, toStore), answerMsMax),
      REDIS_URL: throughProxy(redisUrl, toBus),
      LIVE_WINDOW_ENTRIES: String(LIVE_WINDOW_ENTRIES),
      ...(kafka && { KAFKA_BROKERS: kafka.brokersBehindNetwork.join(',') }),
    };
    return { store: toStore, bus: toBus, environment };
  };
  const start = (...program: Parameters<typeof startProgram>): Running => {
    const running = startProgram(...program);
    processes.push(running);
    return running;
  };
  const startIngestors = ({ environment }: Network, sabotage?: SabotageName): Running => {
    const [program, ...arguments_] = sabotage ? sabotagedProgram(sabotage) : ['ingestors/main.ts'];
    return start(program, { ...environment, INGESTORS_PORT: '0' }, arguments_);
  };

  return {
    eventLog,
    bus,
    live,
    records: series.records,
    network,
    startIngestors,
    startGateway: ({ environment }, port) =>
      start('gateway/main.ts', { ...environment, PORT: String(port), CURSOR_SECRET }),
    produce: (count) => produceTo(eventLog, TOPIC, records, count),
    readRecords: () => readOf(pool, TOPIC),
    unread: () => unreadOf(pool, eventLog, TOPIC),
    stands: (count) =>
      eventually(async () => live.record.ticks === count && (await countRows(pool)) === count, WAIT_MS_MAX),
    storedRows: () => countRows(pool),
    async finish(msMax = WAIT_MS_MAX) {
      const before = await partitionsOf(pool);
      const last = startIngestors(await network());
      await eventually(
        async () => isFinished(await eventLog.partitions(TOPIC), before, await partitionsOf(pool)),
        msMax,
      );
      // What it has not announced yet it announces before it ends.
      const code = await last.stop();
      if (code !== 0) throw new Error(`the ingestors ended with ${code}:\n${await last.ended}`);
    },
    async verdict() {
      const stored = await storedPrices(pool);
      await live.caughtUp();
      return {
        rows: stored.size,
        wrongRows: wrongPrices(stored, oracleOf(series)),
        ...(await checkLedger(pool, eventLog, TOPIC)),
        live: live.record.compare(stored),
      };
    },
    async close() {
      await Promise.all(processes.map((process) => process.kill()));
      await live.stop();
      await Promise.all([eventLog.close(), bus.close(), ...proxies.map((proxy) => proxy.close())]);
    },
  };
}

/** So that a test can tell cursors of gateways by their places on the bus. */
export const CURSOR_SECRET = 'what the gateways of a stage sign with';

/** Everything of a run stays on the bus: nobody is to be told that a cursor expired. */
const LIVE_WINDOW_ENTRIES = 1_000_000;

function throughProxy(url: string, proxy: TcpProxy): string {
  const through = new URL(url);
  through.hostname = '127.0.0.1';
  through.port = String(proxy.port);
  return through.href;
}

/** As an operator may set it in the URL, where a minute is too long. */
function withAnswerMsMax(url: string, answerMsMax: number | undefined): string {
  if (answerMsMax === undefined) return url;
  const impatient = new URL(url);
  impatient.searchParams.set('query_timeout', String(answerMsMax));
  impatient.searchParams.set('statement_timeout', String(answerMsMax));
  impatient.searchParams.set('idle_in_transaction_session_timeout', String(answerMsMax));
  return impatient.href;
}

interface Partition {
  readonly partition: string;
  readonly epoch: number;
  readonly position: number | null;
}

async function partitionsOf(pool: pg.Pool): Promise<Partition[]> {
  const { rows } = await pool.query<Partition>(
    'SELECT partition, epoch, position FROM feed_position WHERE feed_id = $1',
    [TOPIC],
  );
  return rows;
}

/** Whether each partition was taken over since, and is read to its end. */
function isFinished(
  bounds: readonly PartitionBounds[],
  before: readonly Partition[],
  now: readonly Partition[],
): boolean {
  const of = (partitions: readonly Partition[], partition: number) =>
    partitions.find((each) => each.partition === String(partition));
  return bounds.every(({ partition, end }) => {
    const [old, held] = [of(before, partition), of(now, partition)];
    return (held?.position ?? 0) === end && (held?.epoch ?? 0) > (old?.epoch ?? 0);
  });
}

/** Long enough for a machine that runs the whole suite. */
const WAIT_MS_MAX = 60_000;

async function eventually(isSo: () => Promise<boolean>, msMax: number): Promise<void> {
  for (const deadline = Date.now() + msMax; !(await isSo()); await pause(20)) {
    if (Date.now() > deadline) throw new Error(`not within ${msMax} ms`);
  }
}

async function countRows(pool: pg.Pool): Promise<number> {
  const { rows } = await pool.query<{ rows: number }>('SELECT count(*)::int AS rows FROM lmp');
  return rows[0]?.rows ?? 0;
}
