import { DAY_MS } from '../../domain/instant.ts';

export const PRICE_TOPICS = ['prices', 'dayahead_prices', 'realtime_prices'] as const;

export type PriceTopic = (typeof PRICE_TOPICS)[number];

/** How a topic is laid out in the event log. */
export interface Topic {
  readonly topic: PriceTopic;
  readonly partitions: number;
  readonly retentionMs: number;
  readonly recordBytesMax: number;
}

/** Records are keyed by hub, so that a hub's prices stay in order; six partitions let six ingestors share a topic. */
const PARTITIONS = 6;

const RETENTION_MS = 7 * DAY_MS;

/** Far above what the pipeline accepts: a record that is too large must reach us, to become a dead letter. */
const RECORD_BYTES_MAX = 16 * 1024 * 1024;

export const TOPICS: readonly Topic[] = PRICE_TOPICS.map((topic) => ({
  topic,
  partitions: PARTITIONS,
  retentionMs: RETENTION_MS,
  recordBytesMax: RECORD_BYTES_MAX,
}));
