import { DAY_MS } from '../../domain/instant.ts';

export const PRICE_TOPICS = ['prices', 'dayahead_prices', 'realtime_prices'] as const;

export type PriceTopic = (typeof PRICE_TOPICS)[number];

export const TRADE_TOPIC = 'trades';

/** Written by Busbar itself. */
export const FORECASTS_TOPIC = 'forecasts';

/** How a topic is laid out in the event log. */
export interface Topic {
  readonly topic: PriceTopic | typeof TRADE_TOPIC | typeof FORECASTS_TOPIC;
  readonly partitions: number;
  readonly retentionMs: number;
  readonly recordBytesMax: number;
}

/**
 * Prices are keyed by hub, forecasts by node and trades by account, so that a hub's prices and an account's trades stay in order; six partitions
 * let six ingestors share a topic.
 */
const PARTITIONS = 6;

const PRICE_RETENTION_MS = 7 * DAY_MS;

/** A market publishes a price again when asked; a trade that was not read in time is told by nobody else. */
const TRADE_RETENTION_MS = 90 * DAY_MS;

/** Far above what the pipeline accepts: a record that is too large must reach us, to become a dead letter. */
const RECORD_BYTES_MAX = 16 * 1024 * 1024;

export const TOPICS: readonly Topic[] = [
  ...PRICE_TOPICS.map((topic) => topicOf(topic, PRICE_RETENTION_MS)),
  topicOf(TRADE_TOPIC, TRADE_RETENTION_MS),
  topicOf(FORECASTS_TOPIC, PRICE_RETENTION_MS),
];

function topicOf(topic: Topic['topic'], retentionMs: number): Topic {
  return { topic, partitions: PARTITIONS, retentionMs, recordBytesMax: RECORD_BYTES_MAX };
}
