import type { LiveEntry } from '../../runtime/live-bus/live-bus.ts';

/** The last entries the hub's reader has passed, by id: where a subscription that caught up can step over to it. */
export class EntryHistory<Event> {
  readonly #max: number;
  #entries: LiveEntry<Event>[] = [];
  #places = new Map<string, number>();
  #first = 0;
  #head: string | undefined;
  readonly #awaited = new Map<string, (() => void)[]>();

  constructor(max: number) {
    this.#max = max;
  }

  /** The id of the newest entry passed; undefined before the reader stands. */
  get head(): string | undefined {
    return this.#head;
  }

  /** Begins anew behind an id. */
  reset(head: string | undefined): void {
    this.#entries = [];
    this.#first = 0;
    this.#head = head;
    this.#places = new Map(head === undefined ? [] : [[head, 0]]);
    if (head !== undefined) this.#entries.push({ id: head, events: [] });
    for (const id of this.#awaited.keys()) this.#release(id);
  }

  add(entry: LiveEntry<Event>): void {
    this.#places.set(entry.id, this.#first + this.#entries.length);
    this.#entries.push(entry);
    this.#head = entry.id;
    this.#release(entry.id);
    // Dropping in bulk: one `splice` of half the list instead of a `shift` each time.
    if (this.#entries.length >= 2 * this.#max) {
      for (const { id } of this.#entries.splice(0, this.#max)) this.#places.delete(id);
      this.#first += this.#max;
    }
  }

  /** Resolves when an id is passed, at once where it is among those kept, or when the reader begins anew. */
  async reached(id: string): Promise<void> {
    if (this.#places.has(id)) return;
    await new Promise<void>((resolve) => this.#awaited.set(id, [...(this.#awaited.get(id) ?? []), resolve]));
  }

  /** Entries after an id, undefined where the id is not among those kept. */
  after(id: string): readonly LiveEntry<Event>[] | undefined {
    const place = this.#places.get(id);
    return place === undefined ? undefined : this.#entries.slice(place - this.#first + 1);
  }

  #release(id: string): void {
    const waiting = this.#awaited.get(id);
    if (!waiting) return;
    this.#awaited.delete(id);
    for (const resume of waiting) resume();
  }
}
