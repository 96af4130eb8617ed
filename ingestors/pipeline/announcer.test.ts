import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRingBus } from '../../runtime/live-bus/ring-bus.ts';
import { createMetrics } from '../../runtime/metrics.ts';
import { freshDatabase, type TestDatabase } from '../../tests/support/postgres.ts';
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
