/** A process of consumers that have nothing to read: `stock`, kafkajs as it is, or `busbar`. Prints what it takes as JSON. */
import { createHook } from 'node:async_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { createKafkaLog } from '../../ingestors/sources/kafka-log.ts';
import { connectAlone } from './alone.ts';
import type { Idle } from './idle.ts';

const SETTLE_MS = 5_000;
const MEASURE_MS = 10_000;
const TIMERS_MS = 2_000;

const [whose = '', broker = '', ...topics] = process.argv.slice(2);
await (whose === 'stock' ? consumeStock() : consumeBusbar());
await sleep(SETTLE_MS);
const idle: Idle = { cpuPercent: await cpuPercent(), timersPerSecond: await timersPerSecond() };
console.log(JSON.stringify(idle));
process.exit(0);

async function consumeStock(): Promise<void> {
  for (const topic of topics) {
    const consumer = await connectAlone([broker], topic);
    await consumer.run({ eachBatch: async () => {} });
  }
}

async function consumeBusbar(): Promise<void> {
  const log = pino({ level: 'silent' });
  const eventLog = createKafkaLog({ brokers: [broker], ssl: false, clientId: 'idle', log });
  const handler = { claim: async () => undefined, handle: async () => {} };
  for (const topic of topics)
    await eventLog.consume({ group: `idle-${topic}`, topics: [topic], batchRecordsMax: 5_000, handler });
}

/** Of one core. */
async function cpuPercent(): Promise<number> {
  const [before, startedAt] = [process.cpuUsage(), performance.now()];
  await sleep(MEASURE_MS);
  const { user, system } = process.cpuUsage(before);
  return Math.round((user + system) / (performance.now() - startedAt)) / 10;
}

/** Counted apart, because counting takes time too. */
async function timersPerSecond(): Promise<number> {
  let timers = 0;
  const hook = createHook({
    init(_id, type) {
      if (type === 'Timeout') timers++;
    },
  }).enable();
  await sleep(TIMERS_MS);
  hook.disable();
  return Math.round((timers * 1_000) / TIMERS_MS);
}
