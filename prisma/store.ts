import type pg from 'pg';
import type { CoreConfig } from '../runtime/config.ts';
import { openEmbeddedPostgres } from '../runtime/embedded-postgres.ts';
import { requireMigrated } from './migrated.ts';
import { createPool } from './pool.ts';

export interface Store {
  readonly pool: pg.Pool;
  /** With its password: for sessions of their own (locks, LISTEN), never for logs. */
  readonly url: string;
  readonly embedded: boolean;
  /** Migrations applied while opening. */
  readonly migrated: readonly string[];
  close(): Promise<void>;
}

type OnConnectionError = (error: Error) => void;

/**
 * Opens the configured store, or the embedded one where none is configured. The embedded one is migrated at once; a
 * configured one only by `npm run migrate`, so that a rollout decides when, and is refused until then.
 * @throws BusbarError `UNAVAILABLE` where the store is away or not migrated.
 */
export function openStore(config: CoreConfig, name: string, onConnectionError: OnConnectionError): Promise<Store> {
  return open(config, name, onConnectionError, async (pool) => {
    await requireMigrated(pool);
    return [];
  });
}

/** The same for `npm run migrate`: brings the configured store up to date too. */
export function openToMigrate(config: CoreConfig, name: string): Promise<Store> {
  return open(config, name, () => {}, migrateAll);
}

/** @param prepare does to a configured store what it needs before it is used. @returns what it migrated. */
async function open(
  config: CoreConfig,
  name: string,
  onConnectionError: OnConnectionError,
  prepare: (pool: pg.Pool) => Promise<readonly string[]>,
): Promise<Store> {
  const embedded = config.DATABASE_URL ? undefined : await openEmbeddedPostgres(config.BUSBAR_DATA);
  const url = config.DATABASE_URL?.reveal() ?? embedded?.url ?? '';
  const pool = createPool({ url, max: config.DATABASE_POOL, name, onConnectionError });
  const close = async () => {
    await pool.end();
    await embedded?.release();
  };
  try {
    const migrated = await (embedded ? migrateAll : prepare)(pool);
    return { pool, url, embedded: embedded !== undefined, migrated, close };
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
