import type { ApiKey } from '../../domain/api-key.ts';
import { ALL_RIGHTS, type Reach } from '../../domain/rights.ts';
import { readApiKeys } from '../../prisma/operations/api-keys.ts';
import type { Queryable } from '../../prisma/queryable.ts';
import type { Page, Slice } from '../../schema/context.ts';
import { sliceFrom } from './slice.ts';

/** A page of API keys, the newest first. `after`: the id of the last one seen. @param within those that reach no further. */
export async function readApiKeyPage(
  db: Queryable,
  { first, after }: Page<number>,
  within: Reach = ALL_RIGHTS,
): Promise<Slice<ApiKey>> {
  const rows = await readApiKeys(db, within, { first: first + 1, after });
  return sliceFrom(rows, { first, after });
}
