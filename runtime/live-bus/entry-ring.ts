import type { EventCodec } from './event-codec.ts';
import type { LiveEntry, Window } from './live-bus.ts';

/** The newest, which readers follow: as the objects they came as. */
const LOOSE_ENTRIES = 16;
/** However fast they come: 40 MB of ticks. */
const LOOSE_ENTRIES_MAX = 512;
/** Entries packed at an append: more than a small commit brings, and few of those that a flood brings. */
const PACKED_AT_ONCE = 4;
/** Some 500 ticks, 2 ms: what is decoded for one reader before whatever else waits has its turn. */
const DECODED_BYTES_AT_ONCE = 64 * 1024;

/**
 * The newest entries of a channel in this process, kept once for all readers.
 *
 * A reader holds a position: the number of entries ever appended before the one it wants next. Nothing is queued per
 * reader, so a slow one costs nothing and holds nobody back; once the ring has overtaken its position it is told so.
 * The slots fill up to `entriesMax` and are reused from then on, which makes an append O(1).
 *
 * With a codec, all but the newest entries, which those who keep up have read, are **packed** into bytes. An hour of ticks as
 * objects is some hundred megabytes that the garbage collector goes through again and again: for 0.2 to 0.4 s each time a trade
 * was late.
 */
export class EntryRing<Event> {
  readonly #window: Window;
  readonly #clock: () => number;
  readonly #codec: EventCodec<Event> | undefined;
  readonly #slots: (Kept<Event> | undefined)[] = [];
  readonly #waiters = new Set<() => void>();
  #oldest = 0;
  /** What lies before it is packed, or gone. */
  #loose = 0;
  #end = 0;
  #closed = false;

  constructor(window: Window, clock: () => number, codec?: EventCodec<Event>) {
    this.#window = window;
    this.#clock = clock;
    this.#codec = codec;
  }

  /** The position behind the newest entry: where the next one will stand. */
  get end(): number {
    return this.#end;
  }

  /** What lies before this position costs to be decoded. */
  get looseFrom(): number {
    return this.#loose;
  }

  get closed(): boolean {
    return this.#closed;
  }

  append(entries: readonly LiveEntry<Event>[]): void {
    const at = this.#clock();
    for (const { id, events } of entries) {
      this.#slots[this.#end++ % this.#window.entriesMax] = { id, events, packed: undefined, at };
    }
    this.#oldest = Math.max(this.#oldest, this.#end - this.#window.entriesMax);
    this.#forgetAged(at);
    this.#wake();
    if (this.#codec) this.#pack(this.#codec);
  }

  /** @returns at most `max` entries from a position on, fewer where they are packed; undefined where some of them are gone. */
  from(position: number, max: number): readonly LiveEntry<Event>[] | undefined {
    this.#forgetAged(this.#clock());
    if (position < this.#oldest || position > this.#end) return undefined;
    const found: LiveEntry<Event>[] = [];
    let decodedBytes = 0;
    for (let each = position; each < this.#end && found.length < max; each++) {
      const kept = this.#slots[each % this.#window.entriesMax];
      if (!kept) continue;
      found.push(this.#entryOf(kept));
      decodedBytes += kept.packed?.length ?? 0;
      if (decodedBytes >= DECODED_BYTES_AT_ONCE) break;
    }
    return found;
  }

  /** @returns the position right behind an entry, undefined where the ring does not hold it. */
  behind(id: string): number | undefined {
    for (let each = this.#end - 1; each >= this.#oldest; each--) {
      if (this.#slots[each % this.#window.entriesMax]?.id === id) return each + 1;
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

  #pack(codec: EventCodec<Event>): void {
    this.#loose = Math.max(this.#loose, this.#oldest);
    const gently = Math.min(this.#end - LOOSE_ENTRIES, this.#loose + PACKED_AT_ONCE);
    const until = Math.max(gently, this.#end - LOOSE_ENTRIES_MAX);
    while (this.#loose < until) {
      const kept = this.#slots[this.#loose++ % this.#window.entriesMax];
      if (!kept) continue;
      kept.packed = bytesOf(codec.encode(kept.events));
      kept.events = [];
    }
  }

  #entryOf({ id, events, packed }: Kept<Event>): LiveEntry<Event> {
    return { id, events: packed && this.#codec ? this.#codec.decode(packed.toString()) : events };
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

/** Of its own: one of the pool's would hold 8 kB, in which others lie that nobody keeps. */
function bytesOf(text: string): Buffer {
  const bytes = Buffer.allocUnsafeSlow(Buffer.byteLength(text));
  bytes.write(text);
  return bytes;
}

interface Kept<Event> {
  readonly id: string;
  /** Where they are not packed. */
  events: readonly Event[];
  packed: Buffer | undefined;
  /** When it was appended, milliseconds UTC. */
  readonly at: number;
}
