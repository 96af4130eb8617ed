import { DAY_MS } from '../../domain/instant.ts';

export const PRICE_TOPICS = ['prices', 'dayahead_prices', 'realtime_prices'] as const;

export type PriceTopic = (typeof PRICE_TOPICS)[number];

export const TRADE_TOPIC = 'trades';

/** What is known of pricing nodes. */
export const NODES_TOPIC = 'nodes';

/** Written by Busbar itself. */
export const FORECASTS_TOPIC = 'forecasts';

/** How a topic is laid out in the event log. */
export interface Topic {
  readonly topic: PriceTopic | typeof TRADE_TOPIC | typeof NODES_TOPIC | typeof FORECASTS_TOPIC;
  readonly partitions: number;
  readonly retentionMs: number;
  readonly recordBytesMax: number;
  /** The field of a record that is its key. */
  readonly keyField: 'hub' | 'account' | 'node' | 'node_id';
}

/**
 * Prices are keyed by hub, forecasts and nodes by node and trades by account, so that a hub's prices and an account's trades stay in
 * order; six partitions let six ingestors share a topic.
 */
const PARTITIONS = 6;

const PRICE_RETENTION_MS = 7 * DAY_MS;

/** A market publishes a price again when asked; a trade or a node that was not read in time is told by nobody else. */
const TOLD_ONCE_RETENTION_MS = 90 * DAY_MS;

/** Far above what the pipeline accepts: a record that is too large must reach us, to become a dead letter. */
const RECORD_BYTES_MAX = 16 * 1024 * 1024;

export const TOPICS: readonly Topic[] = [
  ...PRICE_TOPICS.map((topic) => topicOf(topic, 'hub', PRICE_RETENTION_MS)),
  topicOf(TRADE_TOPIC, 'account', TOLD_ONCE_RETENTION_MS),
  topicOf(NODES_TOPIC, 'node_id', TOLD_ONCE_RETENTION_MS),
  topicOf(FORECASTS_TOPIC, 'node', PRICE_RETENTION_MS),
];

function topicOf(topic: Topic['topic'], keyField: Topic['keyField'], retentionMs: number): Topic {
  return { topic, partitions: PARTITIONS, retentionMs, recordBytesMax: RECORD_BYTES_MAX, keyField };
}
