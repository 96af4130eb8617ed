import type { CostMethod } from '../../domain/position.ts';
import { LIMITS, limitExceeded } from '../../schema/limits.ts';
import type { AccountRow } from '../../schema/trading-rows.ts';
import type { Queryable } from './statement.ts';

const COLUMNS = 'SELECT id, cost_method, first_seen FROM account';

/** By id. @throws BusbarError `LIMIT_EXCEEDED`. */
export async function readAccounts(db: Queryable, rowsMax: number = LIMITS.accounts): Promise<AccountRow[]> {
  const { rows } = await db.query<StoredAccount>({
    name: 'accounts',
    text: `${COLUMNS} ORDER BY id LIMIT $1`,
    values: [rowsMax + 1],
  });
  if (rows.length > rowsMax) throw limitExceeded('accounts', rows.length, 'ask for positions of the ones you know');
  return rows.map(accountFrom);
}

/** @returns null for one that never traded. */
export async function readAccount(db: Queryable, id: string): Promise<AccountRow | null> {
  const { rows } = await db.query<StoredAccount>({ name: 'account', text: `${COLUMNS} WHERE id = $1`, values: [id] });
  return rows[0] ? accountFrom(rows[0]) : null;
}

interface StoredAccount {
  readonly id: string;
  readonly cost_method: CostMethod;
  readonly first_seen: Date;
}

function accountFrom({ id, cost_method, first_seen }: StoredAccount): AccountRow {
  return { id, method: cost_method, firstSeen: first_seen.getTime() };
}
