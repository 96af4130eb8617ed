import { randomUUID } from 'node:crypto';
import { type Batch, type Consumer, type EachBatchPayload, Kafka, logLevel } from 'kafkajs';

/** What Busbar asks kafkajs for too, so that both fetch the same: bytes, milliseconds, partitions. */
const FETCH = { maxBytesPerPartition: 8 * 1024 * 1024, maxBytes: 32 * 1024 * 1024, maxWaitTimeInMs: 250 };
const AT_ONCE = 8;

/**
 * Kafkajs that consumes the topic and does nothing with it but what it is told.
 * @param onBatch in batches, which is cheapest for it and what Busbar builds on; without it message by message, as its users do.
 * @returns seconds, from joining the group on.
 */
export async function consumeAlone(
  brokers: readonly string[],
  topic: string,
  records: number,
  onBatch?: (batch: Batch) => Promise<void>,
): Promise<number> {
  const consumer = await connectAlone(brokers, topic);
  let joinedAt = 0;
  let seen = 0;
  consumer.on(consumer.events.GROUP_JOIN, () => {
    joinedAt = performance.now();
  });
  const endedAt = await new Promise<number>((done, failed) => {
    const count = (more: number) => {
      seen += more;
      if (seen >= records) done(performance.now());
    };
    const eachBatch = async ({ batch }: EachBatchPayload) => {
      await onBatch?.(batch);
      count(batch.messages.length);
    };
    const handlers = onBatch ? { eachBatch } : { eachMessage: async () => count(1) };
    consumer.on(consumer.events.CRASH, ({ payload }) => failed(payload.error));
    consumer.run({ partitionsConsumedConcurrently: AT_ONCE, ...handlers }).catch(failed);
  });
  await consumer.disconnect();
  return (endedAt - joinedAt) / 1000;
}

/** A stock consumer in a group of its own, at the beginning of the topic. */
export async function connectAlone(brokers: readonly string[], topic: string): Promise<Consumer> {
  const kafka = new Kafka({ clientId: 'alone', brokers: [...brokers], logLevel: logLevel.NOTHING });
  const consumer = kafka.consumer({ groupId: `alone-${randomUUID()}`, ...FETCH });
  await consumer.connect();
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  return consumer;
}
