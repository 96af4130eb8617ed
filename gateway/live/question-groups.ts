import type { SubscriptionGroup } from './subscription-group.ts';

/**
 * The groups of one question: of subscriptions that ask the same, wherever they begin.
 *
 * A group **stands** at a cursor: that of the event it offered last or, where it has offered none, the one it began after. It
 * offers everything that comes after, once and in order. So two that stand at the same cursor are the same from there on: they
 * become one, in one turn of the loop, and whoever resumes after the cursor joins it. One of them is the **present** group, which
 * offers things as they come: who has no cursor joins that. All others began after a cursor; where there is no present group, the
 * first of them that has caught up becomes it.
 *
 * What waits for a group is offered together, so that in a steady stream two stand at the same cursor only where they happen to take
 * at one moment: at 2,000 events/s after half a second, in which each does its own work.
 */
export class QuestionGroups {
  readonly #opens: boolean;
  #present: SubscriptionGroup | undefined;
  readonly #resumed = new Set<SubscriptionGroup>();
  readonly #standing = new Map<string, SubscriptionGroup>();

  /** @param opens whether who has no cursor is first told how things stand: no group that began after a cursor can do that. */
  constructor(opens: boolean) {
    this.#opens = opens;
  }

  get isEmpty(): boolean {
    return this.#present === undefined && this.#resumed.size === 0;
  }

  /** @returns the group for who begins after a cursor, or now; undefined where it takes a new one. */
  find(after: string | undefined): SubscriptionGroup | undefined {
    return after === undefined ? this.#present : this.#standing.get(after);
  }

  add(group: SubscriptionGroup, after: string | undefined): void {
    if (after === undefined) this.#present = group;
    else {
      this.#resumed.add(group);
      this.#standing.set(after, group);
    }
  }

  remove(group: SubscriptionGroup): void {
    if (this.#present === group) this.#present = undefined;
    this.#resumed.delete(group);
    this.#leave(group, group.stands);
  }

  /** A group has gone on. @param from where it stood before. */
  offered(group: SubscriptionGroup, from: string | undefined): void {
    this.#leave(group, from);
    const { stands } = group;
    if (stands === undefined) return;
    const stays = this.#united(group, this.#standing.get(stands));
    this.#standing.set(stands, stays);
    if (!this.#present && !this.#opens && stays.isUpToDate) {
      this.#resumed.delete(stays);
      this.#present = stays;
    }
  }

  #united(group: SubscriptionGroup, met: SubscriptionGroup | undefined): SubscriptionGroup {
    if (!met || met === group) return group;
    // The other may only be starting, and fail.
    const [stays, goes] = met === this.#present ? [met, group] : [group, met];
    stays.adopt(goes);
    return stays;
  }

  #leave(group: SubscriptionGroup, cursor: string | undefined): void {
    if (cursor !== undefined && this.#standing.get(cursor) === group) this.#standing.delete(cursor);
  }
}
