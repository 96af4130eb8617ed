import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshDatabase, type TestDatabase } from '../support/postgres.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';
import { requireOrSkip } from '../support/services.ts';
import { runBackfillFault } from './backfill-oasis.ts';

describe.skipIf(!requireOrSkip('redis'))('a backfill of 40 days, killed twice, from a source that fails', () => {
  let db: TestDatabase;
  let redis: RedisServer;
  beforeAll(async () => {
    [db, redis] = await Promise.all([freshDatabase(), startRedis()]);
  });
  afterAll(async () => {
    await redis.stop();
    await db.drop();
  });

  it('is complete, keeps the pace, and asks for nothing again that was done', { timeout: 240_000 }, async () => {
    const result = await runBackfillFault({
      pool: db.pool,
      databaseUrl: db.url,
      redisUrl: redis.url,
      days: 40,
      nodes: 2,
      spacingMs: 300,
      killAt: [0.2, 0.6],
    });
    expect(result).toMatchObject({
      state: 'COMPLETED',
      kills: 2,
      throttled: 0,
      refetched: 0,
      refetchedWhenForgotten: 1,
      missing: 0,
      wrong: 0,
      revised: 0,
      progressWentBack: 0,
    });
    expect(result.expected).toBe(40 * 2 * (24 + 288 + 96 + 96));
    expect(result.faultsInjected).toBeGreaterThan(2);
    expect(result.progressFrames).toBeGreaterThan(10);
    expect(result.tightestPace).toBeGreaterThan(0.75);
    expect(result.beside).toEqual([
      { kind: 'BACKFILL', state: 'COMPLETED', revised: 0 },
      { kind: 'REPLAY', state: 'COMPLETED', revised: 0 },
    ]);
  });
});
