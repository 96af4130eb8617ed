import type { Logger } from 'pino';
import { MINUTE_MS } from '../../domain/instant.ts';
import type { CoreConfig } from '../config.ts';
import type { LiveBus } from './live-bus.ts';
import { createRingBus } from './ring-bus.ts';

/**
 * The configured live bus: Redis, or a ring that lives and dies with this process. The client of Redis is loaded where there is
 * one: it takes a third of the time in which a command starts.
 */
export async function openBus(config: CoreConfig, log: Logger): Promise<LiveBus> {
  const window = { entriesMax: config.LIVE_WINDOW_ENTRIES, ageMsMax: config.LIVE_WINDOW_MINUTES * MINUTE_MS };
  if (!config.REDIS_URL) return createRingBus({ window, clock: Date.now });
  const { createRedisBus } = await import('./redis-bus.ts');
  return createRedisBus({ url: config.REDIS_URL.reveal(), window, log });
}
