import { pino } from 'pino';
import { createClient } from 'redis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isBusbarError } from '../../domain/errors.ts';
import { createRedisBus } from '../../runtime/live-bus/redis-bus.ts';
import { createRingBus } from '../../runtime/live-bus/ring-bus.ts';
import { createMetrics } from '../../runtime/metrics.ts';
import { freshDatabase, type TestDatabase } from '../../tests/support/postgres.ts';
import { type RedisServer, startRedis } from '../../tests/support/redis.ts';
import { requireOrSkip } from '../../tests/support/services.ts';
import { silentPipeline } from '../../tests/support/silent-pipeline.ts';
import type { Feed } from '../feed.ts';
import { JSON_TOPIC_FEEDS } from '../feeds/json-topics/feed.ts';
import { createAnnouncer } from './announcer.ts';
import { archivesOf } from './families/families.ts';
import { unowned } from './store/positions.ts';

const NOW = Date.UTC(2026, 0, 10);
const MINUTE_MS = 60_000;
const log = pino({ level: 'silent' });
const clock = () => NOW;
const realtime = JSON_TOPIC_FEEDS.find(({ id }) => id === 'realtime_prices') as Feed;

describe('what is announced late, from the store', () => {
  let db: TestDatabase;
  const bus = createRingBus({ window: { entriesMax: 1000, ageMsMax: 3_600_000 }, clock });
  beforeAll(async () => {
    db = await freshDatabase();
  });
  afterAll(async () => {
    await bus.close();
    await db.drop();
  });

  /** Commits as a process without the bus does. */
  const publish = (lmp: number, publishedAt: number) => {
    const record = {
      ts: '2026-01-09T00:00:00Z',
      hub: 'PJM-WEST',
      lmp_rt: lmp,
      energy_rt: lmp,
      congestion_rt: 0,
      loss_rt: 0,
    };
    const payload = { bytes: Buffer.from(JSON.stringify(record)), name: realtime.id };
    const items = [{ payload, publishedAt, publishedSeq: 0 }];
    return silentPipeline(db.pool, clock).ingest(realtime, unowned(realtime.id, 'file'), {
      kind: 'FILE',
      next: undefined,
      request: 'file',
      items,
      lag: null,
    });
  };

  it('says when each version was first published, though its source has said the same again since', async () => {
    const minutesAgo = (minutes: number) => NOW - minutes * MINUTE_MS;
    await publish(10, minutesAgo(30));
    await publish(10, minutesAgo(20));
    await publish(11, minutesAgo(10));
    await publish(11, minutesAgo(5));
    const cursor = await bus.tail('lmp');
    const announcer = createAnnouncer({
      bus,
      pool: db.pool,
      archiveOf: archivesOf(JSON_TOPIC_FEEDS),
      metrics: createMetrics(),
      log,
    });
    await announcer.catchUp(realtime.id, 'file');
    const seen: number[][] = [];
    for await (const entries of bus.read('lmp', cursor, AbortSignal.timeout(5_000))) {
      for (const { events } of entries)
        seen.push(...events.map(({ lmp, revision, publishedAt }) => [lmp, revision, publishedAt]));
      if (seen.length >= 2) break;
    }
    expect(seen).toEqual([
      [10, 1, minutesAgo(30)],
      [11, 2, minutesAgo(10)],
    ]);
  });
});

/** Redis and the process that announced, gone at once: nobody is left who was told that it was taken. */
describe.skipIf(!requireOrSkip('redis'))('a bus that came back without what is noted as announced', () => {
  let db: TestDatabase;
  let redis: RedisServer;
  beforeAll(async () => {
    [db, redis] = await Promise.all([freshDatabase(), startRedis()]);
  });
  afterAll(async () => {
    await redis.stop();
    await db.drop();
  });

  /** A process that commits one price to a partition of its own, announces it and ends. */
  const processOnce = async (partition: string, minute: number) => {
    const bus = createRedisBus({ url: redis.url, window: { entriesMax: 1000, ageMsMax: 3_600_000 }, log });
    const pipeline = silentPipeline(db.pool, clock);
    const ts = `2026-01-09T00:${minute}:00Z`;
    const record = { ts, hub: 'PJM-WEST', lmp_rt: minute, energy_rt: minute, congestion_rt: 0, loss_rt: 0 };
    const payload = { bytes: Buffer.from(JSON.stringify(record)), name: realtime.id };
    const items = [{ payload, publishedAt: NOW, publishedSeq: 0 }];
    const asked = { kind: 'FILE', next: undefined, request: `file ${minute}`, items, lag: null } as const;
    await pipeline.ingest(realtime, unowned(realtime.id, partition), asked);
    const archiveOf = archivesOf(JSON_TOPIC_FEEDS);
    await createAnnouncer({ bus, pool: db.pool, archiveOf, metrics: createMetrics(), log }).catchUp(
      realtime.id,
      partition,
    );
    const tail = await bus.tail('lmp');
    await bus.close();
    return tail;
  };
  const save = async () => {
    const client = createClient({ url: redis.url });
    await client.connect();
    await client.sendCommand(['SAVE']);
    client.destroy();
  };
  const firstAfter = async (cursor: string) => {
    const bus = createRedisBus({ url: redis.url, window: { entriesMax: 1000, ageMsMax: 3_600_000 }, log });
    try {
      for await (const entries of bus.read('lmp', cursor, AbortSignal.timeout(5_000)))
        return entries[0]?.events[0]?.lmp;
    } catch (error) {
      return isBusbarError(error) ? error.code : error;
    } finally {
      await bus.close();
    }
    return undefined;
  };

  it('begins anew when its partition is caught up, and only then', async () => {
    const cursor = await processOnce('0', 10);
    const next = await processOnce('0', 11);
    expect(await firstAfter(cursor)).toBe(11);
    await save();
    await processOnce('0', 12);
    await redis.kill();
    await redis.restart();
    const begun = await processOnce('0', 13);
    for (const old of [cursor, next]) expect(await firstAfter(old)).toBe('CURSOR_EXPIRED');
    await processOnce('0', 14);
    expect(await firstAfter(begun)).toBe(14);
  });
});
