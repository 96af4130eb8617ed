import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { freshDatabase, type TestDatabase } from '../tests/support/postgres.ts';

const MIGRATION = new URL('./migrations/20261205000000_api_key_rotation/migration.sql', import.meta.url);

/** The table as it was before that migration. */
const BEFORE = 'ALTER TABLE api_key DROP COLUMN ends_early, DROP COLUMN intended_ends_at';

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

it('of keys that were rotated before the intended end is known again, and none lives longer or shorter', async () => {
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
    `SELECT prefix, expires_at::date::text AS ends, ends_early AS early, intended_ends_at::date::text AS intended
     FROM api_key ORDER BY id`,
  );
  expect(rows.map(({ prefix, ends, early, intended }) => [prefix, ends, early, intended])).toEqual([
    ['alone', '2026-11-20', false, null],
    ['endless', '2026-11-09', true, null],
    ['endless-next', null, false, null],
    ['year', '2026-11-09', true, '2027-11-01'],
    ['year-next', '2026-11-12', true, '2027-11-08'],
    ['year-lost', '2026-11-10', true, '2027-11-09'],
    ['year-last', '2027-11-11', false, null],
  ]);
});
