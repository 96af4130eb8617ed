import { setTimeout as sleep } from 'node:timers/promises';

const BACKOFF_MS_MIN = 200;
const BACKOFF_MS_MAX = 10_000;

/** Resolves after the time, or as soon as the signal is aborted. */
export async function pause(durationMs: number, signal: AbortSignal): Promise<void> {
  await sleep(durationMs, undefined, { signal }).catch(() => {});
}

/** Milliseconds. Doubles with each failure in a row up to ten seconds; half of it is chance, so that many do not return as one. */
export function backoffMs(failures: number): number {
  return Math.round(Math.min(BACKOFF_MS_MAX, BACKOFF_MS_MIN * 2 ** failures) * (0.5 + Math.random() / 2));
}
