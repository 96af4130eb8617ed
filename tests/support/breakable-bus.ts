import { BusbarError } from '../../domain/errors.ts';
import type { Channel, LiveBus } from '../../runtime/live-bus/live-bus.ts';

/** A bus, one channel of which can be lost for its readers. What is announced meanwhile is kept. */
export function breakable(real: LiveBus, channel: Channel) {
  let breaking = new AbortController();
  const lost = () => new BusbarError('UNAVAILABLE', 'lost');
  const bus: LiveBus = {
    ...real,
    async tail(asked) {
      if (asked === channel && breaking.signal.aborted) throw lost();
      return real.tail(asked);
    },
    async *read(asked, after, signal) {
      if (asked !== channel) return yield* real.read(asked, after, signal);
      const { signal: broken } = breaking;
      yield* real.read(asked, after, AbortSignal.any([signal, broken]));
      if (broken.aborted) throw lost();
    },
  };
  const mend = () => {
    breaking = new AbortController();
  };
  return { bus, break: () => breaking.abort(), mend };
}
