import type pg from 'pg';
import type { Queryable } from '../../../prisma/queryable.ts';

export * from '../../../prisma/transaction.ts';

export async function inTransaction<T>(pool: pg.Pool, work: (client: Queryable) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  try {
    return await work(client);
  } finally {
    client.release();
  }
}
