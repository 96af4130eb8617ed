import { setTimeout as delay } from 'node:timers/promises';
import { openBenchStore } from '../../bench/bench-store.ts';
import { cacheOutcomes } from '../support/cache-outcomes.ts';
import { startRedis } from '../support/redis.ts';
import { type StoreGateway, startStoreGateway } from '../support/store-gateway.ts';
import { huntStaleAnswers, keepStill } from './cache-hunt.ts';

const HUNT_MS = 60_000;
const KILL_EVERY_MS = 7_000;
const AWAY_MS = 1_000;
const CACHE_BYTES = 64 * 1024 * 1024;

/** Answers that were kept must be much of what is compared, or the run tells nothing of them. */
const HITS_MIN = 0.1;

/**
 * A minute of random questions and commits to two gateways that share a Redis, which is killed and comes back every few seconds.
 * @param isTold false, the negative control: commits do not say what they wrote. It has to fail.
 */
export async function runCache({ isTold }: { isTold: boolean }) {
  const [store, redis] = await Promise.all([openBenchStore(), startRedis()]);
  const { pool, url } = await store.fresh('soak');
  if (!isTold) await keepStill(pool);
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
      await delay(AWAY_MS);
      await redis.restart();
    }
    const verdict = await hunt;
    const became = await Promise.all(gateways.map(outcomesOf));
    const sound = verdict.stale === 0 && became.every(({ hits, errors }) => hits >= HITS_MIN && errors > 0);
    return { kills, ...verdict, became, sound };
  } finally {
    await Promise.all(gateways.map((gateway) => gateway.close()));
    await redis.stop();
    await store.close();
  }
}

/** `hits`: the share of the answers that were kept ones. `errors`: questions in which Redis turned out to be away. */
async function outcomesOf({ metrics }: StoreGateway) {
  const outcomes = await cacheOutcomes(metrics);
  const asked = Object.values(outcomes).reduce((sum, count) => sum + count, 0);
  return { asked, hits: (outcomes.hit ?? 0) / asked, errors: outcomes.error ?? 0 };
}
