/**
 * Which columns a statement reads, of those that a selection needs.
 *
 * Each set of columns is a statement that every connection keeps planned. Only the first few sets that are asked for have one of
 * their own; whoever asks for another reads all columns, so that no client can fill the store with plans.
 */
export interface ColumnSets<Column> {
  setFor(wanted: ReadonlySet<Column>): ColumnSet<Column>;
}

export interface ColumnSet<Column> {
  readonly columns: readonly Column[];
  /** Short, and the same for the same columns. */
  readonly name: string;
}

const SETS_MAX = 16;

export function createColumnSets<Column>(all: readonly Column[], setsMax = SETS_MAX): ColumnSets<Column> {
  const whole: ColumnSet<Column> = { columns: all, name: 'all' };
  const sets = new Map<string, ColumnSet<Column>>();
  return {
    setFor(wanted) {
      const columns = all.filter((column) => wanted.has(column));
      const bits = columns.reduce((sum, column) => sum + 2 ** all.indexOf(column), 0);
      const name = bits.toString(36);
      const known = sets.get(name);
      if (known || sets.size >= setsMax) return known ?? whole;
      const set = { columns, name };
      sets.set(name, set);
      return set;
    },
  };
}
