/**
 * What waits between a producer that never waits and a consumer that may.
 */
export interface Backlog<In, Out> {
  /** @returns false where it is full; the item is not kept. */
  add(item: In): boolean;
  /** The next thing for the consumer; undefined where nothing waits. */
  take(): Out | Promise<Out> | undefined;
  /** Whether nothing is left to take. */
  readonly isEmpty: boolean;
  clear(): void;
}

/**
 * One consumer's side of a broadcast: the producer offers and goes on, the consumer pulls at its own pace.
 *
 * States: open → ending (what waits is still handed over, then the end) → ended. The consumer's `return` goes to ended
 * from anywhere, at once: unlike an async generator it does not wait for a pending `next`.
 */
export class Stream<In, Out> implements AsyncIterableIterator<Out, undefined> {
  readonly #backlog: Backlog<In, Out>;
  readonly #onEnded: () => void;
  #waiters: (() => void)[] = [];
  /** Those who wait for what waits to be taken. */
  #untaken: (() => void)[] = [];
  /** Those whose wait was for what is taken: it is dealt with when the consumer asks for more. */
  #taken: (() => void)[] = [];
  /** Those on the consumer's side who are told of the end. */
  readonly #endings: (() => void)[] = [];
  #end: End<Out> | undefined;
  #ended = false;

  /** @param onEnded called once, when nothing more will be accepted. */
  constructor(backlog: Backlog<In, Out>, onEnded: () => void) {
    this.#backlog = backlog;
    this.#onEnded = onEnded;
  }

  get open(): boolean {
    return this.#end === undefined;
  }

  /** Whether the consumer has dealt with all it was given and waits for more. */
  get isAwaited(): boolean {
    return this.#waiters.length > 0;
  }

  /** @returns false where the backlog is full. An ended stream takes everything and keeps nothing. */
  offer(item: In): boolean {
    if (!this.open) return true;
    if (!this.#backlog.add(item)) return false;
    this.#wake();
    return true;
  }

  /** What waits has changed by itself. */
  stir(): void {
    this.#wake();
  }

  /** Ends after what waits: with one last item, with an error that `next` throws, or just so. */
  end(end: End<Out> = {}): void {
    if (!this.open) return;
    this.#end = end;
    this.#onEnded();
    for (const ending of this.#endings) ending();
    this.#wake();
  }

  /** @param ending called when nothing more will be accepted, though something may still wait; at once where that is so. */
  whenEnded(ending: () => void): void {
    if (this.open) this.#endings.push(ending);
    else ending();
  }

  /**
   * Resolves when the consumer has taken all that waits now and asks for more, or the stream ends.
   * @returns false where it ended: something may still wait.
   */
  async drained(): Promise<boolean> {
    if (this.open && this.#waiters.length === 0) await new Promise<void>((resolve) => this.#untaken.push(resolve));
    return this.open;
  }

  async next(): Promise<IteratorResult<Out, undefined>> {
    this.#releaseTaken();
    for (;;) {
      const item = this.#ended ? undefined : this.#backlog.take();
      if (this.#backlog.isEmpty) this.#taken.push(...this.#untaken.splice(0));
      if (item !== undefined) return { value: await item, done: false };
      if (this.#end) return this.#last(this.#end);
      await new Promise<void>((resolve) => {
        this.#waiters.push(resolve);
        this.#releaseTaken();
      });
    }
  }

  async return(): Promise<IteratorResult<Out, undefined>> {
    this.#ended = true;
    this.#backlog.clear();
    this.end();
    return { value: undefined, done: true };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #last({ last, error }: End<Out>): IteratorResult<Out, undefined> {
    if (this.#ended) return { value: undefined, done: true };
    this.#ended = true;
    if (error !== undefined) throw error;
    return last === undefined ? { value: undefined, done: true } : { value: last, done: false };
  }

  #wake(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const resume of waiters) resume();
    if (this.open) return;
    this.#taken.push(...this.#untaken.splice(0));
    this.#releaseTaken();
  }

  #releaseTaken(): void {
    for (const resume of this.#taken.splice(0)) resume();
  }
}

interface End<Out> {
  readonly last?: Out;
  readonly error?: unknown;
}
