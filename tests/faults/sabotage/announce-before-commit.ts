import type pg from 'pg';
import type { Queryable } from '../../../prisma/queryable.ts';

export * from '../../../prisma/transaction.ts';

export async function inTransaction<T>(pool: pg.Pool, work: (client: Queryable) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  await client.query('BEGIN');
  const result = await work(client);
  client.query('COMMIT').then(
    () => client.release(),
    (error) => client.release(error),
  );
  return result;
}
