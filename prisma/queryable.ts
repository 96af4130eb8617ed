import type pg from 'pg';

/** Whatever answers statements: the pool, or one transaction. */
export type Queryable = Pick<pg.ClientBase, 'query'>;
