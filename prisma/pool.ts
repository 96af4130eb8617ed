import pg from 'pg';

export interface PoolOptions {
  readonly url: string;
  readonly max: number;
  /** False: for others' code, which does not expect its clients to have several statements under way. */
  readonly pipeline?: boolean;
  /** When the server cancels a statement. */
  readonly statementTimeoutMs?: number;
  /** Shown in `pg_stat_activity`. */
  readonly name?: string;
  /** An idle connection that broke; the pool replaces it by itself. */
  readonly onConnectionError?: (error: Error) => void;
}

/** 64-bit integers (ids, offsets) as numbers: exact up to 2^53, and anything beyond is an error, not a rounding. */
const typeParsers = new pg.TypeOverrides();
typeParsers.setTypeParser(pg.types.builtins.INT8, (text: string) => {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new RangeError(`not a safe integer: ${text}`);
  return value;
});

/**
 * The pool that bulk writes, hot reads and Prisma share. Statements issued on one client without waiting travel together and
 * are answered in their order. A statement that outlives a minute, unless told otherwise, is cancelled by the server,
 * and a connection that cannot be had in ten seconds is an error: nobody waits for ever.
 */
export function createPool({
  url,
  max,
  pipeline = true,
  statementTimeoutMs = 60_000,
  name = 'busbar',
  onConnectionError = () => {},
}: PoolOptions): pg.Pool {
  const pool = new pg.Pool({
    connectionString: url,
    max,
    pipeline,
    application_name: name,
    connectionTimeoutMillis: 10_000,
    statement_timeout: statementTimeoutMs,
    // The server's own limit cannot be told to whom a half-open connection keeps waiting.
    query_timeout: statementTimeoutMs + 5_000,
    idle_in_transaction_session_timeout: 60_000,
    keepAlive: true,
    types: typeParsers,
  });
  pool.on('error', onConnectionError);
  // A connection that breaks while somebody holds it tells whoever waits for its answer; unheard, it would end the process.
  pool.on('connect', (client) => client.on('error', onConnectionError));
  return pool;
}
