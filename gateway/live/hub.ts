import type { Logger } from 'pino';
import { BusbarError, messageOf } from '../../domain/errors.ts';
import type { Component } from '../../runtime/health.ts';
import type { LiveBus, LiveEntry, LmpTick } from '../../runtime/live-bus/live-bus.ts';
import type { Metrics } from '../../runtime/metrics.ts';
import type { Live } from '../../schema/context.ts';
import { CatchUp } from './catch-up.ts';
import { EntryHistory } from './entry-history.ts';
import type { BacklogBounds } from './lmp-backlog.ts';
import { LmpIndex } from './lmp-index.ts';
import { LmpSubscription } from './lmp-subscription.ts';
import { followUpstream } from './upstream.ts';

/** How far an EVERY subscription may fall behind before it is ended with its cursor. */
const BOUNDS: BacklogBounds = { entriesMax: 2_048, ticksMax: 100_000 };

const HISTORY_ENTRIES = 256;

export interface LiveHub extends Pick<Live, 'lmp'> {
  /** Resolves when the reader stands: from then on a subscription misses nothing from the call on. */
  readonly ready: Promise<void>;
  /** Ends every subscription with `UNAVAILABLE` and the cursor to resume from. */
  close(): Promise<void>;
}

/**
 * Live updates for the subscriptions of this process, from one reader of the bus.
 *
 * A subscription without a cursor is in the index from the call on. One with a cursor catches up with a reader of its
 * own first (`CatchUp`) and then steps over into the index at a place both readers know. Either way an update has the
 * bus entry's id as its cursor.
 */
export function createLiveHub(options: {
  bus: LiveBus;
  log: Logger;
  metrics: Metrics;
  bounds?: BacklogBounds;
  /** Entries kept for subscriptions that catch up; far less than the bounds, so that stepping over does not overflow. */
  historyEntries?: number;
  /** Told whether the bus is followed. */
  health?: Component;
}): LiveHub {
  const { bus, log, metrics, health, bounds = BOUNDS, historyEntries = HISTORY_ENTRIES } = options;
  const index = new LmpIndex();
  const history = new EntryHistory<LmpTick>(historyEntries);
  const subscriptions = new Set<LmpSubscription>();
  const catchingUp = new Set<CatchUp>();

  const pass = (entry: LiveEntry<LmpTick>) => {
    history.add(entry);
    index.dispatch(entry);
    for (const each of catchingUp) each.stepOver();
  };
  const interrupt = (message: string, cause?: unknown) => {
    for (const each of subscriptions) each.interrupt(message, cause);
  };
  const upstream = followUpstream(
    bus,
    'lmp',
    {
      live(head) {
        history.reset(head);
        health?.ok();
        for (const each of subscriptions) each.begin(head);
        for (const each of catchingUp) each.stepOver();
      },
      entries: (entries) => entries.forEach(pass),
      down(error) {
        history.reset(undefined);
        health?.failed(messageOf(error));
        interrupt('the live stream was interrupted: subscribe again, after the cursor where there is one', error);
      },
    },
    log,
  );

  const catchUpFrom = (after: string, subscription: LmpSubscription, enter: () => void) => {
    const leave = () => catchingUp.delete(catchUp);
    const catchUp = new CatchUp({
      bus,
      after,
      history,
      subscription,
      enter() {
        leave();
        enter();
      },
    });
    catchingUp.add(catchUp);
    subscription.onEnded(() => {
      leave();
      catchUp.stop();
    });
    void catchUp.run();
  };

  return {
    ready: upstream.ready,
    lmp(filter, delivery, after) {
      if (upstream.state === 'down' || upstream.state === 'closed') {
        throw new BusbarError('UNAVAILABLE', 'the live stream cannot be reached: try again');
      }
      const subscription = new LmpSubscription({ filter, delivery, cursor: after ?? history.head, bounds, metrics });
      subscriptions.add(subscription);
      metrics.liveSubscriptions.inc();
      subscription.onEnded(() => {
        subscriptions.delete(subscription);
        metrics.liveSubscriptions.dec();
      });
      const enter = () => subscription.onEnded(index.add(filter, (update) => subscription.receive(update)));
      if (after === undefined) enter();
      else catchUpFrom(after, subscription, enter);
      return subscription.stream;
    },
    async close() {
      await upstream.close();
      interrupt('the gateway is going down: subscribe again, after the cursor where there is one');
    },
  };
}
