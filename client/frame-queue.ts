/**
 * What waits between a socket that cannot be slowed down and a consumer that may be slow: bounded.
 *
 * States: open → ending (what waits is still handed over, then the end) → ended. `cut` goes to ended at once. One
 * consumer.
 */
export class FrameQueue<Frame extends object> {
  readonly #framesMax: number;
  #waiting: Frame[] = [];
  #end: { readonly error?: unknown } | undefined;
  #wake: () => void = () => undefined;

  constructor(framesMax: number) {
    this.#framesMax = framesMax;
  }

  get open(): boolean {
    return this.#end === undefined;
  }

  /** @returns false where it is full; the frame is not kept. */
  push(frame: Frame): boolean {
    if (this.#waiting.length >= this.#framesMax) return false;
    this.#waiting.push(frame);
    this.#wake();
    return true;
  }

  /** Ends after what waits, with the error if there is one. The first end counts. */
  end(end: { readonly error?: unknown } = {}): void {
    this.#end ??= end;
    this.#wake();
  }

  /** Ends now; what waits is dropped. */
  cut(): void {
    this.#waiting = [];
    this.#end = {};
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Frame, void, undefined> {
    for (;;) {
      for (let frame = this.#waiting.shift(); frame; frame = this.#waiting.shift()) yield frame;
      if (this.#end && 'error' in this.#end) throw this.#end.error;
      if (this.#end) return;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}
