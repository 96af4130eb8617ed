import { BusbarError } from '../domain/errors.ts';
import { builder } from './builder.ts';
import type { Page, Slice } from './context.ts';
import type { CursorCodec } from './cursor.ts';
import { requireWithin } from './limits.ts';

const FIRST_DEFAULT = 100;

/** The arguments of every connection. There is no `last` and no `before`: facts are read forwards. */
export const pageArguments = builder.args((t) => ({
  first: t.int({ description: 'Rows of the page: 1 to 10,000, by default 100.' }),
  after: t.string({ description: 'Cursor of the row behind which the page begins; without it, the first page.' }),
}));

export interface PageArguments {
  readonly first?: number | null | undefined;
  readonly after?: string | null | undefined;
}

/** @throws BusbarError `BAD_USER_INPUT` for a `first` below 1 or a foreign cursor, `LIMIT_EXCEEDED` for one beyond the limit. */
export function pageFrom<Position>({ first, after }: PageArguments, cursor: CursorCodec<Position>): Page<Position> {
  const rows = first ?? FIRST_DEFAULT;
  if (rows < 1) throw new BusbarError('BAD_USER_INPUT', `\`first\` must be at least 1, not ${rows}`);
  requireWithin('first', rows, 'page through the rest with `after`');
  return { first: rows, after: after == null ? undefined : cursor.decode(after) };
}

interface Connection<Node> {
  readonly edges: { readonly cursor: string; readonly node: Node }[];
  readonly pageInfo: {
    readonly hasNextPage: boolean;
    readonly hasPreviousPage: boolean;
    readonly startCursor: string | null;
    readonly endCursor: string | null;
  };
}

/** A slice of rows as a Relay connection. */
export function connectionFrom<Row>(
  slice: Slice<Row>,
  page: Page<unknown>,
  cursorOf: (row: Row) => string,
): Connection<Row> {
  const edges = slice.rows.map((row) => ({ cursor: cursorOf(row), node: row }));
  return {
    edges,
    pageInfo: {
      hasNextPage: slice.hasNextPage,
      hasPreviousPage: page.after !== undefined,
      startCursor: edges.at(0)?.cursor ?? null,
      endCursor: edges.at(-1)?.cursor ?? null,
    },
  };
}
