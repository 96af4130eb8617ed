import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { runMigrations } from 'graphile-worker';
import pg from 'pg';
import { createSchemaEngine } from './schema-engine.ts';

const FOLDER = new URL('./migrations/', import.meta.url);

/**
 * Brings a store up to date: applies, in order, the migrations it does not have, and records them in
 * `_prisma_migrations` as the Prisma CLI does; then brings the job queue's own schema, `graphile_worker`, up to date. Safe to call from several processes at once.
 * @returns the names of those applied now.
 */
export async function migrate(pool: pg.Pool): Promise<string[]> {
  const applied = await onConnectionOfItsOwn(pool, applyMigrations);
  await runMigrations({ pgPool: pool });
  return applied;
}

async function applyMigrations(pool: pg.Pool): Promise<string[]> {
  const engine = await createSchemaEngine(pool);
  const { appliedMigrationNames } = await engine.applyMigrations({
    migrationsList: await readMigrations(),
    filters: { externalTables: [], externalEnums: [] },
  });
  return appliedMigrationNames;
}

/** The engine takes an advisory lock for its session and leaves it to the session's end: nobody else can migrate until then. */
async function onConnectionOfItsOwn<T>({ options }: pg.Pool, work: (pool: pg.Pool) => Promise<T>): Promise<T> {
  const own = new pg.Pool({ ...options, max: 1 });
  try {
    return await work(own);
  } finally {
    await own.end();
  }
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
