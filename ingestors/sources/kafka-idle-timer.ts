/**
 * Takes from kafkajs 2.2.4 the timer that it leaves running on every connection from the first answer on.
 *
 * Each answer makes its request queue look again after the time that the broker has throttled it for. Where nothing is throttled,
 * that is a negative number of milliseconds, which Node takes for one: the look comes at once, finds nothing, and makes the next.
 * Up to a thousand timers a second for each connection, of which a consumer has two or three, do nothing for as long as it lives.
 * Only requests that wait need a look, and whoever makes one wait asks for it.
 *
 * An idle process with one consumer of six partitions made 1,700 timers a second and took 5 % of a core; now it makes one and takes
 * 0.9 %. With twelve consumers it was 18,400 and 10 %, and is one and 6.5 %: what is left are the fetches, four a second each
 * (`npm run bench -- kafka`).
 */
import { createRequire } from 'node:module';

interface RequestQueue {
  readonly pending: readonly unknown[];
  scheduleCheckPendingRequests(): void;
}

/** To be called before the first client is made; again, it does nothing. A kafkajs that is made otherwise is left as it is. */
export function stopIdleTimers(): void {
  const queue = requestQueuePrototype();
  if (!queue || stopped.has(queue)) return;
  stopped.add(queue);
  const schedule = queue.scheduleCheckPendingRequests;
  queue.scheduleCheckPendingRequests = function (this: RequestQueue) {
    if (this.pending.length > 0) schedule.call(this);
  };
}

const stopped = new WeakSet<RequestQueue>();

function requestQueuePrototype(): RequestQueue | undefined {
  try {
    const loaded: unknown = createRequire(import.meta.url)('kafkajs/src/network/requestQueue');
    const prototype: unknown = typeof loaded === 'function' ? loaded.prototype : undefined;
    return isRequestQueue(prototype) ? prototype : undefined;
  } catch {
    return undefined;
  }
}

function isRequestQueue(candidate: unknown): candidate is RequestQueue {
  return typeof candidate === 'object' && candidate !== null && 'scheduleCheckPendingRequests' in candidate;
}
