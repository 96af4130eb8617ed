import type pg from 'pg';
import type { Queryable } from '../../../prisma/queryable.ts';

export * from '../../../prisma/transaction.ts';

export async function inTransactionOpenedBy<Opened, T>(
  pool: pg.Pool,
  opening: (client: Queryable) => Promise<Opened>,
  work: (client: Queryable, opened: Opened) => Promise<T>,
): Promise<T> {
  const client = await pool.connect();
  await client.query('BEGIN');
  const result = await work(client, await opening(client));
  client.query('COMMIT').then(
    () => client.release(),
    (error) => client.release(error),
  );
  return result;
}
