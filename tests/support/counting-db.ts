import type { Queryable } from '../../gateway/reads/statement.ts';

/** A store that counts the statements it is sent. */
export interface CountingDb extends Queryable {
  readonly statements: number;
}

export function countingDb(db: Queryable): CountingDb {
  let statements = 0;
  return {
    query: (statement) => {
      statements++;
      return db.query(statement);
    },
    get statements() {
      return statements;
    },
  };
}
