import type { LiveUpdate, UpdateShape } from './live-update.ts';

/** Many updates become one that says where things stand. */
export interface Conflation<Update> {
  add(update: Update): void;
  /** What came together since the last `take`; undefined where nothing did. */
  take(): Update | undefined;
  /** Whether nothing came since the last `take`. */
  readonly isEmpty: boolean;
  clear(): void;
}

/** Which events speak of the same thing, and which of two of these to keep. */
export interface Sameness<Event> {
  /** Equal, as keys of a Map are, for events of the same thing. */
  readonly keyOf: (event: Event) => unknown;
  /** Whether an event takes the place of one that came before it. */
  readonly isNewer: (event: Event, kept: Event) => boolean;
}

/** Keeps one event a thing. Bounded by the number of things. */
export class NewestConflation<Event, Update extends LiveUpdate> implements Conflation<Update> {
  readonly #shape: UpdateShape<Event, Update>;
  readonly #sameness: Sameness<Event>;
  readonly #onDropped: () => void;
  readonly #events = new Map<unknown, Event>();
  #cursor: string | undefined;

  /** @param onDropped called for each event that gave way. */
  constructor(shape: UpdateShape<Event, Update>, sameness: Sameness<Event>, onDropped: () => void) {
    this.#shape = shape;
    this.#sameness = sameness;
    this.#onDropped = onDropped;
  }

  add(update: Update): void {
    this.#cursor = update.cursor;
    for (const event of this.#shape.eventsIn(update)) this.#keep(event);
  }

  take(): Update | undefined {
    if (this.#cursor === undefined) return undefined;
    const update = this.#shape.update(this.#cursor, [...this.#events.values()]);
    this.clear();
    return update;
  }

  get isEmpty(): boolean {
    return this.#cursor === undefined;
  }

  clear(): void {
    this.#cursor = undefined;
    this.#events.clear();
  }

  #keep(event: Event): void {
    const { keyOf, isNewer } = this.#sameness;
    const key = keyOf(event);
    const kept = this.#events.get(key);
    if (kept !== undefined) this.#onDropped();
    if (kept === undefined || isNewer(event, kept)) this.#events.set(key, event);
  }
}
