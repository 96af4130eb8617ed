import type { Logger } from 'pino';
import { BusbarError, messageOf } from '../../domain/errors.ts';
import type { Component } from '../../runtime/health.ts';
import type { Channel, Channels, LiveBus, LiveEntry } from '../../runtime/live-bus/live-bus.ts';
import type { Metrics } from '../../runtime/metrics.ts';
import type { Delivery } from '../../schema/question.ts';
import { type BacklogBounds, BOUNDS, EveryBacklog, LatestBacklog, type LiveBacklog } from './backlog.ts';
import { CatchUp } from './catch-up.ts';
import { NewestConflation } from './conflation.ts';
import { EntryHistory } from './entry-history.ts';
import { InterestIndex, wantedBy } from './interest-index.ts';
import type { LiveChannel } from './live-channel.ts';
import type { LiveUpdate } from './live-update.ts';
import { Subscription } from './subscription.ts';
import { followUpstream, type Upstream, type UpstreamListener } from './upstream.ts';

const HISTORY_ENTRIES = 256;

export interface ChannelHubOptions {
  readonly bus: LiveBus;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly bounds?: BacklogBounds;
  /** Entries kept for subscriptions that catch up; far less than the bounds, so that stepping over does not overflow. */
  readonly historyEntries?: number;
  /** Told whether the channel is followed. */
  readonly health?: Component;
}

/**
 * Live updates of one channel for the subscriptions of this process, from one reader of the bus.
 *
 * A subscription without a cursor is in the index from the call on. One with a cursor catches up with a reader of its
 * own first (`CatchUp`) and then steps over into the index at a place both readers know. Either way an update has the
 * bus entry's id as its cursor.
 */
export class ChannelHub<C extends Channel, Filter, Update extends LiveUpdate> {
  readonly #channel: LiveChannel<C, Filter, Update>;
  readonly #options: ChannelHubOptions;
  readonly #index: InterestIndex<Filter, Channels[C], Subscription<Update, Update>>;
  readonly #history: EntryHistory<Channels[C]>;
  readonly #subscriptions = new Set<Subscription<Update, Update>>();
  readonly #catchingUp = new Set<CatchUp<C, Update>>();
  readonly #upstream: Upstream;

  /** @param also is told what the reader is told, after the subscriptions. */
  constructor(
    channel: LiveChannel<C, Filter, Update>,
    options: ChannelHubOptions,
    also?: UpstreamListener<Channels[C]>,
  ) {
    const { bus, log, historyEntries = HISTORY_ENTRIES } = options;
    this.#channel = channel;
    this.#options = options;
    this.#index = new InterestIndex(channel.facets);
    this.#history = new EntryHistory(historyEntries);
    this.#upstream = followUpstream(bus, channel.channel, bothTold(this.#listener(), also), log);
  }

  /** Resolves when the reader stands: from then on a subscription misses nothing from the call on. */
  get ready(): Promise<void> {
    return this.#upstream.ready;
  }

  /** The newest entry that was passed on; undefined while the channel is not followed. */
  get head(): string | undefined {
    return this.#history.head;
  }

