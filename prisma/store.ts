import type pg from 'pg';
import type { CoreConfig } from '../runtime/config.ts';
import { openEmbeddedPostgres } from '../runtime/embedded-postgres.ts';
import { createPool } from './pool.ts';

export interface Store {
  readonly pool: pg.Pool;
  /** With its password: for sessions of their own (locks, LISTEN), never for logs. */
  readonly url: string;
  readonly embedded: boolean;
  /** Migrations applied while opening; the embedded store is always up to date. */
  readonly migrated: readonly string[];
  close(): Promise<void>;
}

/**
 * Opens the configured store, or the embedded one where none is configured. The embedded one is migrated at once; a
 * configured one only by `npm run migrate`, so that a rollout decides when.
 */
export async function openStore(
  config: CoreConfig,
  name: string,
  onConnectionError: (error: Error) => void,
): Promise<Store> {
  const embedded = config.DATABASE_URL ? undefined : await openEmbeddedPostgres(config.BUSBAR_DATA);
  const url = config.DATABASE_URL?.reveal() ?? embedded?.url ?? '';
  const pool = createPool({ url, max: config.DATABASE_POOL, name, onConnectionError });
  const close = async () => {
    await pool.end();
    await embedded?.release();
  };
  try {
    return { pool, url, embedded: embedded !== undefined, migrated: embedded ? await migrateAll(pool) : [], close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The engine that migrates takes 0.3 s to load, which whoever has a store of their own need not wait for. */
async function migrateAll(pool: pg.Pool): Promise<readonly string[]> {
  const { migrate } = await import('./migrate.ts');
  return migrate(pool);
}
