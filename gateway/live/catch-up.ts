import type { LiveBus, LiveEntry, LmpTick } from '../../runtime/live-bus/live-bus.ts';
import type { LmpUpdate } from '../../schema/context.ts';
import type { EntryHistory } from './entry-history.ts';
import { updatesOf } from './lmp-index.ts';
import type { LmpSubscription } from './lmp-subscription.ts';

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
export class CatchUp {
  readonly #bus: LiveBus;
  readonly #history: EntryHistory<LmpTick>;
  readonly #subscription: LmpSubscription;
  readonly #enter: () => void;
  readonly #stop = new AbortController();
  readonly #passed = new Set<string>();
  readonly #updateFrom: (entry: LiveEntry<LmpTick>) => LmpUpdate | undefined;
  #position: string;
  /** The own reader has stopped because it is ahead of the hub's. */
  #waiting = false;

  constructor(options: {
    bus: LiveBus;
    after: string;
    history: EntryHistory<LmpTick>;
    subscription: LmpSubscription;
    /** Puts the subscription into the hub's index. */
    enter: () => void;
  }) {
    this.#bus = options.bus;
    this.#history = options.history;
    this.#subscription = options.subscription;
    this.#enter = options.enter;
    this.#position = options.after;
    this.#passed.add(options.after);
    this.#updateFrom = updatesOf(options.subscription.filter);
  }

  stop(): void {
    this.#stop.abort();
  }

  /** Resolves when the subscription is in the index, has ended, or waits for the hub to reach its position. */
  async run(): Promise<void> {
    try {
      if (this.stepOver()) return;
      for await (const entries of this.#bus.read('lmp', this.#position, this.#stop.signal)) {
        for (const entry of entries) if (!(await this.#receive(entry))) return;
        if (this.stepOver()) return;
        this.#waiting = this.#isAhead();
        if (this.#waiting) return;
      }
    } catch (error) {
      this.#subscription.stream.end({ error });
    }
  }

  /** @returns true where the subscription is in the index, now or already. */
  stepOver(): boolean {
    if (this.#stop.signal.aborted) return true;
    const missed = this.#history.after(this.#position);
    if (!missed) return false;
    const updates = missed.map(this.#updateFrom).filter(isUpdate);
    // While there is an own reader, it is gentler to let it go on at the consumer's pace than to overflow.
    if (!this.#waiting && !this.#subscription.fits(updates.length, ticksIn(updates))) return false;
    for (const update of updates) this.#subscription.receive(update);
    this.#enter();
    this.stop();
    return true;
  }

  /** @returns false where the own reader is no longer wanted; the entry is then not received. */
  async #receive(entry: LiveEntry<LmpTick>): Promise<boolean> {
    const update = this.#updateFrom(entry);
    while (update && !this.#stop.signal.aborted && !this.#subscription.fits(1, update.ticks.length)) {
      await this.#subscription.stream.drained();
    }
    if (this.#stop.signal.aborted) return false;
    if (update) this.#subscription.receive(update);
    this.#position = entry.id;
    this.#remember(entry.id);
    return true;
  }

  #isAhead(): boolean {
    const { head } = this.#history;
    return head !== undefined && this.#passed.has(head);
  }

  #remember(id: string): void {
    this.#passed.add(id);
    const [oldest] = this.#passed;
    if (this.#passed.size > PASSED_MAX && oldest !== undefined) this.#passed.delete(oldest);
  }
}

function isUpdate(update: LmpUpdate | undefined): update is LmpUpdate {
  return update !== undefined;
}

function ticksIn(updates: readonly LmpUpdate[]): number {
  return updates.reduce((sum, { ticks }) => sum + ticks.length, 0);
}
