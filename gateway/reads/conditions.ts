/**
 * The conditions of a statement, with their values. A condition stands in the text only where it is asked for: one plan for
 * all of them at once would walk every row. So each combination is a statement of its own name.
 */
export class Conditions {
  readonly values: unknown[];
  readonly #names: string[] = [];
  readonly #texts: string[];

  /**
   * @param values those that the statement has in any case, `$1` first.
   * @param texts conditions that it has in any case.
   */
  constructor(values: readonly unknown[], texts: readonly string[] = []) {
    this.values = [...values];
    this.#texts = [...texts];
  }

  /** @param textOf makes the condition of the places of its values. */
  add(name: string, values: readonly unknown[], textOf: (...places: string[]) => string): void {
    this.#names.push(name);
    this.#texts.push(textOf(...values.map((value) => `$${this.values.push(value)}`)));
  }

  /** Of the statement: equal texts have equal names. */
  nameOf(statement: string): string {
    return [statement, ...this.#names].join('-');
  }

  get where(): string {
    return this.#texts.length > 0 ? `WHERE ${this.#texts.join(' AND ')}` : '';
  }
}
