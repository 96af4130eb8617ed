import { type Admin, CompressionTypes, Kafka, type KafkaConfig, type LogEntry, logLevel } from 'kafkajs';
import type { Logger } from 'pino';
import { BusbarError, type ErrorCode, messageOf } from '../../domain/errors.ts';
import type { PartitionBounds } from './event-log.ts';
import { stopIdleTimers } from './kafka-idle-timer.ts';

export interface KafkaSettings {
  /** `host:port` of each broker. */
  readonly brokers: readonly string[];
  readonly ssl: boolean;
  readonly sasl?: NonNullable<KafkaConfig['sasl']> | undefined;
  readonly clientId: string;
  readonly log: Logger;
}

/**
 * Kafkajs takes its defaults for retries from `NODE_ENV`; all of them are given here. Six tries take about 8 s: a
 * broker that restarts is ridden out, one that is away is reported.
 */
const RETRY = { retries: 6, initialRetryTime: 300, factor: 0.2, multiplier: 2, maxRetryTime: 2_000 };

export const COMPRESSION = CompressionTypes.GZIP;

/** A client of its own for each consumer: members of one group that share a client overwrite each other's offsets. */
export function createKafkaClient({ brokers, ssl, sasl, clientId, log }: KafkaSettings): Kafka {
  stopIdleTimers();
  return new Kafka({
    brokers: [...brokers],
    clientId,
    ssl,
    ...(sasl && { sasl }),
    connectionTimeout: 3_000,
    requestTimeout: 30_000,
    retry: RETRY,
    logLevel: logLevel.WARN,
    // What kafkajs calls an error it mostly tries again; what it does not try again, we report ourselves.
    logCreator: () => (entry) => log.warn(fieldsOf(entry), 'kafka client warns'),
  });
}

function fieldsOf({ namespace, log }: LogEntry): Record<string, unknown> {
  const { message, error, broker, groupId, topic, partition } = log;
  return { part: namespace, message, error, broker, groupId, topic, partition };
}

/** What the broker answers, by kafkajs' names and types, to things that trying again will not mend. */
const REFUSALS: Readonly<Record<string, ErrorCode>> = {
  KafkaJSSASLAuthenticationError: 'SOURCE_REFUSED',
  TOPIC_AUTHORIZATION_FAILED: 'SOURCE_REFUSED',
  GROUP_AUTHORIZATION_FAILED: 'SOURCE_REFUSED',
  CLUSTER_AUTHORIZATION_FAILED: 'SOURCE_REFUSED',
  // A record compressed with a codec we do not have.
  KafkaJSNotImplemented: 'MALFORMED',
  MESSAGE_TOO_LARGE: 'LIMIT_EXCEEDED',
  UNKNOWN_TOPIC_OR_PARTITION: 'NOT_FOUND',
};

/** Names an error of kafkajs in our words; whatever is not a refusal means that the log cannot be reached. */
export function kafkaError(doing: string, error: unknown): BusbarError {
  const code = causes(error).map(refusalOf).find(Boolean) ?? 'UNAVAILABLE';
  return new BusbarError(code, `${doing}: ${messageOf(error)}`, { cause: error });
}

function refusalOf(error: Error): ErrorCode | undefined {
  const type = 'type' in error && typeof error.type === 'string' ? error.type : '';
  return REFUSALS[type] ?? REFUSALS[error.name];
}

/** The error and what led to it: kafkajs wraps in `cause`, in `errors`, or in both. */
function causes(error: unknown): Error[] {
  if (!(error instanceof Error)) return [];
  const aggregated: unknown[] = 'errors' in error && Array.isArray(error.errors) ? error.errors : [];
  return [error, ...causes(error.cause), ...aggregated.flatMap(causes)];
}

/** @returns the bounds in the order of the partitions. */
export async function fetchBounds(admin: Admin, topic: string): Promise<PartitionBounds[]> {
  const offsets = await admin.fetchTopicOffsets(topic);
  return offsets
    .map(({ partition, low, high }) => ({ partition, low: Number(low), end: Number(high) }))
    .sort((one, other) => one.partition - other.partition);
}

/** @throws Error when the time is over; what was waited for goes on. */
export async function within<T>(ms: number, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
