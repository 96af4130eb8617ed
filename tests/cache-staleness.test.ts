import { createClient } from 'redis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type CacheVerdict, huntStaleAnswers, keepStill } from './soak/cache-hunt.ts';
import { freshDatabase, type TestDatabase } from './support/postgres.ts';
import { type RedisServer, startRedis } from './support/redis.ts';
import { requireOrSkip } from './support/services.ts';
import { type StoreGateway, startStoreGateway } from './support/store-gateway.ts';

const CACHE_BYTES = 32 * 1024 * 1024;
/** Seconds where the machine has nothing else to do. */
const TIMEOUT_MS = 90_000;

describe('answers that are kept', () => {
  let db: TestDatabase;
  let gateway: StoreGateway;
  beforeEach(async () => {
    db = await freshDatabase();
    gateway = await startStoreGateway({ db, cacheBytes: CACHE_BYTES });
  });
  afterEach(async () => {
    await gateway.close();
    await db.drop();
  });

  test(
    'are never older than the last commit before the question',
    async () => {
      const isOver = ({ answers, commits }: CacheVerdict) => answers >= 200 && commits >= 15;
      const verdict = await huntStaleAnswers({ pool: db.pool, urls: [gateway.url], readers: 6, isOver });
      expect(verdict).toMatchObject({ stale: 0, example: undefined });
      const { hit = 0, miss = 0, ...others } = await outcomes(gateway);
      expect(others).toEqual({});
      expect(Math.min(hit, miss)).toBeGreaterThan(0);
    },
    TIMEOUT_MS,
  );

  test(
    'would be found to be older if commits did not say what they wrote',
    async () => {
      await keepStill(db.pool);
      const isOver = ({ stale, answers }: CacheVerdict) => stale > 0 || answers >= 1_000;
      const { stale } = await huntStaleAnswers({ pool: db.pool, urls: [gateway.url], readers: 6, isOver });
      expect(stale).toBeGreaterThan(0);
    },
    TIMEOUT_MS,
  );
});

describe.skipIf(!requireOrSkip('redis'))('answers that two gateways share in Redis', () => {
  let db: TestDatabase;
  let redis: RedisServer;
  let gateways: StoreGateway[];
  beforeAll(async () => {
    [db, redis] = await Promise.all([freshDatabase(), startRedis()]);
    const options = { db, cacheBytes: CACHE_BYTES, redisUrl: redis.url };
    gateways = [await startStoreGateway(options), await startStoreGateway(options)];
  });
  afterAll(async () => {
    await Promise.all(gateways.map((gateway) => gateway.close()));
    await Promise.all([redis.stop(), db.drop()]);
  });

  test(
    'are right while Redis stalls, is killed and comes back',
    async () => {
      const urls = gateways.map(({ url }) => url);
      let troubled = false;
      const hunt = huntStaleAnswers({ pool: db.pool, urls, readers: 6, isOver: () => troubled });
      const trouble = async () => {
        await expect.poll(() => answersIn(redis)).toBeGreaterThan(0);
        redis.pause();
        await expect.poll(() => errorsOf(gateways)).toBeGreaterThan(0);
        redis.resume();
        await redis.kill();
        await redis.restart();
        await expect.poll(() => answersIn(redis)).toBeGreaterThan(0);
      };
      await trouble().finally(() => {
        troubled = true;
      });
      const verdict = await hunt;
      expect(verdict).toMatchObject({ stale: 0, example: undefined });
    },
    TIMEOUT_MS,
  );
});

async function outcomes({ metrics }: StoreGateway): Promise<Readonly<Record<string, number>>> {
  const { values } = await metrics.cacheRequests.get();
  return Object.fromEntries(values.map(({ labels, value }) => [labels.outcome, value]));
}

async function errorsOf(gateways: readonly StoreGateway[]): Promise<number> {
  const all = await Promise.all(gateways.map(outcomes));
  return all.reduce((sum, { error = 0 }) => sum + error, 0);
}

async function answersIn({ url }: RedisServer): Promise<number> {
  const client = createClient({ url });
  await client.connect();
  const count = await client.dbSize();
  client.destroy();
  return count;
}
