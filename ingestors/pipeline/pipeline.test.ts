import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BusbarError } from '../../domain/errors.ts';
import type { LiveBus } from '../../runtime/live-bus/live-bus.ts';
import { createRingBus } from '../../runtime/live-bus/ring-bus.ts';
import { createMetrics } from '../../runtime/metrics.ts';
import { freshDatabase, type TestDatabase } from '../../tests/support/postgres.ts';
import type { Feed } from '../feed.ts';
import { JSON_TOPIC_FEEDS } from '../feeds/json-topics/feed.ts';
import { createAnnouncer } from './announcer.ts';
import { archivesOf } from './families/families.ts';
import { createPipeline, type Pipeline } from './pipeline.ts';
import { createRollups } from './rollups.ts';
import { type Claim, claimPartition } from './store/positions.ts';
import type { Item, Unit } from './unit.ts';

const NOW = Date.UTC(2026, 0, 10);
const realtime = JSON_TOPIC_FEEDS.find((feed) => feed.id === 'realtime_prices') as Feed;

describe('pipeline', () => {
  let db: TestDatabase;
  let pipeline: Pipeline;
  const log = pino({ level: 'silent' });
  const bus = createRingBus({ window: { entriesMax: 1000, ageMsMax: 3_600_000 }, clock: () => NOW });

  beforeAll(async () => {
    db = await freshDatabase();
    const metrics = createMetrics();
    const announcer = createAnnouncer({ bus, pool: db.pool, archiveOf: archivesOf(JSON_TOPIC_FEEDS), metrics, log });
    pipeline = createPipeline({
      pool: db.pool,
      keepRaw: true,
      announcer,
      rollups: createRollups({ pool: db.pool, log, clock: () => NOW }),
      metrics,
      log,
      clock: () => NOW,
    });
  });
  afterAll(async () => {
    await bus.close();
    await db.drop();
  });

  const claim = (partition: string) => claimPartition(db.pool, realtime.id, partition, 'test');
  const ingest = (held: Claim, values: readonly (string | Buffer)[]) =>
    pipeline.ingest(realtime, held, batch(held, values));
  const prices = async (hub: string, start: string) =>
    (
      await db.pool.query(
        `SELECT lmp, revision FROM lmp JOIN pricing_node n ON n.id = node_id WHERE n.name = $1 AND interval_start = $2
         UNION ALL SELECT lmp, revision FROM lmp_revision JOIN pricing_node n ON n.id = node_id
         WHERE n.name = $1 AND interval_start = $2 ORDER BY revision`,
        [hub, start],
      )
    ).rows;

  it('writes a price once, however often it comes', async () => {
    const held = await claim('once');
    const first = await ingest(held, [tick('PJM-WEST', '2026-01-09T00:00:00Z', 10)]);
    const again = await ingest(held, [tick('PJM-WEST', '2026-01-09T00:00:00Z', 10)]);
    expect([first.written, again.written, again.unchanged]).toEqual([1, 0, 1]);
    expect(await prices('PJM-WEST', '2026-01-09T00:00:00Z')).toEqual([{ lmp: 10, revision: 1 }]);
  });

  it('keeps every version that a batch brings of one interval', async () => {
    const held = await claim('versions');
    const outcome = await ingest(
      held,
      [1, 2, 3].map((lmp) => tick('PJM-WEST', '2026-01-09T01:00:00Z', lmp)),
    );
    expect([outcome.written, outcome.revised]).toEqual([1, 2]);
    expect(await prices('PJM-WEST', '2026-01-09T01:00:00Z')).toEqual([
      { lmp: 1, revision: 1 },
      { lmp: 2, revision: 2 },
      { lmp: 3, revision: 3 },
    ]);
  });

  it('keeps a version that arrives after a newer one as history, once', async () => {
    const held = await claim('late');
    const start = '2026-01-09T02:00:00Z';
    await ingest(held, [tick('ERCOT-HOUSTON', start, 1), tick('ERCOT-HOUSTON', start, 2)]);
    const replayed = { ...held, position: held.position };
    // A replay: the same offsets again, from another partition's claim, as an overlapping backfill would.
    for (let round = 0; round < 2; round++) {
      const outcome = await pipeline.ingest(realtime, replayed, {
        ...batch({ ...held, position: 0 }, [tick('ERCOT-HOUSTON', start, 1)]),
        next: undefined,
      });
      expect([outcome.written, outcome.revised, outcome.unchanged]).toEqual([0, 0, 1]);
    }
    expect(await prices('ERCOT-HOUSTON', start)).toEqual([
      { lmp: 1, revision: 1 },
      { lmp: 2, revision: 2 },
    ]);
  });

  it('lets no version between two equal ones win because it came last', async () => {
    const start = '2026-01-09T06:00:00Z';
    const at = (publishedAt: number, lmp: number): Unit => ({
      kind: 'FILE',
      next: undefined,
      request: 'file',
      items: [
        {
          payload: { bytes: Buffer.from(tick('PJM-WEST', start, lmp)), name: realtime.id },
          publishedAt: NOW + publishedAt,
          publishedSeq: 0,
        },
      ],
      lag: null,
    });
    const held = await claim('file');
    const outcomes = [];
    for (const unit of [at(10, 50), at(30, 50), at(20, 60), at(20, 61)])
      outcomes.push(await pipeline.ingest(realtime, held, unit));
    expect(outcomes.map(({ written, revised, unchanged }) => [written, revised, unchanged])).toEqual([
      [1, 0, 0],
      [0, 0, 1],
      [0, 0, 1],
      [0, 0, 1],
    ]);
    expect(await prices('PJM-WEST', start)).toEqual([
      { lmp: 60, revision: 0 },
      { lmp: 61, revision: 0 },
      { lmp: 50, revision: 1 },
    ]);
  });

  it('announces what a busy partition committed while the bus was away', async () => {
    const cursor = await bus.tail('lmp');
    let away = true;
    const flaky: LiveBus = {
      ...bus,
      announce: (channel, given) =>
        away ? Promise.reject(new BusbarError('UNAVAILABLE', 'away')) : bus.announce(channel, given),
      lastAnnounced: (channel, source) => bus.lastAnnounced(channel, source),
    };
    const metrics = createMetrics();
    const announcer = createAnnouncer({
      bus: flaky,
      pool: db.pool,
      archiveOf: archivesOf(JSON_TOPIC_FEEDS),
      metrics,
      log,
    });
    const rollups = createRollups({ pool: db.pool, log, clock: () => NOW });
    const own = createPipeline({ pool: db.pool, keepRaw: false, announcer, rollups, metrics, log, clock: () => NOW });
    const held = await claim('busy');
    await announcer.catchUp(realtime.id, 'busy');
    const say = (minute: number) =>
      own.ingest(realtime, held, batch(held, [tick('ERCOT-HOUSTON', `2026-01-09T07:${minute}:00Z`, minute)]));
    await say(10);
    await say(11);
    expect(await announcer.sweep()).toBe(false);
    away = false;
    await say(12);
    expect(await announcer.sweep()).toBe(true);
    await say(13);
    const seen: number[] = [];
    for await (const entries of bus.read('lmp', cursor, AbortSignal.timeout(5_000))) {
      for (const { events } of entries)
        seen.push(...events.filter(({ node }) => node === 'ERCOT:ERCOT-HOUSTON').map(({ lmp }) => lmp));
      if (seen.length >= 4) break;
    }
    expect(seen).toEqual([10, 11, 12, 13]);
  });

  it('commits nothing for a claim that another process has taken over', async () => {
    const loser = await claim('fenced');
    await claim('fenced');
    await expect(ingest(loser, [tick('PJM-WEST', '2026-01-09T03:00:00Z', 5)])).rejects.toMatchObject({
      code: 'FENCED',
    });
    expect(await prices('PJM-WEST', '2026-01-09T03:00:00Z')).toEqual([]);
  });

  it('announces what changed, in order, with revisions', async () => {
    const cursor = await bus.tail('lmp');
    const held = await claim('announce');
    await (async () => {
      const start = '2026-01-09T04:00:00Z';
      await ingest(held, [tick('NYISO-ZONEJ', start, 7)]);
      await ingest(held, [tick('NYISO-ZONEJ', start, 7)]);
      await ingest(held, [tick('NYISO-ZONEJ', start, 8)]);
    })();
    // The first claim of a partition has not caught up: its first entry comes by way of the store.
    await createAnnouncer({
      bus,
      pool: db.pool,
      archiveOf: archivesOf(JSON_TOPIC_FEEDS),
      metrics: createMetrics(),
      log,
    }).catchUp(realtime.id, 'announce');
    const seen: [number, number][] = [];
    for await (const entries of bus.read('lmp', cursor, AbortSignal.timeout(5_000))) {
      for (const entry of entries) for (const { lmp, revision } of entry.events) seen.push([lmp, revision]);
      if (seen.length >= 2) break;
    }
    expect(seen).toEqual([
      [7, 1],
      [8, 2],
    ]);
  });

  it('keeps what cannot be a price, with its bytes and the reason, and goes on', async () => {
    const held = await claim('bad');
    const good = tick('CAISO-NP15', '2026-01-09T05:00:00Z', -3);
    const bad: [string, string | Buffer][] = [
      ['NOT_JSON', '{"ts": '],
      [
        'NOT_JSON',
        '{"ts":"2026-01-09T05:00:00Z","hub":"PJM-WEST","lmp_rt":NaN,"energy_rt":1,"congestion_rt":1,"loss_rt":1}',
      ],
      ['MISSING_FIELD', '{"ts":"2026-01-09T05:00:00Z","hub":"PJM-WEST"}'],
      [
        'BAD_VALUE',
        '{"ts":"2026-01-09T05:00:00Z","hub":"PJM-WEST","lmp_rt":"12","energy_rt":1,"congestion_rt":1,"loss_rt":1}',
      ],
      ['UNKNOWN_NODE', tick('PJM-NOWHERE', '2026-01-09T05:00:00Z', 1)],
      ['UNKNOWN_NODE', tick('MARS-NORTH', '2026-01-09T05:00:00Z', 1)],
      ['BAD_TIME', tick('PJM-WEST', '3000-01-01T00:00:00Z', 1)],
      ['TOO_LARGE', Buffer.alloc(5_000_000, 'x')],
    ];
    const outcome = await ingest(held, [...bad.map(([, value]) => value), good]);
    expect([outcome.written, outcome.rejected]).toEqual([1, bad.length]);
    const { rows } = await db.pool.query(
      'SELECT code, raw, position, reason FROM dead_letter WHERE partition = $1 ORDER BY position',
      ['bad'],
    );
    expect(rows.map((row) => row.code)).toEqual(bad.map(([code]) => code));
    expect(rows.map((row) => Buffer.compare(row.raw, Buffer.from(bad[row.position]?.[1] ?? '')))).toEqual(
      bad.map(() => 0),
    );
    expect(rows.every((row) => row.reason.length > 10)).toBe(true);
  });
});

function tick(hub: string, ts: string, lmp: number): string {
  return JSON.stringify({ ts, hub, lmp_rt: lmp, energy_rt: lmp, congestion_rt: 0, loss_rt: 0 });
}

function batch(held: Claim, values: readonly (string | Buffer)[]): Unit {
  const from = held.position ?? 0;
  const items: Item[] = values.map((value, at) => ({
    payload: { bytes: Buffer.from(value), name: realtime.id },
    publishedAt: NOW,
    publishedSeq: from + at,
    position: from + at,
  }));
  return { kind: 'BATCH', next: from + values.length, request: null, items, lag: 0 };
}
