import { setTimeout as delay } from 'node:timers/promises';
import { type Backlog, Stream } from './stream.ts';

/** What was read. */
export interface Look<Value> {
  readonly value: Value;
  /** The same text for two looks between which nothing happened. */
  readonly fingerprint: string;
}

export interface WatchOptions<Value> {
  readonly look: () => Promise<Look<Value>>;
  /** Whether nothing will happen any more. */
  readonly isLast: (value: Value) => boolean;
  /** From one look to the next, and at least from one change to the next; longer where looks take long. */
  readonly everyMs: number;
  /** Called when nobody watches any more. */
  readonly onIdle: () => void;
}

/** A tenth of the time is for looking: a job of 100,000 chunks takes 40 ms, and 130 ms while the store works on it. */
const REST_PER_LOOK = 9;

/**
 * A value that nobody announces: one loop looks at it for all who watch, and only while there are any.
 *
 * States: idle → watching (the first watcher) → idle (the last one left, the value was the last one, or a look failed,
 * which every watcher is told).
 *
 * A watcher begins with a value that was read after it came: for that the loop looks at once, and tells those who
 * came; the others are told at their time.
 */
export class Watch<Value> {
  readonly #options: WatchOptions<Value>;
  /** What each watcher was told last; undefined: nothing yet. */
  readonly #told = new Map<Stream<Value, Value>, string | undefined>();
  #stirred = new AbortController();
  #watching: Promise<void> | undefined;

  constructor(options: WatchOptions<Value>) {
    this.#options = options;
  }

  /** @param onLeft called once, when this watcher is told nothing more. */
  watch(onLeft?: () => void): Stream<Value, Value> {
    const stream: Stream<Value, Value> = new Stream(new NewestOnly<Value>(), () => {
      onLeft?.();
      this.#told.delete(stream);
      this.#stirred.abort();
    });
    this.#told.set(stream, undefined);
    this.#stirred.abort();
    this.#watching ??= this.#run();
    return stream;
  }

  /** Ends every watcher with an error. Resolves when the loop has ended too. */
  async close(error: unknown): Promise<void> {
    this.#endAll(error);
    await this.#watching;
  }

  async #run(): Promise<void> {
    try {
      for (let dueAt = performance.now(); this.#told.size > 0; ) {
        this.#stirred = new AbortController();
        const due = performance.now() >= dueAt;
        const watchers = [...this.#told.keys()].filter((stream) => due || this.#told.get(stream) === undefined);
        const beganAt = performance.now();
        if (watchers.length > 0) this.#tell(watchers, await this.#options.look());
        const tookMs = performance.now() - beganAt;
        if (due) dueAt = performance.now() + Math.max(this.#options.everyMs, REST_PER_LOOK * tookMs);
        await this.#pause(dueAt - performance.now());
      }
    } catch (error) {
      this.#endAll(error);
    } finally {
      this.#watching = undefined;
      this.#options.onIdle();
    }
  }

  /** Until it is time, or somebody comes or goes. */
  async #pause(ms: number): Promise<void> {
    if (ms > 0) await delay(ms, undefined, { signal: this.#stirred.signal }).catch(() => undefined);
  }

  #tell(watchers: readonly Stream<Value, Value>[], { value, fingerprint }: Look<Value>): void {
    const last = this.#options.isLast(value);
    for (const stream of watchers) {
      if (!stream.open) continue;
      if (this.#told.get(stream) !== fingerprint) stream.offer(value);
      this.#told.set(stream, fingerprint);
      if (last) stream.end();
    }
  }

  #endAll(error: unknown): void {
    for (const stream of [...this.#told.keys()]) stream.end({ error });
  }
}

/** Whoever is slow sees how things stand when it looks, not everything they went through. */
class NewestOnly<Value> implements Backlog<Value, Value> {
  #newest: { readonly value: Value } | undefined;

  add(value: Value): boolean {
    this.#newest = { value };
    return true;
  }

  take(): Value | undefined {
    const taken = this.#newest;
    this.#newest = undefined;
    return taken?.value;
  }

  get isEmpty(): boolean {
    return this.#newest === undefined;
  }

  clear(): void {
    this.#newest = undefined;
  }
}
