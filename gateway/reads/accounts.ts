import type { CostMethod } from '../../domain/position.ts';
import { LIMITS, limitExceeded } from '../../schema/limits.ts';
import type { AccountRow } from '../../schema/trading-rows.ts';
import type { Queryable } from './statement.ts';

const TEXT = 'SELECT id, cost_method, first_seen FROM account ORDER BY id LIMIT $1';

/** By id. @throws BusbarError `LIMIT_EXCEEDED`. */
export async function readAccounts(db: Queryable, rowsMax: number = LIMITS.accounts): Promise<AccountRow[]> {
  const { rows } = await db.query<{ id: string; cost_method: CostMethod; first_seen: Date }>({
    name: 'accounts',
    text: TEXT,
    values: [rowsMax + 1],
  });
  if (rows.length > rowsMax) throw limitExceeded('accounts', rows.length, 'ask for positions of the ones you know');
  return rows.map(({ id, cost_method, first_seen }) => ({ id, method: cost_method, firstSeen: first_seen.getTime() }));
}
