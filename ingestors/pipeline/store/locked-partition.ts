import type pg from 'pg';
import type { Queryable } from '../../../prisma/queryable.ts';
import { inTransactionOpenedBy } from '../../../prisma/transaction.ts';
import { type Claim, lockPartition } from './positions.ts';

/**
 * Works in a transaction that holds the partition's lock, with the id of its next commit.
 * @throws BusbarError `FENCED` where the claim is no longer the newest; what `inTransaction` throws.
 */
export function inLockedPartition<T>(
  pool: pg.Pool,
  claim: Claim,
  work: (transaction: Queryable, commitId: number) => Promise<T>,
): Promise<T> {
  // Outside of a transaction the lock is let go at once, an id is left out, and a partition nobody owns is made known.
  return inTransactionOpenedBy(pool, (transaction) => lockPartition(transaction, claim), work);
}
