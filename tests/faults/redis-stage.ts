/** Two gateways and the ingestors, each a process of its own, around a Redis that a test kills. */
import type pg from 'pg';
import { pino } from 'pino';
import { HOUR_MS } from '../../domain/instant.ts';
import { createNodeDirectory } from '../../ingestors/pipeline/store/nodes.ts';
import { createPostgresLog } from '../../ingestors/sources/postgres-log.ts';
import { createRedisBus } from '../../runtime/live-bus/redis-bus.ts';
import { TOPICS } from '../../schema/events/topics.ts';
import { type CacheVerdict, huntStaleAnswers } from '../soak/cache-hunt.ts';
import { freshDatabase } from '../support/postgres.ts';
import { type Running, startProgram } from '../support/processes.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';
import { NODES, oracleOf, type PriceSeries, type Prices, producedBy, TOPIC } from './price-series.ts';
import { CURSOR_SECRET } from './stage.ts';
import { produceTo, readOf } from './topic-records.ts';

export interface RedisStage {
  readonly redis: RedisServer;
  /** Where the gateways answer. */
  readonly urls: readonly [string, string];
  /** Readers of both gateways, whose every answer is compared, while prices of their own are committed. */
  readonly hunt: RunningHunt;
  produce(records: number): Promise<void>;
  /** How many records were asked to be produced so far. */
  readonly produced: number;
  /** Records that are committed. */
  committed(): Promise<number>;
  /** What those from the first one to the last one produced, exclusively, must have brought. */
  prices(from: number, to: number): Prices;
  /** Where the live prices end, on the bus. */
  tail(): Promise<string>;
  /** SIGTERM to all. @returns their exit codes */
  stop(): Promise<readonly (number | null)[]>;
  close(): Promise<void>;
}

export interface RunningHunt {
  readonly answers: number;
  end(): Promise<CacheVerdict>;
}

const READERS = 2;
const WINDOW_ENTRIES = 100_000;

/** Redis keeps what it has on disk. */
export async function openRedisStage(series: PriceSeries): Promise<RedisStage> {
  const [db, redis] = await Promise.all([freshDatabase(), startRedis({ persist: true })]);
  const eventLog = createPostgresLog({ pool: db.pool, connectionString: db.url, log: silent });
  await createNodeDirectory(db.pool).register(new Set(NODES));
  await eventLog.ensureTopics(TOPICS);
  const window = { entriesMax: WINDOW_ENTRIES, ageMsMax: HOUR_MS };
  const bus = createRedisBus({ url: redis.url, window, log: silent });
  const { all: processes, up } = startProcesses({ databaseUrl: db.url, redisUrl: redis.url });
  const urls = await up();
  const hunt = startHunt(db.pool, urls);
  const records = producedBy(series);
  const oracle = [...oracleOf(series)];
  let produced = 0;
  return {
    redis,
    urls,
    hunt,
    get produced() {
      return produced;
    },
    async produce(count) {
      produced += count;
      await produceTo(eventLog, TOPIC, records, count);
    },
    committed: () => readOf(db.pool, TOPIC),
    prices: (from, to) => new Map(oracle.slice(from, to)),
    tail: () => bus.tail('lmp'),
    stop: () => Promise.all(processes.map((process) => process.stop())),
    async close() {
      await hunt.end().catch(() => undefined);
      await Promise.all([...processes.map((process) => process.kill()), bus.close(), eventLog.close()]);
      await Promise.all([redis.stop(), db.drop()]);
    },
  };
}

const silent = pino({ level: 'silent' });

function startProcesses({ databaseUrl, redisUrl }: { databaseUrl: string; redisUrl: string }) {
  const environment = {
    DATABASE_URL: databaseUrl,
    REDIS_URL: redisUrl,
    LIVE_WINDOW_ENTRIES: String(WINDOW_ENTRIES),
    CURSOR_SECRET,
    // Nothing but prices is committed and announced.
    FORECASTS: 'false',
    PNL_SNAPSHOT_SECONDS: '0',
  };
  const gateway = () => startProgram('gateway/main.ts', { ...environment, PORT: '0' });
  const ingestors = startProgram('ingestors/main.ts', { ...environment, INGESTORS_PORT: '0' });
  const [one, other] = [gateway(), gateway()];
  const urlOf = async (running: Running) => {
    const [, url = ''] = await running.sees(/"url":"(http:[^"]+\/graphql)"/);
    return url;
  };
  return {
    all: [ingestors, one, other],
    async up(): Promise<[string, string]> {
      const urls = await Promise.all([urlOf(one), urlOf(other)]);
      await ingestors.sees(/"part":"ingestors","msg":"part started"/);
      return urls;
    },
  };
}

function startHunt(pool: pg.Pool, urls: readonly string[]): RunningHunt {
  let answers = 0;
  let over = false;
  const isOver = (soFar: CacheVerdict) => {
    answers = soFar.answers;
    return over;
  };
  const hunting = huntStaleAnswers({ pool, urls, readers: READERS, isOver });
  // What fails meanwhile is met when it is asked for.
  hunting.catch(() => undefined);
  const end = () => {
    over = true;
    return hunting;
  };
  return {
    get answers() {
      return answers;
    },
    end,
  };
}
