import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type pg from 'pg';
import { migrate } from '../prisma/migrate.ts';
import { createPool } from '../prisma/pool.ts';
import { openEmbeddedPostgres } from '../runtime/embedded-postgres.ts';

export interface BenchStore {
  /** A migrated, empty store of its own, beside the others on one server. */
  fresh(name: string): Promise<{ pool: pg.Pool; url: string }>;
  close(): Promise<void>;
}

/** A native Postgres in a temporary folder, as `npm start` would run it. */
export async function openBenchStore(): Promise<BenchStore> {
  const folder = await mkdtemp(join(tmpdir(), 'busbar-bench-'));
  const postgres = await openEmbeddedPostgres(folder);
  const admin = createPool({ url: postgres.url, max: 1 });
  const pools: pg.Pool[] = [admin];
  return {
    fresh: async (name) => {
      await admin.query(`CREATE DATABASE ${name}`);
      const url = new URL(postgres.url);
      url.pathname = `/${name}`;
      const pool = createPool({ url: url.href, max: 10 });
      pools.push(pool);
      await migrate(pool);
      return { pool, url: url.href };
    },
    close: async () => {
      await Promise.all(pools.map((pool) => pool.end()));
      await postgres.release();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
