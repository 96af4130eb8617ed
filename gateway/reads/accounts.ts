import type { CostMethod } from '../../domain/position.ts';
import { LIMITS, limitExceeded } from '../../schema/limits.ts';
import type { AccountRow } from '../../schema/trading-rows.ts';
import type { Queryable } from './statement.ts';

const COLUMNS = 'SELECT id, cost_method, first_seen FROM account';

/** By id. @param within at most these. @throws BusbarError `LIMIT_EXCEEDED`. */
export async function readAccounts(
  db: Queryable,
  within?: readonly string[],
  rowsMax: number = LIMITS.accounts,
): Promise<AccountRow[]> {
  const { rows } = await db.query<StoredAccount>({
    name: 'accounts',
    text: `${COLUMNS} WHERE $2::text[] IS NULL OR id = ANY($2) ORDER BY id LIMIT $1`,
    values: [rowsMax + 1, within],
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
