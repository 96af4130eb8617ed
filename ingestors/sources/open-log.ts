import { hostname } from 'node:os';
import type { Logger } from 'pino';
import type { Store } from '../../prisma/store.ts';
import type { CoreConfig } from '../../runtime/config.ts';
import type { EventLog } from './event-log.ts';
import { createPostgresLog } from './postgres-log.ts';

/**
 * One process reads all of the embedded log, so that partitions only let it commit one batch while it reads another. More of
 * them are more and smaller commits: with two instead of six, a trade was at its subscriber in 134 ms instead of 451 (p50 of
 * `npm run bench -- trading`, on two cores).
 */
const PARTITIONS_MAX = 2;

/** The configured event log: Kafka, whose client is loaded only then, or the durable one in the store. */
export async function openEventLog(config: CoreConfig, store: Store, log: Logger): Promise<EventLog> {
  if (!config.KAFKA_BROKERS)
    return createPostgresLog({ pool: store.pool, connectionString: store.url, log, partitionsMax: PARTITIONS_MAX });
  const { createKafkaLog } = await import('./kafka-log.ts');
  return createKafkaLog({
    brokers: config.KAFKA_BROKERS,
    ssl: config.KAFKA_SSL,
    sasl: saslOf(config),
    clientId: `busbar-${hostname()}-${process.pid}`,
    log,
  });
}

function saslOf(config: CoreConfig) {
  const { KAFKA_SASL_MECHANISM: mechanism, KAFKA_USERNAME: username, KAFKA_PASSWORD: password } = config;
  if (!mechanism || !username || !password) return undefined;
  const credentials = { username, password: password.reveal() };
  // Spelled out by mechanism, as the client's types tell them apart.
  if (mechanism === 'plain') return { mechanism, ...credentials } as const;
  if (mechanism === 'scram-sha-256') return { mechanism, ...credentials } as const;
  return { mechanism, ...credentials } as const;
}
