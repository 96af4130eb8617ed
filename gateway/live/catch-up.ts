import type { Channel, Channels, LiveBus, LiveEntry } from '../../runtime/live-bus/live-bus.ts';
import type { LiveBacklog } from './backlog.ts';
import type { EntryHistory } from './entry-history.ts';
import type { LiveUpdate } from './live-update.ts';
import type { Subscription } from './subscription.ts';

/** Ids kept to notice that the own reader has overtaken the hub's; the hub lags by a handover or two at most. */
const PASSED_MAX = 4_096;

/**
 * Brings a subscription from its cursor to where the hub's reader is, without a gap and without a duplicate.
 *
 * Ids of the bus are opaque, only equality and the order of delivery count. Both readers see the same entries in the
 * same order, so at any moment one of three things holds for the **position**, the last entry this subscription has:
 *
 * - The hub has it in its history: what the hub passed since is handed over and the subscription enters the index, all
 *   in one turn of the loop, so that nothing can come between.
 * - The hub's head is among the entries the own reader has passed: the own reader is ahead. It stops; the hub will
 *   reach the position, and with each entry it passes it asks again.
 * - Neither: the own reader is behind and reads on, as fast as the consumer takes what it gets.
 */
export class CatchUp<C extends Channel, Update extends LiveUpdate> {
  readonly #options: CatchUpOptions<C, Update>;
  readonly #stop = new AbortController();
  readonly #passed = new Set<string>();
  #position: string;
  /** The own reader has stopped because it is ahead of the hub's. */
  #waiting = false;

  constructor(options: CatchUpOptions<C, Update>) {
    this.#options = options;
    this.#position = options.after;
    this.#passed.add(options.after);
  }

  stop(): void {
    this.#stop.abort();
  }

  /** Resolves when the subscription is in the index, has ended, or waits for the hub to reach its position. */
  async run(): Promise<void> {
    const { bus, channel, subscription } = this.#options;
    try {
      if (this.stepOver()) return;
      for await (const entries of bus.read(channel, this.#position, this.#stop.signal)) {
        for (const entry of entries) if (!(await this.#receive(entry))) return;
        if (this.stepOver()) return;
        this.#waiting = this.#isAhead();
        if (this.#waiting) return;
      }
    } catch (error) {
      subscription.stream.end({ error });
    }
  }

  /** @returns true where the subscription is in the index, now or already. */
  stepOver(): boolean {
    const { history, updateFrom, backlog, subscription, enter } = this.#options;
    if (this.#stop.signal.aborted) return true;
    const missed = history.after(this.#position);
    if (!missed) return false;
    const updates = missed.map(updateFrom).filter((update) => update !== undefined);
    // While there is an own reader, it is gentler to let it go on at the consumer's pace than to overflow.
    if (!this.#waiting && !backlog.fits(updates.length, this.#eventsIn(updates))) return false;
    for (const update of updates) subscription.receive(update);
    enter();
    this.stop();
    return true;
  }

  /** @returns false where the own reader is no longer wanted; the entry is then not received. */
  async #receive(entry: LiveEntry<Channels[C]>): Promise<boolean> {
    const { updateFrom, backlog, subscription } = this.#options;
    const update = updateFrom(entry);
    while (update && !this.#stop.signal.aborted && !backlog.fits(1, this.#eventsIn([update]))) {
      await subscription.stream.drained();
    }
    if (this.#stop.signal.aborted) return false;
    if (update) subscription.receive(update);
    this.#position = entry.id;
    this.#remember(entry.id);
    return true;
  }

  #isAhead(): boolean {
    const { head } = this.#options.history;
    return head !== undefined && this.#passed.has(head);
  }

  #remember(id: string): void {
    this.#passed.add(id);
    const [oldest] = this.#passed;
    if (this.#passed.size > PASSED_MAX && oldest !== undefined) this.#passed.delete(oldest);
  }

  #eventsIn(updates: readonly Update[]): number {
    return updates.reduce((sum, update) => sum + this.#options.countIn(update), 0);
  }
}

interface CatchUpOptions<C extends Channel, Update extends LiveUpdate> {
  readonly bus: LiveBus;
  readonly channel: C;
  readonly after: string;
  readonly history: EntryHistory<Channels[C]>;
  readonly subscription: Subscription<Update, Update>;
  readonly backlog: LiveBacklog<Update>;
  /** What the subscription wants of an entry; undefined where that is nothing. */
  readonly updateFrom: (entry: LiveEntry<Channels[C]>) => Update | undefined;
  /** How many events an update has. */
  readonly countIn: (update: Update) => number;
  /** Puts the subscription into the hub's index. */
  readonly enter: () => void;
}
