import type { Logger } from 'pino';
import type { Config } from '../runtime/config.ts';
import { createHealth, type Health } from '../runtime/health.ts';
import { watchDependency } from '../runtime/heartbeat.ts';
import type { Lifecycle } from '../runtime/lifecycle.ts';
import type { LiveBus } from '../runtime/live-bus/live-bus.ts';
import { openBus } from '../runtime/live-bus/open-bus.ts';
import { createMetrics, type Metrics } from '../runtime/metrics.ts';
import { openStore, type Store } from './store.ts';

/** What every process of Busbar stands on. */
export interface Platform {
  readonly config: Config;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly health: Health;
  readonly store: Store;
  readonly bus: LiveBus;
}

/** What a process has before it reaches anything: enough to answer health requests while it starts. */
export type Ground = Pick<Platform, 'config' | 'log' | 'metrics' | 'health'>;

export function createGround(config: Config, log: Logger): Ground {
  return { config, log, metrics: createMetrics(), health: createHealth() };
}

/** Opens the store and the live bus as parts of a process, and watches both. */
export async function openPlatform(lifecycle: Lifecycle, ground: Ground, name: string): Promise<Platform> {
  const { config, log, metrics, health } = ground;
  const store = await lifecycle.start(
    'store',
    () => openStore(config.core, name, (err) => log.warn({ err }, 'store connection lost')),
    (opened) => opened.close(),
  );
  metrics.watchPool('store', store.pool);
  await watched(lifecycle, health, 'store', () => store.pool.query('SELECT 1'));
  const bus = await lifecycle.start(
    'live bus',
    () => openBus(config.core, log),
    (opened) => opened.close(),
  );
  await watched(lifecycle, health, 'live bus', () => bus.ping());
  return { ...ground, store, bus };
}

/** Watches a dependency as long as the process lives. */
export async function watched(
  lifecycle: Lifecycle,
  health: Health,
  name: string,
  ask: () => Promise<unknown>,
): Promise<void> {
  await lifecycle.start(
    `${name} heartbeat`,
    () => watchDependency(health, name, ask),
    async (heartbeat) => heartbeat.stop(),
  );
}
