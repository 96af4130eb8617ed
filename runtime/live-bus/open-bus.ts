import type { Logger } from 'pino';
import { MINUTE_MS } from '../../domain/instant.ts';
import type { CoreConfig } from '../config.ts';
import type { LiveBus } from './live-bus.ts';
import { createRedisBus } from './redis-bus.ts';
import { createRingBus } from './ring-bus.ts';

/** The configured live bus: Redis, or a ring that lives and dies with this process. */
export function openBus(config: CoreConfig, log: Logger): LiveBus {
  const window = { entriesMax: config.LIVE_WINDOW_ENTRIES, ageMsMax: config.LIVE_WINDOW_MINUTES * MINUTE_MS };
  if (!config.REDIS_URL) return createRingBus({ window, clock: Date.now });
  return createRedisBus({ url: config.REDIS_URL.reveal(), window, log });
}
