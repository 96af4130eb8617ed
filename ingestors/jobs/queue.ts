/**
 * The work queue of a process: its workers on graphile-worker. What is queued is done by one worker at a time, of
 * whichever process; of a process that died, others take the jobs over within seconds.
 *
 * What the queue promises is at least once: a worker that is cut off from the store works on until it notices, and
 * meanwhile another may have its job. What a task writes must therefore be fenced, or do no harm when it is done twice.
 * The queue also takes a job from a living worker after four hours; no task lasts that long.
 */
import { messageOf } from '../../domain/errors.ts';
import { backoffMs, pause } from '../pause.ts';
import { aborted } from './aborted.ts';
import { beginLife, type QueueLife, type QueueParts } from './queue-life.ts';

export interface Queue {
  /** Takes no more jobs, tells the running tasks to stop and gives back at once what they do not finish. */
  stop(): Promise<void>;
}

/** A life that lasted so long was a good one: the next begins without a longer pause. */
const GOOD_LIFE_MS = 60_000;

/** @throws where the store cannot be reached at first; later it is tried again for ever. */
export async function startQueue(parts: QueueParts): Promise<Queue> {
  const stopped = new AbortController();
  const living = live(await beginLife(parts), parts, stopped.signal);
  return {
    stop: async () => {
      stopped.abort();
      await living;
    },
  };
}

async function live(first: QueueLife, parts: QueueParts, stopped: AbortSignal): Promise<void> {
  let life: QueueLife | undefined = first;
  let failures = 0;
  while (life) {
    const beganAt = performance.now();
    const reason = await Promise.race([life.over, aborted(stopped)]);
    if (!stopped.aborted) parts.log.warn({ reason }, 'workers begin anew');
    await life.end();
    if (performance.now() - beganAt > GOOD_LIFE_MS) failures = 0;
    life = undefined;
    while (!life && !stopped.aborted) {
      await pause(backoffMs(failures++), stopped);
      if (!stopped.aborted) life = await beginAgain(parts);
    }
  }
}

async function beginAgain(parts: QueueParts): Promise<QueueLife | undefined> {
  return beginLife(parts).catch((error) => {
    parts.log.warn({ error: messageOf(error) }, 'workers cannot begin');
    return undefined;
  });
}
