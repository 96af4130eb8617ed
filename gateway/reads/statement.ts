import type { QueryResultRow } from 'pg';

/** SQL with its values apart. Statements of one name have one text: the server parses and plans it once a connection. */
export interface Statement {
  readonly name: string;
  readonly text: string;
  readonly values: unknown[];
}

/** What a read needs of the store: a pool, a connection, or one that counts. */
export interface Queryable {
  query<Row extends QueryResultRow>(statement: Statement): Promise<{ rows: Row[] }>;
}
