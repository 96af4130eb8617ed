import type { Health } from './health.ts';

/** How often a dependency is asked whether it still answers. */
const EVERY_MS = 5_000;
/** Three answers missed. */
const STALE_MS_MAX = 15_000;

export interface Heartbeat {
  stop(): void;
}

/**
 * Keeps a component of the health report true by asking the dependency itself, again and again: a connection that
 * stands proves nothing. The first answer is awaited.
 */
export async function watchDependency(health: Health, name: string, ask: () => Promise<unknown>): Promise<Heartbeat> {
  const progress = health.progress(name, STALE_MS_MAX);
  await ask();
  progress.succeeded();
  const timer = setInterval(() => {
    // A failure is reported by the age of the last success.
    ask().then(progress.succeeded, () => {});
  }, EVERY_MS);
  return { stop: () => clearInterval(timer) };
}
