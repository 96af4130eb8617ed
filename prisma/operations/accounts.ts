import { BusbarError } from '../../domain/errors.ts';
import type { CostMethod } from '../../domain/position.ts';
import { isTradeName } from '../../domain/trade.ts';
import type { Queryable } from '../queryable.ts';

/** The task of the queue that works an account's positions out anew; the ingestors carry it out. */
export const REWORK_TASK = 'rework-account';

export interface CostMethodChange {
  readonly account: string;
  readonly method: CostMethod;
  /** Whether an account that nobody knows is made, to be kept by that method from its first trade on. False where nothing is said. */
  readonly create?: boolean;
}

/**
 * Sets how an account's positions are kept from now on. Those that there are follow as soon as the ingestors come to it.
 * @param client in a transaction, so that there is no account whose positions nobody reworks.
 * @returns whether that is another method than so far, or another account.
 * @throws BusbarError `NOT_FOUND` for an account that nobody knows, unless it is to be made; then `BAD_USER_INPUT` for a name
 *   that no trade could have.
 */
export async function setCostMethod(
  client: Queryable,
  { account, method, create = false }: CostMethodChange,
): Promise<boolean> {
  if (create && (await makeAccount(client, account, method))) return true;
  const { rows } = await client.query<{ method: CostMethod }>(
    'SELECT cost_method AS method FROM account WHERE id = $1 FOR UPDATE',
    [account],
  );
  const present = rows[0]?.method;
  if (!present) {
    throw new BusbarError('NOT_FOUND', `there is no account "${account}": create makes one before its first trade`);
  }
  if (present === method) return false;
  await client.query('UPDATE account SET cost_method = $2 WHERE id = $1', [account, method]);
  await client.query(
    `SELECT graphile_worker.add_job('${REWORK_TASK}', json_build_object('account', $1::text), job_key => '${REWORK_TASK}/' || $1)`,
    [account],
  );
  return true;
}

/** @returns false where there is one. */
async function makeAccount(client: Queryable, account: string, method: CostMethod): Promise<boolean> {
  if (!isTradeName(account)) {
    throw new BusbarError(
      'BAD_USER_INPUT',
      'an account has a name of 1 to 100 characters, not all blank and none a control character',
    );
  }
  const { rows } = await client.query<{ id: string }>(
    'INSERT INTO account (id, cost_method) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING id',
    [account, method],
  );
  return rows.length > 0;
}
