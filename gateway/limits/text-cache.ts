/** What is kept for a text takes some kilobytes however short the text is. */
const TEXTS_MAX = 2_000;

/**
 * What is known of texts, as long as they are asked for: those that were not for longest are forgotten. Long ones are not kept, and
 * only so many, so that nobody fills the memory with texts that nobody repeats.
 */
export class TextCache<Known> {
  readonly #known = new Map<string, Known>();
  readonly #lengthMax: number;
  readonly #charactersMax: number;
  #characters = 0;

  /** @param charactersMax of all texts together. @param lengthMax of one text. */
  constructor(charactersMax: number, lengthMax: number) {
    this.#charactersMax = charactersMax;
    this.#lengthMax = lengthMax;
  }

  get size(): number {
    return this.#known.size;
  }

  get(text: string): Known | undefined {
    const known = this.#known.get(text);
    if (known === undefined) return undefined;
    this.#known.delete(text);
    this.#known.set(text, known);
    return known;
  }

  /** @param key what it is found by. @param length of what is kept for it. */
  set(key: string, known: Known, length = key.length): void {
    if (length > this.#lengthMax || this.#known.has(key)) return;
    this.#known.set(key, known);
    this.#lengths.set(key, length);
    this.#characters += length;
    for (const oldest of this.#known.keys()) {
      if (this.#characters <= this.#charactersMax && this.#known.size <= TEXTS_MAX) return;
      this.#characters -= this.#lengths.get(oldest) ?? 0;
      this.#lengths.delete(oldest);
      this.#known.delete(oldest);
    }
  }

  readonly #lengths = new Map<string, number>();
}
