import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { ALL_RIGHTS } from '../../domain/rights.ts';
import { silent } from '../../tests/support/live.ts';
import { type RedisServer, startRedis } from '../../tests/support/redis.ts';
import { requireOrSkip } from '../../tests/support/services.ts';
import type { Caller } from '../caller.ts';
import { createRateLimiter, type RateLimiter } from './rate-limiter.ts';

const open: RateLimiter[] = [];

afterEach(() => {
  for (const limiter of open.splice(0)) limiter.close();
});

function limiterOf(pointsPerMinute: number, redisUrl?: string, clock?: () => number): RateLimiter {
  const limiter = createRateLimiter({ pointsPerMinute, redisUrl, log: silent, ...(clock && { clock }) });
  open.push(limiter);
  return limiter;
}

function caller(subject: string, address = '192.0.2.1'): Caller {
  return { identity: { subject, name: subject, rights: ALL_RIGHTS, expiresAt: undefined }, address };
}

const refused = {
  code: 'RATE_LIMITED',
  details: { limit: 'rate', max: expect.any(Number), retryAfterSeconds: expect.any(Number) },
};

/** How many of these are let through. */
async function passed(spends: readonly Promise<unknown>[]): Promise<number> {
  const outcomes = await Promise.allSettled(spends);
  return outcomes.filter(({ status }) => status === 'fulfilled').length;
}

describe('an identity', () => {
  test('spends its points and no more, and is told when it has others', async () => {
    const limiter = limiterOf(100);
    expect(await limiter.spend(caller('key:a'), 30)).toEqual({ limit: 100, remaining: 70, resetSeconds: 60 });
    expect(await limiter.spend(caller('key:a'), 70)).toEqual({ limit: 100, remaining: 0, resetSeconds: 60 });
    await expect(limiter.spend(caller('key:a'), 1)).rejects.toMatchObject({
      ...refused,
      details: { retryAfterSeconds: 60 },
    });
  });

  test.each(['open', 'visitor'])(
    'takes nothing from another, and those who are %s are told apart by their addresses',
    async (nobody) => {
      const limiter = limiterOf(1);
      await limiter.spend(caller('key:a'), 1);
      await limiter.spend(caller('key:b'), 1);
      await limiter.spend(caller(nobody, '192.0.2.1'), 1);
      await limiter.spend(caller(nobody, '192.0.2.2'), 1);
      await expect(limiter.spend(caller(nobody, '192.0.2.2'), 1)).rejects.toMatchObject(refused);
    },
  );

  test('that has too little for much has still enough for little', async () => {
    const limiter = limiterOf(100);
    await limiter.spend(caller('key:a'), 60);
    await expect(limiter.spend(caller('key:a'), 50)).rejects.toMatchObject(refused);
    expect(await limiter.spend(caller('key:a'), 40)).toMatchObject({ remaining: 0 });
  });

  test('may ask for what costs more than a minute has, once a minute', async () => {
    const limiter = limiterOf(100);
    expect(await limiter.spend(caller('key:a'), 5_000)).toMatchObject({ remaining: 0 });
    await expect(limiter.spend(caller('key:a'), 1)).rejects.toMatchObject(refused);
  });

  test('that asks for everything at once gets exactly as much as there is', async () => {
    const limiter = limiterOf(1_000);
    expect(await passed(Array.from({ length: 1_500 }, () => limiter.spend(caller('key:a'), 1)))).toBe(1_000);
  });
});

describe.skipIf(!requireOrSkip('redis'))('gateways that share a Redis', () => {
  let redis: RedisServer;
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis.stop());

  test('give out together what one identity has, to the last point', async () => {
    const [one, other] = [limiterOf(500, redis.url), limiterOf(500, redis.url)];
    await Promise.all([one.spend(caller('key:first'), 1), other.spend(caller('key:first'), 1)]);
    const spends = Array.from({ length: 800 }, (_, place) => (place % 2 ? one : other).spend(caller('key:shared'), 1));
    expect(await passed(spends)).toBe(500);
    await expect(one.spend(caller('key:shared'), 1)).rejects.toMatchObject(refused);
  });

  test('ask it once for many operations', async () => {
    const limiter = limiterOf(5_000, redis.url);
    await limiter.spend(caller('key:lots'), 1);
    const { remaining } = await limiter.spend(caller('key:lots'), 1);
    expect(remaining).toBe(4_998);
    redis.pause();
    // What was fetched already is spent without asking anybody.
    expect(await passed(Array.from({ length: 90 }, () => limiter.spend(caller('key:lots'), 1)))).toBe(90);
    redis.resume();
  });

  test('count for themselves while it is away, and refuse there too', async () => {
    const limiter = limiterOf(100, redis.url);
    await limiter.spend(caller('key:away'), 2);
    await redis.kill();
    const startedAt = performance.now();
    expect(await passed(Array.from({ length: 300 }, () => limiter.spend(caller('key:away'), 1)))).toBeLessThanOrEqual(
      100,
    );
    expect(performance.now() - startedAt).toBeLessThan(1_000);
    await expect(limiter.spend(caller('key:away'), 1)).rejects.toMatchObject(refused);
    await redis.restart();
  });
});
