import type pg from 'pg';
import { createPool } from '../../../prisma/pool.ts';

/** A store whose `now()` and `clock_timestamp()` are what the clock says. */
export interface SteppedStore {
  readonly pool: pg.Pool;
  tell(now: number): Promise<void>;
  close(): Promise<void>;
}

/**
 * Names that a session finds before those of the system. What is not named so, as defaults of columns, stays as it is.
 * @param url of a migrated database that nobody else uses.
 */
export async function openSteppedStore(url: string, now: number): Promise<SteppedStore> {
  const setup = createPool({ url, max: 1 });
  await setup.query(`
    CREATE SCHEMA stepped;
    CREATE TABLE stepped.clock AS SELECT to_timestamp(${now / 1_000}) AS at;
    CREATE FUNCTION stepped.now() RETURNS timestamptz LANGUAGE sql STABLE AS 'SELECT at FROM stepped.clock';
    CREATE FUNCTION stepped.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE AS 'SELECT at FROM stepped.clock';
    DO $$ BEGIN
      EXECUTE format('ALTER DATABASE %I SET search_path = stepped, pg_catalog, public', current_database());
    END $$`);
  await setup.end();
  const pool = createPool({ url, max: 10 });
  return {
    pool,
    tell: async (at) => {
      await pool.query({
        name: 'tell',
        text: 'UPDATE stepped.clock SET at = to_timestamp($1::float8)',
        values: [at / 1_000],
      });
    },
    close: () => pool.end(),
  };
}
