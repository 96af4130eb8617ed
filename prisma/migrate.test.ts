import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MARKETS } from '../domain/market.ts';
import { freshDatabase, type TestDatabase } from '../tests/support/postgres.ts';
import { migrate } from './migrate.ts';

describe('migrate', () => {
  let db: TestDatabase;
  beforeAll(async () => {
    db = await freshDatabase();
  });
  afterAll(() => db.drop());

  it('applies nothing the second time', async () => {
    expect(await migrate(db.pool)).toEqual([]);
  });

  it('leaves no lock behind, so that another process can migrate while this one runs on', async () => {
    await migrate(db.pool);
    const locks = async () => {
      const { rows } = await db.pool.query(
        `SELECT FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
      );
      return rows;
    };
    // The server lets go of a connection's locks a moment after the connection was closed.
    await expect.poll(locks).toEqual([]);
  });

  it('leaves the markets of domain/market.ts in the store', async () => {
    const { rows } = await db.pool.query(
      'SELECT id, name, operator, time_zone AS "timeZone", currency FROM market ORDER BY id',
    );
    expect(rows).toEqual(MARKETS.map(({ identityTolerance: _tolerance, onPeak: _hours, ...market }) => market));
  });
});
