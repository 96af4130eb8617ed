import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../feed.ts';

export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: async (ms, signal) => {
    await sleep(ms, undefined, signal ? { signal } : {}).catch((error: unknown) => {
      signal?.throwIfAborted();
      throw error;
    });
  },
  deadline: (ms) => AbortSignal.timeout(ms),
};
