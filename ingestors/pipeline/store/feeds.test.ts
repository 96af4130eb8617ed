import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { nodeNameFrom } from '../../../domain/market.ts';
import { readConfig } from '../../../runtime/config.ts';
import { inventedFeed } from '../../../tests/support/job-bench.ts';
import { freshDatabase, type TestDatabase } from '../../../tests/support/postgres.ts';
import type { Expectation, Feed } from '../../feed.ts';
import { JSON_TOPIC_FEEDS } from '../../feeds/json-topics/feed.ts';
import { registerFeeds, renewExpectations } from './feeds.ts';

const EXPECTED: Expectation = {
  partition: 'A',
  run: 'REAL_TIME_HOURLY',
  market: 'PJM',
  nodes: [],
  intervalMs: 3_600_000,
  dueMs: 7_200_000,
};

describe('registering feeds', () => {
  let db: TestDatabase;
  beforeAll(async () => {
    db = await freshDatabase();
  });
  beforeEach(() => db.pool.query('TRUNCATE feed CASCADE'));
  afterAll(() => db.drop());

  const settings = z.object({});
  const config = readConfig({}, [settings]);
  const feedOf = (partitions: readonly string[], expectations: readonly Expectation[]): Feed => {
    const feed = inventedFeed({ asked: [], answer: () => '' }, { partitions, streams: { 'invented.a': ['A'] } });
    return { ...feed, source: { ...feed.source, env: settings, expectations: () => expectations } };
  };
  const owed = async () =>
    (
      await db.pool.query(
        `SELECT partition, run, market_id AS market, nodes, interval_ms AS "intervalMs", due_ms AS "dueMs"
         FROM feed_expectation WHERE feed_id = 'invented' ORDER BY partition`,
      )
    ).rows;

  it('writes down their kind, their streams and what they owe', async () => {
    await registerFeeds(db.pool, [...JSON_TOPIC_FEEDS, feedOf(['A'], [EXPECTED])], config);
    const { rows } = await db.pool.query(
      `SELECT kind, streams FROM feed WHERE id IN ('prices', 'invented') ORDER BY id`,
    );
    expect(rows).toEqual([
      { kind: 'poll', streams: { 'invented.a': ['A'] } },
      { kind: 'topic', streams: {} },
    ]);
    expect(await owed()).toEqual([EXPECTED]);
  });

  it('replaces what they owed before', async () => {
    await registerFeeds(db.pool, [feedOf(['A', 'B'], [EXPECTED, { ...EXPECTED, partition: 'B' }])], config);
    await registerFeeds(db.pool, [feedOf(['B'], [{ ...EXPECTED, partition: 'B', dueMs: 1 }])], config);
    expect(await owed()).toEqual([{ ...EXPECTED, partition: 'B', dueMs: 1 }]);
  });

  it('tells of nodes that were polled for till now, and are not any more', async () => {
    const feed = feedOf(['A'], [EXPECTED]);
    await registerFeeds(db.pool, [feed], config);
    expect(await registerFeeds(db.pool, [feed], config)).toEqual([]);
    const others = feedOf(['A'], [{ ...EXPECTED, nodes: [nodeNameFrom('PJM', 'OTHER') ?? expect.unreachable()] }]);
    expect(await registerFeeds(db.pool, [others], config)).toEqual([
      { feed: 'invented', partition: 'A', nodes: EXPECTED.nodes },
    ]);
  });

  it('lets what another process is configured for be owed on', async () => {
    await registerFeeds(db.pool, [feedOf(['A'], [EXPECTED])], config);
    await registerFeeds(db.pool, [feedOf([], [EXPECTED])], config);
    expect(await owed()).toEqual([EXPECTED]);
  });

  it('says what they owe again, and takes nothing away with that', async () => {
    const other = { ...EXPECTED, partition: 'B' };
    await registerFeeds(db.pool, [feedOf(['B'], [other])], config);
    await db.pool.query(`UPDATE feed_expectation SET renewed_at = '2026-01-01'`);
    await renewExpectations(db.pool, [feedOf(['A'], [EXPECTED])], config);
    expect(await owed()).toEqual([EXPECTED, other]);
    await renewExpectations(db.pool, [feedOf([], [other])], config);
    const { rows } = await db.pool.query(
      `SELECT partition, renewed_at > now() - interval '1 minute' AS new FROM feed_expectation ORDER BY partition`,
    );
    expect(rows).toEqual([
      { partition: 'A', new: true },
      { partition: 'B', new: false },
    ]);
    await registerFeeds(db.pool, [feedOf(['B'], [other])], config);
    expect(await owed()).toEqual([other]);
  });

  it('without settings leaves what they owe to those who know', async () => {
    await registerFeeds(db.pool, [feedOf(['A'], [EXPECTED])], config);
    await registerFeeds(db.pool, [feedOf(['A'], [])]);
    expect(await owed()).toEqual([EXPECTED]);
  });

  it('may be done by several processes at once', async () => {
    const feeds = [...JSON_TOPIC_FEEDS, feedOf(['A'], [EXPECTED])];
    await Promise.all(Array.from({ length: 8 }, () => registerFeeds(db.pool, feeds, config)));
    expect(await owed()).toEqual([EXPECTED]);
  });
});
