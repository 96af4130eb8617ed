import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import type { TestProject } from 'vitest/node';
import { migrate } from '../../prisma/migrate.ts';
import { createPool } from '../../prisma/pool.ts';
import { openEmbeddedPostgres } from '../../runtime/embedded-postgres.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** URL of the run's Postgres server; its database `template_migrated` carries the migrated, empty store. */
    postgresUrl: string;
  }
}

/** One native Postgres for the whole run. Each test file clones a database of its own from the migrated template. */
export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'busbar-test-'));
  const postgres = await openEmbeddedPostgres(folder);
  const admin = new pg.Client({ connectionString: postgres.url });
  await admin.connect();
  // No test outlives the machine, and what a killed server wrote is there without it: only its waits for the disk go.
  await admin.query('ALTER SYSTEM SET fsync = off');
  await admin.query('SELECT pg_reload_conf()');
  await admin.query('CREATE DATABASE template_migrated');
  await admin.end();
  const url = new URL(postgres.url);
  url.pathname = '/template_migrated';
  const pool = createPool({ url: url.href, max: 2 });
  await migrate(pool);
  await pool.end();
  project.provide('postgresUrl', postgres.url);
  return async () => {
    await postgres.release();
    await rm(folder, { recursive: true, force: true });
  };
}
