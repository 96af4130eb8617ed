/** How much is done before whatever else waits for the event loop has its turn: two or three milliseconds of frames. */
const SLICE = 8;

/**
 * Does what is due a little at a time. Hundreds of subscribers that are all due at one price would otherwise be served in one
 * piece, and a trade that comes meanwhile would wait for the last of them. Work that throws is thrown to the process, as from any
 * timer; the rest is served all the same.
 */
export class DueQueue {
  readonly #due = new Set<() => void>();
  #turn: NodeJS.Immediate | undefined;

  /** In its turn, after what was due before. Once, however often it is asked for until then. */
  add(work: () => void): void {
    this.#due.add(work);
    this.#turn ??= setImmediate(() => this.#serve());
  }

  remove(work: () => void): void {
    this.#due.delete(work);
  }

  #serve(): void {
    this.#turn = undefined;
    try {
      this.#serveSlice();
    } finally {
      if (this.#due.size > 0) this.#turn ??= setImmediate(() => this.#serve());
    }
  }

  #serveSlice(): void {
    let served = 0;
    for (const work of this.#due) {
      if (served === SLICE) break;
      served += 1;
      this.#due.delete(work);
      work();
    }
  }
}
