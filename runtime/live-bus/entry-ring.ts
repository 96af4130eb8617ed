import type { LiveEntry, Window } from './live-bus.ts';

/**
 * The newest entries of a channel in this process, kept once for all readers.
 *
 * A reader holds a position: the number of entries ever appended before the one it wants next. Nothing is queued per
 * reader, so a slow one costs nothing and holds nobody back; once the ring has overtaken its position it is told so.
 * The slots fill up to `entriesMax` and are reused from then on, which makes an append O(1).
 */
export class EntryRing<Event> {
  readonly #window: Window;
  readonly #clock: () => number;
  readonly #slots: (Kept<Event> | undefined)[] = [];
  readonly #waiters = new Set<() => void>();
  #oldest = 0;
  #end = 0;
  #closed = false;

  constructor(window: Window, clock: () => number) {
    this.#window = window;
    this.#clock = clock;
  }

  /** The position behind the newest entry: where the next one will stand. */
  get end(): number {
    return this.#end;
  }

  get closed(): boolean {
    return this.#closed;
  }

  append(entries: readonly LiveEntry<Event>[]): void {
    const at = this.#clock();
    for (const entry of entries) this.#slots[this.#end++ % this.#window.entriesMax] = { entry, at };
    this.#oldest = Math.max(this.#oldest, this.#end - this.#window.entriesMax);
    this.#forgetAged(at);
    this.#wake();
  }

  /** @returns at most `max` entries from a position on, or undefined where some of them are gone. */
  from(position: number, max: number): readonly LiveEntry<Event>[] | undefined {
    this.#forgetAged(this.#clock());
    if (position < this.#oldest || position > this.#end) return undefined;
    const found: LiveEntry<Event>[] = [];
    for (let each = position; each < this.#end && found.length < max; each++) {
      const kept = this.#slots[each % this.#window.entriesMax];
      if (kept) found.push(kept.entry);
    }
    return found;
  }

  /** @returns the position right behind an entry, undefined where the ring does not hold it. */
  behind(id: string): number | undefined {
    for (let each = this.#end - 1; each >= this.#oldest; each--) {
      if (this.#slots[each % this.#window.entriesMax]?.entry.id === id) return each + 1;
    }
    return undefined;
  }

  /** Resolves with the next append, when the ring is closed, or when the signal aborts. */
  changed(signal: AbortSignal): Promise<void> {
    if (this.#closed || signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const done = () => {
        this.#waiters.delete(done);
        signal.removeEventListener('abort', done);
        resolve();
      };
      this.#waiters.add(done);
      signal.addEventListener('abort', done);
    });
  }

  /** Nothing will be appended any more. */
  close(): void {
    this.#closed = true;
    this.#wake();
  }

  #wake(): void {
    for (const done of this.#waiters) done();
  }

  #forgetAged(now: number): void {
    const keptSince = now - this.#window.ageMsMax;
    while (this.#oldest < this.#end) {
      const place = this.#oldest % this.#window.entriesMax;
      if ((this.#slots[place]?.at ?? now) >= keptSince) return;
      this.#slots[place] = undefined;
      this.#oldest++;
    }
  }
}

interface Kept<Event> {
  readonly entry: LiveEntry<Event>;
  /** When it was appended, milliseconds UTC. */
  readonly at: number;
}
