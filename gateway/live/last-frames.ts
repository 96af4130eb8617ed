import type { Stream } from './stream.ts';

/**
 * Sees to it that a stream that has ended is taken to its end: what waits for a client that takes nothing would be kept for as long as
 * it likes.
 *
 * States: open → ending (the stream has ended; each result that is taken gives the next as much time) → over (all is handed over, or
 * the connection is cut).
 */
export class LastFrames {
  readonly #msMax: number;
  readonly #cut: () => void;
  #timer: NodeJS.Timeout | undefined;
  #over = false;

  /** @param msMax for each result. @param cut called where it takes longer. */
  constructor(stream: Pick<Stream<never, unknown>, 'whenEnded'>, msMax: number, cut: () => void) {
    this.#msMax = msMax;
    this.#cut = cut;
    stream.whenEnded(() => this.#expect());
  }

  taken(): void {
    this.#timer?.refresh();
  }

  over(): void {
    this.#over = true;
    clearTimeout(this.#timer);
  }

  #expect(): void {
    if (this.#over) return;
    this.#timer = setTimeout(() => {
      this.#over = true;
      this.#cut();
    }, this.#msMax).unref();
  }
}
