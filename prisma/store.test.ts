import { afterEach, beforeEach, expect, test } from 'vitest';
import { readConfig } from '../runtime/config.ts';
import { freshDatabase, type TestDatabase } from '../tests/support/postgres.ts';
import { openStore, openToMigrate } from './store.ts';

let db: TestDatabase;
beforeEach(async () => {
  db = await freshDatabase();
  await db.pool.query('DROP SCHEMA public, graphile_worker CASCADE; CREATE SCHEMA public');
});
afterEach(() => db.drop());

test('a configured store is refused until it was migrated, and opened after', async () => {
  const { core } = readConfig({ DATABASE_URL: db.url });
  const open = () => openStore(core, 'test', () => {});
  await expect(open()).rejects.toThrow('the store is not migrated: do it by npm run migrate');

  const migrating = await openToMigrate(core, 'test');
  await migrating.close();
  expect(migrating.migrated[0]).toMatch(/_store$/);

  const store = await open();
  await store.close();
  expect(store).toMatchObject({ embedded: false, migrated: [] });
});
