import { pino } from 'pino';
import { expect, it } from 'vitest';
import type { Feed } from './feed.ts';
import { JSON_TOPIC_FEEDS } from './feeds/json-topics/feed.ts';
import type { Unit } from './pipeline/unit.ts';
import type { EventLog, LogBatch, PartitionHandler } from './sources/event-log.ts';
import { runTopics, type TopicFeed } from './topic-runner.ts';

const RECORD = { key: null, value: Buffer.from('{}'), headers: {}, appendedAt: 1 };

/** What the runner makes of a batch: its units, with the position each begins at. */
async function unitsOf(
  batch: Pick<LogBatch, 'topic' | 'records'> & Partial<LogBatch>,
): Promise<(Unit & { from: number })[]> {
  const units: (Unit & { from: number })[] = [];
  let handler: PartitionHandler | undefined;
  const consume: EventLog['consume'] = async (options) => {
    handler = options.handler;
    return { ended: new Promise(() => {}), stop: async () => {} };
  };
  const feeds = JSON_TOPIC_FEEDS.filter((feed: Feed): feed is TopicFeed => feed.source.kind === 'topic');
  const claim = { feed: batch.topic, partition: '0', epoch: 1, position: 0 };
  await runTopics(feeds, {
    log: pino({ level: 'silent' }),
    eventLog: { consume } as EventLog,
    pipeline: {
      ingest: async (_, held, unit) => {
        units.push({ ...unit, from: held.position ?? 0 });
        held.position = unit.next;
        return expect.anything();
      },
    },
    announcer: { announce: async () => {}, catchUp: async () => {}, announcedOf: () => 0, sweep: async () => true },
    claim: async () => claim,
  });
  await handler?.claim(batch.topic, 0);
  await handler?.handle({ partition: 0, from: 0, next: 2_000, end: 2_100, ...batch });
  return units;
}

it('trades are committed a few hundred at a time, each commit where the one before it ended', async () => {
  // Offset 700 is not there, as after a compaction.
  const records = Array.from({ length: 1_200 }, (_, place) => ({ ...RECORD, offset: place < 700 ? place : place + 1 }));
  const units = await unitsOf({ topic: 'trades', records, next: 1_201, lost: { from: 0, to: 5 } });
  expect(units.map(({ from, next, items }) => [from, next, items.length])).toEqual([
    [0, 500, 500],
    [500, 1_001, 500],
    [1_001, 1_201, 200],
  ]);
  expect(units.map(({ failure }) => failure !== undefined)).toEqual([true, false, false]);
  expect(units.flatMap(({ items }) => items.map(({ position }) => position))).toEqual(
    records.map(({ offset }) => offset),
  );
});

it('prices are committed as they were read', async () => {
  const records = Array.from({ length: 2_000 }, (_, offset) => ({ ...RECORD, offset }));
  expect(await unitsOf({ topic: 'prices', records })).toHaveLength(1);
});
