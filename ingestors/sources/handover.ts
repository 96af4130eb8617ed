/**
 * Passes things from one who makes them to one who takes them, each by hand: whoever gives waits until the thing was
 * taken, so that nothing piles up between the two.
 */
export class Handover<T> {
  #given: { readonly thing: T; readonly taken: () => void } | undefined;
  #arrived: () => void = () => {};
  #closed = false;

  /** Resolves when the thing was taken, or nobody will take it any more. To be awaited before the next is given. */
  async give(thing: T): Promise<void> {
    if (this.#closed) return;
    await new Promise<void>((taken) => {
      this.#given = { thing, taken };
      this.#arrived();
    });
  }

  /** Resolves when there is something. To be awaited before the next is asked for. */
  async take(): Promise<T> {
    if (!this.#given) {
      await new Promise<void>((arrived) => {
        this.#arrived = arrived;
      });
    }
    if (!this.#given) throw new TypeError('two take at once');
    const { thing, taken } = this.#given;
    this.#given = undefined;
    taken();
    return thing;
  }

  /** Lets go whoever gives; what was not taken yet is dropped. */
  close(): void {
    this.#closed = true;
    this.#given?.taken();
    this.#given = undefined;
  }
}
