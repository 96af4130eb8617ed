import type pg from 'pg';
import { createPool } from '../../prisma/pool.ts';
import { MARKET, type Shape, STEP_MS } from './shape.ts';

/** Connections that insert beside each other, as two partitions of a feed would. */
const WRITERS = 2;
const ROWS_A_STATEMENT = 1_000_000;
const STATEMENT_TIMEOUT_MS = 3_600_000;

/**
 * Fills a migrated, empty store with prices in the order of their intervals, as the pipeline commits them: all nodes of an interval
 * stand together, and the prices of a node one on each page.
 *
 * The indexes are made afterwards and the table is not logged: a row takes 3.3 µs of CPU so, statistics and indexes with it. Neither changes what is read: nothing of a log is read, and pages of an index that each node's
 * prices are appended to are as full as those of one that is made at once.
 * @param progress told how many rows there are.
 */
export async function fillPrices(url: string, shape: Shape, progress: (rows: number) => void): Promise<void> {
  const pool = createPool({ url, max: WRITERS, statementTimeoutMs: STATEMENT_TIMEOUT_MS });
  try {
    const first = await addNodes(pool, shape.nodes);
    const indexes = await dropIndexes(pool);
    await pool.query('ALTER TABLE lmp SET UNLOGGED');
    await insertPrices(pool, shape, first, progress);
    await pool.query('VACUUM (FREEZE, ANALYZE) lmp');
    for (const index of indexes) await createIndex(pool, index);
    await pool.query('ANALYZE pricing_node');
  } finally {
    await pool.end();
  }
}

/** @returns the id of the first; the others follow it. */
async function addNodes(pool: pg.Pool, nodes: number): Promise<number> {
  const text = `INSERT INTO pricing_node (market_id, name) SELECT $1, 'NODE-' || n FROM generate_series(0, $2::int - 1) AS n RETURNING id`;
  const { rows } = await pool.query<{ id: number }>(text, [MARKET, nodes]);
  return rows[0]?.id ?? Number.NaN;
}

async function insertPrices(pool: pg.Pool, shape: Shape, firstNode: number, progress: (rows: number) => void) {
  const zone = await pool.query<{ time_zone: string }>('SELECT time_zone FROM market WHERE id = $1', [MARKET]);
  const intervals = Math.max(1, Math.floor(ROWS_A_STATEMENT / shape.nodes));
  let next = 0;
  const write = async () => {
    while (next < shape.intervals) {
      const from = next;
      const to = Math.min(shape.intervals, from + intervals);
      next = to;
      const bounds = [from * shape.nodes, to * shape.nodes - 1, shape.nodes, firstNode];
      await pool.query(INSERT, [...bounds, shape.startAt / 1_000, STEP_MS / 1_000, zone.rows[0]?.time_zone]);
      progress(next * shape.nodes);
    }
  };
  await Promise.all(Array.from({ length: WRITERS }, write));
}

/** In whole cents, as operators publish them. `$5` and `$6` are seconds; a commit takes 5,000 rows. */
const INSERT = `
  INSERT INTO lmp (node_id, run, interval_start, interval_end, operating_day, lmp, energy, congestion, loss, ghg, quality,
                   revision, published_at, published_seq, recorded_at, ledger_id)
  SELECT $4::int + i % $3::int, 'REAL_TIME_5_MIN', starts_at, starts_at + make_interval(secs => $6),
    (starts_at AT TIME ZONE $7)::date, (e + c + l) / 100.0::float8, e / 100.0::float8, c / 100.0::float8, l / 100.0::float8,
    NULL, 0, 1, starts_at, i, starts_at + INTERVAL '2 seconds', 1 + i / 5000
  FROM (
    SELECT i, to_timestamp($5::float8 + (i / $3::int) * $6::float8) AS starts_at, 2500 + (random() * 2000)::int AS e,
      (random() * 1000)::int - 500 AS c, (random() * 200)::int AS l
    FROM (SELECT generate_series($1::bigint, $2::bigint) AS i) AS numbered
    OFFSET 0
  ) AS price`;

interface Index {
  readonly name: string;
  readonly definition: string;
  /** Of a constraint, which the index belongs to. */
  readonly constraint: string | null;
}

async function dropIndexes(pool: pg.Pool): Promise<Index[]> {
  const { rows } = await pool.query<Index>(`
    SELECT index.relname AS name, pg_get_indexdef(index.oid) AS definition, pg_get_constraintdef(made.oid) AS constraint
    FROM pg_index AS of_table
    JOIN pg_class AS index ON index.oid = of_table.indexrelid
    LEFT JOIN pg_constraint AS made ON made.conindid = index.oid AND made.conrelid = of_table.indrelid
    WHERE of_table.indrelid = 'lmp'::regclass`);
  for (const { name, constraint } of rows) {
    await pool.query(constraint === null ? `DROP INDEX "${name}"` : `ALTER TABLE lmp DROP CONSTRAINT "${name}"`);
  }
  return rows;
}

async function createIndex(pool: pg.Pool, { name, definition, constraint }: Index): Promise<void> {
  const client = await pool.connect();
  try {
    await client.query(`SET maintenance_work_mem = '1GB'`);
    await client.query(constraint === null ? definition : `ALTER TABLE lmp ADD CONSTRAINT "${name}" ${constraint}`);
  } finally {
    client.release();
  }
}
