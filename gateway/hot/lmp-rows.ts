import { epochMs } from '../reads/lmp-parts.ts';
import type { Queryable } from '../reads/statement.ts';
import { itemsOf, numbersJson, numbersOfJson } from './column-json.ts';
import { type ColumnSet, createColumnSets } from './column-sets.ts';

/** What can be read of `lmp AS l` and of the nodes `asked`. */
const EXPRESSIONS = {
  place: 'asked.place',
  startAt: epochMs('l.interval_start'),
  endAt: epochMs('l.interval_end'),
  lmp: 'l.lmp',
  energy: 'l.energy',
  congestion: 'l.congestion',
  loss: 'l.loss',
  ghg: 'l.ghg',
  revision: 'l.revision',
  quality: 'l.quality',
  publishedAt: epochMs('l.published_at'),
} as const;

export type LmpColumn = keyof typeof EXPRESSIONS;

const ALL = Object.keys(EXPRESSIONS) as LmpColumn[];

/** Rows as columns of JSON texts: no object is made for a row. */
export interface LmpRows {
  readonly count: number;
  numbersOf(column: LmpColumn): readonly number[];
  jsonOf(column: LmpColumn): readonly string[];
}

export interface LmpStatement {
  /** @param values of the statement it was made of. @throws TypeError where a number is not finite. */
  read(db: Queryable, values: readonly unknown[]): Promise<LmpRows>;
}

/**
 * Makes one-row statements of a statement whose columns are open.
 * @param name of it, short.
 * @param textOf the statement that selects these columns, in the order of the answer.
 */
export function lmpStatements(
  name: string,
  textOf: (columns: string) => string,
): (wanted: ReadonlySet<LmpColumn>) => LmpStatement {
  const sets = createColumnSets(ALL);
  return (wanted) => {
    const set = sets.setFor(new Set<LmpColumn>([...wanted, 'startAt']));
    const statement = { name: `${name}-${set.name}`, text: oneRowOf(textOf, set) };
    return {
      read: async (db, values) => {
        const { rows } = await db.query<Texts>({ ...statement, values: [...values] });
        return rowsFrom(rows[0] ?? {});
      },
    };
  };
}

function oneRowOf(textOf: (columns: string) => string, { columns }: ColumnSet<LmpColumn>): string {
  const selected = columns.map((column) => `${EXPRESSIONS[column]} AS "${column}"`);
  const arrays = columns.map((column) => `array_to_json(array_agg("${column}"))::text AS "${column}"`);
  return `SELECT ${arrays.join(', ')} FROM (${textOf(selected.join(', '))}) AS row`;
}

/** Null: there is no row. */
type Texts = Readonly<Partial<Record<LmpColumn, string | null>>>;

function rowsFrom(texts: Texts): LmpRows {
  const textOf = (column: LmpColumn) => texts[column] ?? '[]';
  const numbers = new Map<LmpColumn, readonly number[]>();
  const numbersOf = (column: LmpColumn) => {
    const known = numbers.get(column) ?? numbersOfJson(textOf(column));
    numbers.set(column, known);
    return known;
  };
  return {
    count: numbersOf('startAt').length,
    numbersOf,
    jsonOf: (column) => itemsOf(numbersJson(textOf(column))),
  };
}
