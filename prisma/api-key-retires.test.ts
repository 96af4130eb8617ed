import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { freshDatabase, type TestDatabase } from '../tests/support/postgres.ts';

const MIGRATION = new URL('./migrations/20261205000000_api_key_retires/migration.sql', import.meta.url);

/** The table as it was before that migration; the trigger by any of its columns. */
const BEFORE = `
  DROP TRIGGER api_key_changed ON api_key;
  ALTER TABLE api_key DROP COLUMN retires_at;
  CREATE TRIGGER api_key_changed AFTER UPDATE OF expires_at ON api_key EXECUTE FUNCTION api_key_changed()`;

let db: TestDatabase;
beforeAll(async () => {
  db = await freshDatabase();
  await db.pool.query(BEFORE);
});
afterAll(() => db.drop());

/** Days of November 2026. */
const storeKey = (prefix: string, created: number, expires: string | null, replaces: string | null) =>
  db.pool.query(
    `INSERT INTO api_key (prefix, secret_hash, name, created_at, created_by, expires_at, replaces)
     VALUES ($1, '', $1, make_date(2026, 11, $2), 'tests', $3, $4)`,
    [prefix, created, expires, replaces],
  );

it('keys that were rotated before have their intended end again, and none lives longer or shorter', async () => {
  await storeKey('alone', 1, '2026-11-20', null);
  await storeKey('endless', 1, '2026-11-09', null);
  await storeKey('endless-next', 8, null, 'endless');
  await storeKey('year', 1, '2026-11-09', null);
  await storeKey('year-next', 8, '2026-11-12', 'year');
  // Made from a key that had been rotated, and so for the day of the overlap only.
  await storeKey('year-lost', 9, '2026-11-10', 'year');
  await storeKey('year-last', 11, '2027-11-11', 'year-next');
  await db.pool.query(await readFile(MIGRATION, 'utf8'));

  const { rows } = await db.pool.query(
    `SELECT prefix, expires_at::date::text AS expires, retires_at::date::text AS retires,
            least(expires_at, retires_at)::date::text AS ends FROM api_key ORDER BY id`,
  );
  expect(rows.map(({ prefix, expires, retires, ends }) => [prefix, expires, retires, ends])).toEqual([
    ['alone', '2026-11-20', null, '2026-11-20'],
    ['endless', null, '2026-11-09', '2026-11-09'],
    ['endless-next', null, null, null],
    ['year', '2027-11-01', '2026-11-09', '2026-11-09'],
    ['year-next', '2027-11-08', '2026-11-12', '2026-11-12'],
    ['year-lost', '2027-11-09', '2026-11-10', '2026-11-10'],
    ['year-last', '2027-11-11', null, '2027-11-11'],
  ]);
});
