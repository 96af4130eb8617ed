import type pg from 'pg';

export * from '../../../prisma/transaction.ts';

export async function inTransaction<T>(pool: pg.Pool, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  await client.query('BEGIN');
  const result = await work(client);
  client.query('COMMIT').then(
    () => client.release(),
    (error) => client.release(error),
  );
  return result;
}
