/**
 * What an announcing process knows of a stream in Redis from its answers: the incarnation, and of each source the last
 * sequence that it holds. A Redis that comes back from an older state (a replica that lagged, a log that was not yet on the
 * disk) holds less, and would go on as if nothing were missing.
 *
 * Incarnations that were left are remembered: one that comes back comes from an older state. One that was never seen was
 * begun meanwhile, by whoever noticed a loss or after a wipe; its cursors are all younger, and nothing is known of it.
 */
export class KnownStream {
  readonly #left = new Set<string>();
  #incarnation: string | undefined;
  #sequences = new Map<string, number>();

  get incarnation(): string | undefined {
    return this.#incarnation;
  }

  get sequences(): ReadonlyMap<string, number> {
    return this.#sequences;
  }

  /** Redis has said that in this incarnation it holds the source up to the sequence. */
  holds(incarnation: string, source: string, sequence: number): void {
    this.#incarnation ??= incarnation;
    // An answer that was overtaken by a new incarnation says nothing of it.
    if (incarnation !== this.#incarnation) return;
    this.#sequences.set(source, Math.max(sequence, this.#sequences.get(source) ?? sequence));
  }

  /** Whether it comes from an older state; asked where a stream was found to be of another incarnation, or to hold less. */
  isOlder(found: string): boolean {
    return found === this.#incarnation || this.#left.has(found);
  }

  /** @param incarnation in which it goes on; empty where it is wiped and has none yet. */
  goesOnIn(incarnation: string): void {
    if (incarnation === this.#incarnation) return;
    if (this.#incarnation) this.#left.add(this.#incarnation);
    this.#incarnation = incarnation || undefined;
    this.#sequences = new Map();
  }
}
