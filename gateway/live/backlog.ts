import type { Conflation } from './conflation.ts';
import type { LiveUpdate, UpdateShape } from './live-update.ts';
import type { Backlog } from './stream.ts';

export interface BacklogBounds {
  readonly entriesMax: number;
  readonly eventsMax: number;
}

/** How far an EVERY subscription may fall behind before it is ended with its cursor. */
export const BOUNDS: BacklogBounds = { entriesMax: 2_048, eventsMax: 100_000 };

/** What waits for one subscription. */
export interface LiveBacklog<Update> extends Backlog<Update, Update> {
  /** Whether so many updates with so many events would be kept. */
  fits(updates: number, events: number): boolean;
}

/** Events in one update put together from several: a frame of some 100 kB. */
const UPDATE_EVENTS_MAX = 1_000;

/**
 * EVERY: updates in order, up to either bound. One update alone always fits, however many events it has. Those that wait
 * are taken together: every event, in order, under the last one's cursor.
 */
export class EveryBacklog<Event, Update extends LiveUpdate> implements LiveBacklog<Update> {
  readonly #shape: UpdateShape<Event, Update>;
  readonly #bounds: BacklogBounds;
  #updates: Update[] = [];
  #events = 0;

  constructor(shape: UpdateShape<Event, Update>, bounds: BacklogBounds) {
    this.#shape = shape;
    this.#bounds = bounds;
  }

  fits(updates: number, events: number): boolean {
    if (this.#updates.length === 0 && updates === 1) return true;
    return this.#updates.length + updates <= this.#bounds.entriesMax && this.#events + events <= this.#bounds.eventsMax;
  }

  add(update: Update): boolean {
    const events = this.#count(update);
    if (!this.fits(1, events)) return false;
    this.#updates.push(update);
    this.#events += events;
    return true;
  }

  take(): Update | undefined {
    const first = this.#updates[0];
    if (!first) return undefined;
    let count = 1;
    let events = this.#count(first);
    for (let next = this.#updates[count]; next; next = this.#updates[count]) {
      const more = this.#count(next);
      if (events + more > UPDATE_EVENTS_MAX) break;
      events += more;
      count += 1;
    }
    const taken = this.#updates.splice(0, count);
    this.#events -= events;
    return count === 1 ? first : this.#together(taken);
  }

  get isEmpty(): boolean {
    return this.#updates.length === 0;
  }

  clear(): void {
    this.#updates = [];
    this.#events = 0;
  }

  #count(update: Update): number {
    return this.#shape.eventsIn(update).length;
  }

  #together(updates: readonly Update[]): Update | undefined {
    const last = updates.at(-1);
    return last && this.#shape.update(last.cursor, updates.flatMap(this.#shape.eventsIn));
  }
}

/** LATEST: one update, in which newer events take the place of older ones. */
export class LatestBacklog<Update> implements LiveBacklog<Update> {
  readonly #conflation: Conflation<Update>;

  constructor(conflation: Conflation<Update>) {
    this.#conflation = conflation;
  }

  fits(): boolean {
    return true;
  }

  add(update: Update): boolean {
    this.#conflation.add(update);
    return true;
  }

  take(): Update | undefined {
    return this.#conflation.take();
  }

  get isEmpty(): boolean {
    return this.#conflation.isEmpty;
  }

  clear(): void {
    this.#conflation.clear();
  }
}
