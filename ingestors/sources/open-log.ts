import { hostname } from 'node:os';
import type { Logger } from 'pino';
import type { Store } from '../../prisma/store.ts';
import type { CoreConfig } from '../../runtime/config.ts';
import type { EventLog } from './event-log.ts';
import { createKafkaLog } from './kafka-log.ts';
import { createPostgresLog } from './postgres-log.ts';

/** The configured event log: Kafka, or the durable one in the store. */
export function openEventLog(config: CoreConfig, store: Store, log: Logger): EventLog {
  if (!config.KAFKA_BROKERS) return createPostgresLog({ pool: store.pool, connectionString: store.url, log });
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
