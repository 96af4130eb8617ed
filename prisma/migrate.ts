import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { runMigrations } from 'graphile-worker';
import type pg from 'pg';
import { createSchemaEngine } from './schema-engine.ts';

const FOLDER = new URL('./migrations/', import.meta.url);

/**
 * Brings a store up to date: applies, in order, the migrations it does not have, and records them in
 * `_prisma_migrations` as the Prisma CLI does; then brings the job queue's own schema, `graphile_worker`, up to date. Safe to call from several processes at once.
 * @returns the names of those applied now.
 */
export async function migrate(pool: pg.Pool): Promise<string[]> {
  const engine = await createSchemaEngine(pool);
  const { appliedMigrationNames } = await engine.applyMigrations({
    migrationsList: await readMigrations(),
    filters: { externalTables: [], externalEnums: [] },
  });
  await runMigrations({ pgPool: pool });
  return appliedMigrationNames;
}

async function readMigrations() {
  const entries = await readdir(FOLDER, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  return {
    baseDir: fileURLToPath(FOLDER),
    lockfile: { path: 'migration_lock.toml', content: await readFile(new URL('migration_lock.toml', FOLDER), 'utf8') },
    shadowDbInitScript: '',
    migrationDirectories: await Promise.all(
      names.sort().map(async (name) => ({
        path: name,
        migrationFile: {
          path: 'migration.sql',
          content: { tag: 'ok' as const, value: await readFile(new URL(`${name}/migration.sql`, FOLDER), 'utf8') },
        },
      })),
    ),
  };
}
