/** `npm run soak -- <name>`: the long runs, whose short versions are in the test suite. Prints what it saw as JSON. */
import { pino } from 'pino';
import { openBenchStore } from '../../bench/bench-store.ts';
import { createKafkaLog } from '../../ingestors/sources/kafka-log.ts';
import { createPostgresLog } from '../../ingestors/sources/postgres-log.ts';
import { type KillFault, runKillFault } from '../faults/kill-ingestors.ts';
import { startKafka } from '../support/kafka.ts';
import { startRedis } from '../support/redis.ts';

const log = pino({ level: 'silent' });

const SOAKS: Readonly<Record<string, () => Promise<object>>> = {
  'kill-ingestors': () => killIngestors(async (parts) => runKillFault({ ...parts, logEnvironment: {} })),
  'kill-ingestors-kafka': () =>
    killIngestors(async (parts) => {
      const kafka = await startKafka();
      const eventLog = createKafkaLog({ brokers: kafka.brokers, ssl: false, clientId: 'soak', log });
      try {
        return await runKillFault({ ...parts, eventLog, logEnvironment: { KAFKA_BROKERS: kafka.brokers.join(',') } });
      } finally {
        await eventLog.close();
        await kafka.stop();
      }
    }),
};

const name = process.argv[2] ?? '';
const soak = SOAKS[name];
if (!soak) {
  console.error(`usage: npm run soak -- <name>\nsoaks: ${Object.keys(SOAKS).join(', ')}`);
  process.exit(2);
}
console.log(JSON.stringify({ soak: name, ...(await soak()) }, null, 2));
process.exit(0);

/** 200,000 records and 20 kills. */
async function killIngestors(run: (parts: Omit<KillFault, 'logEnvironment'>) => Promise<object>): Promise<object> {
  const store = await openBenchStore();
  const redis = await startRedis();
  const { pool, url } = await store.fresh('soak');
  const eventLog = createPostgresLog({ pool, connectionString: url, log });
  try {
    const parts = { pool, databaseUrl: url, redisUrl: redis.url, eventLog, records: 200_000, kills: 20, seed: 11 };
    return await run(parts);
  } finally {
    await eventLog.close();
    await redis.stop();
    await store.close();
  }
}
