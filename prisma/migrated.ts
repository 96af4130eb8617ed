import { readdir } from 'node:fs/promises';
import type pg from 'pg';
import { BusbarError } from '../domain/errors.ts';
import { reachable } from './transaction.ts';

const FOLDER = new URL('./migrations/', import.meta.url);

/**
 * For whoever works on a store that others migrate.
 * @throws BusbarError `UNAVAILABLE` where the store is away, or lacks a migration that this program counts on.
 */
export async function requireMigrated(pool: pg.Pool): Promise<void> {
  const applied = await reachable(() => appliedTo(pool));
  if (applied.size === 0) throw new BusbarError('UNAVAILABLE', 'the store is not migrated: do it by npm run migrate');
  const missing = (await migrations()).filter((name) => !applied.has(name));
  if (missing.length === 0) return;
  throw new BusbarError('UNAVAILABLE', `the store lacks ${missing.join(', ')}: bring it up to date by npm run migrate`);
}

async function migrations(): Promise<string[]> {
  const entries = await readdir(FOLDER, { withFileTypes: true });
  return entries.flatMap((entry) => (entry.isDirectory() ? [entry.name] : [])).sort();
}

async function appliedTo(pool: pg.Pool): Promise<ReadonlySet<string>> {
  const { rows: found } = await pool.query<{ migrated: boolean }>(
    `SELECT to_regclass('_prisma_migrations') IS NOT NULL AND to_regclass('graphile_worker.migrations') IS NOT NULL AS migrated`,
  );
  if (!found[0]?.migrated) return new Set();
  const { rows } = await pool.query<{ name: string }>(
    'SELECT migration_name AS name FROM _prisma_migrations WHERE finished_at IS NOT NULL',
  );
  return new Set(rows.map(({ name }) => name));
}
