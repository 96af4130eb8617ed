import { setTimeout as pause } from 'node:timers/promises';
import type { LiveBus } from '../../runtime/live-bus/live-bus.ts';
import { LiveRecord } from './live-record.ts';

export interface LiveFollower {
  readonly record: LiveRecord;
  /** Where the bus stood before anything was announced. */
  readonly beginning: string;
  /** Up to where everything is recorded. */
  readonly cursor: string;
  /** Resolves when everything that is on the bus now is recorded. */
  caughtUp(): Promise<void>;
  stop(): Promise<void>;
}

/** Records everything that is announced from now on. */
export async function followLive(bus: LiveBus): Promise<LiveFollower> {
  const record = new LiveRecord();
  const stopped = new AbortController();
  const beginning = await bus.tail('lmp');
  let cursor = beginning;
  const following = (async () => {
    for await (const entries of bus.read('lmp', beginning, stopped.signal)) {
      for (const { id, events } of entries) {
        for (const tick of events) record.add(tick);
        cursor = id;
      }
    }
  })();
  return {
    record,
    beginning,
    get cursor() {
      return cursor;
    },
    async caughtUp() {
      const failed = following.then(() => Promise.reject(new Error('the live stream ended')));
      failed.catch(() => undefined);
      for (const end = await bus.tail('lmp'); cursor !== end; ) await Promise.race([pause(20), failed]);
    },
    async stop() {
      stopped.abort();
      await following;
    },
  };
}
