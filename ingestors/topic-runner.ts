/**
 * Runs topic feeds: takes what the log hands over, batch by batch, through the pipeline. Whose partition it is and where
 * it stands is decided by the store; the log's own groups only spread the work.
 */
import type { Logger } from 'pino';
import { BusbarError } from '../domain/errors.ts';
import type { FamilyName, Feed, TopicSource } from './feed.ts';
import { failureOf, itemsOf } from './log-items.ts';
import type { Announcer } from './pipeline/announcer.ts';
import type { Pipeline } from './pipeline/pipeline.ts';
import type { Claim } from './pipeline/store/positions.ts';
import type { Consumption, EventLog, LogBatch, PartitionHandler } from './sources/event-log.ts';

export interface TopicRunnerParts {
  readonly log: Logger;
  readonly eventLog: EventLog;
  readonly pipeline: Pipeline;
  readonly announcer: Announcer;
  /** Makes this process the owner of a partition. */
  claim(feed: string, partition: string): Promise<Claim>;
}

export type TopicFeed = Feed & { readonly source: TopicSource };

const CONSUMER_GROUP = 'busbar';

/** Enough to spread the cost of a commit (~3 ms) over; few enough that a live price waits for tens of milliseconds. */
const BATCH_RECORDS_MAX = 5_000;

/** A trade holds its position until the commit, and others who trade there wait: these commits are kept short. */
const COMMIT_RECORDS_MAX: Readonly<Record<FamilyName, number>> = {
  lmp: BATCH_RECORDS_MAX,
  trades: 500,
  tariffs: BATCH_RECORDS_MAX,
  'plant-status': BATCH_RECORDS_MAX,
  'control-signals': BATCH_RECORDS_MAX,
  places: BATCH_RECORDS_MAX,
};

export function runTopics(feeds: readonly TopicFeed[], parts: TopicRunnerParts): Promise<Consumption> {
  const byTopic = new Map(feeds.map((feed) => [feed.source.topic, feed]));
  return parts.eventLog.consume({
    group: CONSUMER_GROUP,
    topics: [...byTopic.keys()],
    batchRecordsMax: BATCH_RECORDS_MAX,
    handler: handlerOf((topic) => {
      const feed = byTopic.get(topic);
      if (!feed) throw new TypeError(`no feed reads the topic ${topic}`);
      return feed;
    }, parts),
  });
}

function handlerOf(
  feedOf: (topic: string) => TopicFeed,
  { claim, pipeline, announcer, log }: TopicRunnerParts,
): PartitionHandler {
  const claims = new Map<string, Claim>();
  return {
    claim: async (topic, partition) => {
      const feed = feedOf(topic);
      const claimed = await claim(feed.id, String(partition));
      claims.set(`${topic}/${partition}`, claimed);
      await announcer.catchUp(feed.id, claimed.partition);
      log.info({ feed: feed.id, partition, position: claimed.position, epoch: claimed.epoch }, 'partition claimed');
      return claimed.position;
    },
    handle: async (batch) => {
      const held = claims.get(`${batch.topic}/${batch.partition}`);
      if (!held) throw new BusbarError('FENCED', `partition ${batch.partition} of ${batch.topic} was never claimed`);
      if (batch.lost) log.error({ topic: batch.topic, partition: batch.partition, ...batch.lost }, 'records lost');
      const feed = feedOf(batch.topic);
      for (const part of partsOf(batch, COMMIT_RECORDS_MAX[feed.family])) {
        await pipeline.ingest(feed, held, {
          kind: 'BATCH',
          next: part.next,
          request: null,
          items: itemsOf(part),
          lag: Math.max(0, part.end - part.next),
          ...failureOf(part),
        });
      }
    },
  };
}

/** A batch in parts that follow each other; what was lost before it belongs to the first. */
function partsOf(batch: LogBatch, recordsMax: number): LogBatch[] {
  if (batch.records.length <= recordsMax) return [batch];
  const { lost: _, ...rest } = batch;
  const parts: LogBatch[] = [];
  for (let at = 0, from = batch.from; at < batch.records.length; at += recordsMax) {
    const next = batch.records[at + recordsMax]?.offset ?? batch.next;
    const records = batch.records.slice(at, at + recordsMax);
    parts.push({ ...(at === 0 ? batch : rest), from, next, records });
    from = next;
  }
  return parts;
}
