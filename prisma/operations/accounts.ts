import { BusbarError } from '../../domain/errors.ts';
import type { CostMethod } from '../../domain/position.ts';
import type { Queryable } from '../queryable.ts';

/** The task of the queue that works an account's positions out anew; the ingestors carry it out. */
export const REWORK_TASK = 'rework-account';

/**
 * Sets how an account's positions are kept from now on. Those that there are follow as soon as the ingestors come to it.
 * @param client in a transaction, so that there is no account whose positions nobody reworks.
 * @returns whether that is another method than so far.
 * @throws BusbarError `NOT_FOUND` for an account that never traded.
 */
export async function setCostMethod(
  client: Queryable,
  { account, method }: { account: string; method: CostMethod },
): Promise<boolean> {
  const { rows } = await client.query<{ method: CostMethod }>(
    'SELECT cost_method AS method FROM account WHERE id = $1 FOR UPDATE',
    [account],
  );
  const present = rows[0]?.method;
  if (!present) throw new BusbarError('NOT_FOUND', `there is no account "${account}"`);
  if (present === method) return false;
  await client.query('UPDATE account SET cost_method = $2 WHERE id = $1', [account, method]);
  await client.query(
    `SELECT graphile_worker.add_job('${REWORK_TASK}', json_build_object('account', $1::text), job_key => '${REWORK_TASK}/' || $1)`,
    [account],
  );
  return true;
}