  /**
   * Resolves when all that was on the bus at the call has been passed on.
   * @throws BusbarError `UNAVAILABLE` where the bus cannot be reached.
   */
  async caughtUp(): Promise<void> {
    const { bus } = this.#options;
    for (;;) {
      const { head } = this;
      if (head === undefined) throw new BusbarError('UNAVAILABLE', 'the live stream cannot be reached');
      const tail = await bus.tail(this.#channel.channel);
      // Had more been passed meanwhile than is kept, nobody could tell whether the tail was among it.
      if (this.#history.after(head)) return this.#history.reached(tail);
    }
  }

  /** @throws BusbarError `UNAVAILABLE` where the bus cannot be reached; the stream ends with all others. */
  subscribe(filter: Filter, delivery: Delivery, after: string | undefined): Subscription<Update, Update> {
    const { state } = this.#upstream;
    if (state === 'down' || state === 'closed') {
      throw new BusbarError('UNAVAILABLE', 'the live stream cannot be reached: try again');
    }
    const backlog = this.#createBacklog(delivery);
    const { metrics } = this.#options;
    const subscription = new Subscription({ backlog, cursor: after ?? this.#history.head, metrics });
    this.#subscriptions.add(subscription);
    subscription.onEnded(() => this.#subscriptions.delete(subscription));
    const enter = () => {
      subscription.follow(() => this.#history.head);
      subscription.onEnded(this.#index.add(filter, subscription));
    };
    if (after === undefined) enter();
    else this.#catchUp({ after, filter, subscription, backlog, enter });
    return subscription;
  }

  /** Ends every subscription with `UNAVAILABLE` and the cursor to resume from. */
  async close(): Promise<void> {
    await this.#upstream.close();
    this.#interrupt('the gateway is going down: subscribe again, after the cursor where there is one');
  }

  #listener(): UpstreamListener<Channels[C]> {
    const { health } = this.#options;
    return {
      live: (head) => {
        this.#history.reset(head);
        health?.ok();
        for (const each of this.#subscriptions) each.begin(head);
        for (const each of this.#catchingUp) each.stepOver();
      },
      entries: (entries) => {
        for (const entry of entries) this.#pass(entry);
      },
      down: (error) => {
        health?.failed(messageOf(error));
        this.#interrupt('the live stream was interrupted: subscribe again, after the cursor where there is one', error);
        this.#history.reset(undefined);
      },
    };
  }

  #pass(entry: LiveEntry<Channels[C]>): void {
    this.#history.add(entry);
    for (const [subscriptions, events] of this.#index.wanted(entry.events)) {
      const update = this.#channel.update(entry.id, events);
      for (const each of subscriptions) each.receive(update);
    }
    for (const each of this.#catchingUp) each.stepOver();
  }

  #interrupt(message: string, cause?: unknown): void {
    for (const each of this.#subscriptions) each.interrupt(message, cause);
  }

  #catchUp(asked: {
    after: string;
    filter: Filter;
    subscription: Subscription<Update, Update>;
    backlog: LiveBacklog<Update>;
    enter: () => void;
  }): void {
    const { eventsIn, channel } = this.#channel;
    const leave = () => this.#catchingUp.delete(catchUp);
    const catchUp = new CatchUp({
      ...asked,
      bus: this.#options.bus,
      channel,
      history: this.#history,
      updateFrom: this.#updatesOf(asked.filter),
      countIn: (update) => eventsIn(update).length,
      enter() {
        leave();
        asked.enter();
      },
    });
    this.#catchingUp.add(catchUp);
    asked.subscription.onEnded(() => {
      leave();
      catchUp.stop();
    });
    void catchUp.run();
  }

  /** Makes of an entry what a filter wants of it. */
  #updatesOf(filter: Filter): (entry: LiveEntry<Channels[C]>) => Update | undefined {
    const { facets, update } = this.#channel;
    const wants = wantedBy(facets, filter);
    return ({ id, events }) => {
      const wanted = events.filter(wants);
      return wanted.length > 0 ? update(id, wanted) : undefined;
    };
  }

  #createBacklog(delivery: Delivery): LiveBacklog<Update> {
    const { bounds = BOUNDS, metrics } = this.#options;
    const { sameness } = this.#channel;
    if (delivery === 'EVERY' || !sameness) return new EveryBacklog(this.#channel, bounds);
    return new LatestBacklog(new NewestConflation(this.#channel, sameness, () => metrics.conflatedTicks.inc()));
  }
}

function bothTold<Event>(first: UpstreamListener<Event>, also?: UpstreamListener<Event>): UpstreamListener<Event> {
  if (!also) return first;
  return {
    live(head) {
      first.live(head);
      also.live(head);
    },
    entries(entries) {
      first.entries(entries);
      also.entries(entries);
    },
    down(error) {
      first.down(error);
      also.down(error);
    },
  };
}
