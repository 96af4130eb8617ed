/**
 * Do the migrations make the store that schema.prisma describes? On a Postgres of this run's own one database is made by
 * the migrations and one by the SQL that Prisma's engine writes for schema.prisma; then their catalogs are compared.
 * Views, triggers and functions are left out, and what an index includes beside its key: Prisma cannot say them. 3 s.
 *
 * The engine's own comparison with a live database does not run over `@prisma/adapter-pg` 7.10, which refuses the
 * columns of type "char" of Postgres' catalogs.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type pg from 'pg';
import { migrate } from '../../prisma/migrate.ts';
import { createPool } from '../../prisma/pool.ts';
import { createSchemaEngine, SCHEMA_FILE } from '../../prisma/schema-engine.ts';
import { openEmbeddedPostgres } from '../../runtime/embedded-postgres.ts';

/** Columns, indexes, constraints and enumerations of the tables, one a line, without the table of migrations itself. */
const CATALOG = `
  WITH tables AS (
    SELECT oid, relname FROM pg_class
    WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace AND relname <> '_prisma_migrations'
  )
  SELECT format('column %s.%s %s%s%s', relname, attname, format_type(atttypid, atttypmod),
                CASE WHEN attnotnull THEN ' NOT NULL' END, ' DEFAULT ' || pg_get_expr(adbin, adrelid)) AS line
  FROM tables JOIN pg_attribute a ON attrelid = tables.oid AND attnum > 0 AND NOT attisdropped
  LEFT JOIN pg_attrdef ON adrelid = tables.oid AND adnum = attnum
  UNION ALL
  SELECT regexp_replace(pg_get_indexdef(indexrelid), ' INCLUDE \\(.*?\\)', '') FROM tables JOIN pg_index ON indrelid = tables.oid
  UNION ALL
  SELECT format('constraint %s on %s: %s', conname, relname, regexp_replace(pg_get_constraintdef(c.oid), ' INCLUDE \\(.*?\\)', ''))
  FROM tables JOIN pg_constraint c ON conrelid = tables.oid
  UNION ALL
  SELECT format('enum %s: %s', typname, string_agg(enumlabel, ', ' ORDER BY enumsortorder))
  FROM pg_type t JOIN pg_enum ON enumtypid = t.oid GROUP BY typname
  ORDER BY 1`;

const folder = await mkdtemp(join(tmpdir(), 'busbar-drift-'));
const postgres = await openEmbeddedPostgres(folder);
try {
  const migrated = await catalogOf('migrated', migrate);
  const described = await catalogOf('described', createDescribed);
  const drift = [
    ...described.filter((line) => !migrated.includes(line)).map((line) => `only in prisma/schema.prisma:  ${line}`),
    ...migrated.filter((line) => !described.includes(line)).map((line) => `only in prisma/migrations:     ${line}`),
  ];
  if (described.length === 0) throw new Error('prisma/schema.prisma describes nothing');
  if (drift.length > 0) {
    console.error(`the migrations do not make what prisma/schema.prisma says\n${drift.join('\n')}`);
    process.exitCode = 1;
  }
} finally {
  await postgres.release();
  await rm(folder, { recursive: true, force: true });
}

async function catalogOf(database: string, create: (pool: pg.Pool) => Promise<unknown>): Promise<string[]> {
  await withPool(postgres.url, (admin) => admin.query(`CREATE DATABASE ${database}`));
  const url = new URL(postgres.url);
  url.pathname = `/${database}`;
  return withPool(url.href, async (pool) => {
    await create(pool);
    const { rows } = await pool.query<{ line: string }>(CATALOG);
    return rows.map(({ line }) => line);
  });
}

async function createDescribed(pool: pg.Pool): Promise<void> {
  const engine = await createSchemaEngine(pool);
  const file = { path: fileURLToPath(SCHEMA_FILE), content: await readFile(SCHEMA_FILE, 'utf8') };
  const { stdout } = await engine.diff({
    from: { tag: 'empty' },
    to: { tag: 'schemaDatamodel', files: [file] },
    script: true,
    exitCode: null,
    filters: { externalTables: [], externalEnums: [] },
  });
  await pool.query(stdout ?? '');
}

async function withPool<T>(url: string, use: (pool: pg.Pool) => Promise<T>): Promise<T> {
  const pool = createPool({ url, max: 2 });
  try {
    return await use(pool);
  } finally {
    await pool.end();
  }
}
