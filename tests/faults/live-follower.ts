import { setTimeout as pause } from 'node:timers/promises';
import type { Channel, Channels, LiveBus } from '../../runtime/live-bus/live-bus.ts';

export interface LiveFollower<Record> {
  readonly record: Record;
  /** Where the channel stood before anything was announced. */
  readonly beginning: string;
  /** Up to where everything is recorded. */
  readonly cursor: string;
  /** Resolves when everything that is on the channel now is recorded. */
  caughtUp(): Promise<void>;
  stop(): Promise<void>;
}

/** Records everything that is announced on a channel from now on. */
export async function followLive<C extends Channel, Record extends { add(event: Channels[C]): void }>(
  bus: LiveBus,
  channel: C,
  record: Record,
): Promise<LiveFollower<Record>> {
  const stopped = new AbortController();
  const beginning = await bus.tail(channel);
  let cursor = beginning;
  const following = (async () => {
    for await (const entries of bus.read(channel, beginning, stopped.signal)) {
      for (const { id, events } of entries) {
        for (const event of events) record.add(event);
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
      for (const end = await bus.tail(channel); cursor !== end; ) await Promise.race([pause(20), failed]);
    },
    async stop() {
      stopped.abort();
      // Had it ended before, `caughtUp` has said so.
      await following.catch(() => undefined);
    },
  };
}
