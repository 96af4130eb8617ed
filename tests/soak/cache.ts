import { setTimeout as delay } from 'node:timers/promises';
import { openBenchStore } from '../../bench/bench-store.ts';
import { startRedis } from '../support/redis.ts';
import { startStoreGateway } from '../support/store-gateway.ts';
import { huntStaleAnswers } from './cache-hunt.ts';

const HUNT_MS = 60_000;
const KILL_EVERY_MS = 7_000;
const CACHE_BYTES = 64 * 1024 * 1024;

/** A minute of random questions and commits to two gateways that share a Redis, which is killed and comes back every few seconds. */
export async function runCache() {
  const [store, redis] = await Promise.all([openBenchStore(), startRedis()]);
  const { pool, url } = await store.fresh('soak');
  const db = { pool, url, drop: async () => {} };
  const options = { db, cacheBytes: CACHE_BYTES, redisUrl: redis.url };
  const gateways = [await startStoreGateway(options), await startStoreGateway(options)];
  try {
    const until = performance.now() + HUNT_MS;
    const isOver = () => performance.now() >= until;
    const hunt = huntStaleAnswers({ pool, urls: gateways.map((each) => each.url), readers: 8, isOver });
    let kills = 0;
    for (; !isOver(); kills++) {
      await delay(KILL_EVERY_MS);
      await redis.kill();
      await redis.restart();
    }
    const verdict = await hunt;
    const outcomes = await Promise.all(gateways.map(({ metrics }) => metrics.cacheRequests.get()));
    const became = outcomes.map(({ values }) => values.map(({ labels, value }) => [labels.outcome, value]));
    return { kills, ...verdict, became: became.map(Object.fromEntries), sound: verdict.stale === 0 };
  } finally {
    await Promise.all(gateways.map((gateway) => gateway.close()));
    await redis.stop();
    await store.close();
  }
}
