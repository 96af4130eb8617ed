import { setTimeout as delay } from 'node:timers/promises';
import type { Admin } from 'kafkajs';
import type { Consumption, LogConsumer } from './event-log.ts';
import { type KafkaSettings, kafkaError } from './kafka-client.ts';
import { restMs } from './kafka-lane.ts';
import { KafkaMembership } from './kafka-membership.ts';

const RESTART_MS_MIN = 500;
/** Up to 4 s: connecting has its own tries, and a broker that is back should not wait for us. */
const RESTART_DOUBLINGS_MAX = 3;
const SOUND_MS_MIN = 60_000;

/**
 * Keeps a member in its group: a consumer that crashed or stalls is replaced by a new one after a growing pause.
 * `ended` rejects only where the broker refuses us for good, or sends what we cannot read.
 */
export function startConsumption(
  settings: KafkaSettings,
  admin: () => Promise<Admin>,
  wanted: LogConsumer,
): Consumption {
  const stopping = new AbortController();
  const ended = keepReading(settings, admin, wanted, stopping.signal);
  // Whoever stops it learns of the end by `stop`; not everybody asks for `ended`.
  ended.catch(() => undefined);
  return {
    ended,
    async stop() {
      stopping.abort();
      await ended.catch(() => undefined);
    },
  };
}

async function keepReading(
  settings: KafkaSettings,
  admin: () => Promise<Admin>,
  wanted: LogConsumer,
  signal: AbortSignal,
): Promise<void> {
  for (let failures = 0; !signal.aborted; failures++) {
    const startedAt = Date.now();
    const membership = new KafkaMembership(settings, admin, wanted);
    const failure = await live(membership, signal);
    if (failure === undefined) return;
    if (Date.now() - startedAt > SOUND_MS_MIN) failures = 0;
    const error = kafkaError(`reading of group ${wanted.group} ended`, failure);
    // A topic that is not there yet may come: whoever writes to it creates it.
    if (!error.retriable && error.code !== 'NOT_FOUND') throw error;
    const pauseMs = restMs(RESTART_MS_MIN, Math.min(failures, RESTART_DOUBLINGS_MAX));
    settings.log.error({ group: wanted.group, failures, pauseMs, err: error }, 'log consumer restarts');
    await delay(pauseMs, undefined, { signal }).catch(() => undefined);
  }
}

/** @returns why it failed; undefined where it was stopped. */
async function live(membership: KafkaMembership, signal: AbortSignal): Promise<unknown> {
  const stopped = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
  try {
    await membership.start();
    if (!signal.aborted) await Promise.race([stopped, membership.failed]);
    return undefined;
  } catch (error) {
    return error;
  } finally {
    await membership.end();
  }
}
