import pg from 'pg';

/**
 * Leases: at most one process at a time does a thing. A lease is an advisory lock of one database session, so it ends with
 * its process, however that ends. Losing the session loses the lease, and `signal` says so.
 */
export interface Lease {
  /** Aborts when the lease is lost or given back. */
  readonly signal: AbortSignal;
  release(): Promise<void>;
}

/** @returns undefined where another process holds it, or the store cannot be reached. */
export async function tryLease(databaseUrl: string, name: string): Promise<Lease | undefined> {
  const client = new pg.Client({ connectionString: databaseUrl, application_name: 'busbar lease', keepAlive: true });
  const lost = new AbortController();
  client.on('error', () => lost.abort());
  client.on('end', () => lost.abort());
  try {
    await client.connect();
    const { rows } = await client.query<{ held: boolean }>(
      'SELECT pg_try_advisory_lock(hashtextextended($1, 0)) AS held',
      [name],
    );
    if (rows[0]?.held) return { signal: lost.signal, release: () => client.end() };
  } catch {
    // Whoever cannot reach the store cannot hold anything; the caller asks again.
  }
  await client.end().catch(() => {});
  return undefined;
}
