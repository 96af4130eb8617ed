import type { PositionFilter } from '../../schema/trading-rows.ts';
import { marketIn } from '../live/market-in.ts';
import type { Scopes } from './scopes.ts';

/** The same filter over accounts, and nodes of markets, that are in scope. @throws BusbarError `FORBIDDEN` for what it names. */
export function withinDesk<Filter extends PositionFilter & { readonly market?: string }>(
  filter: Filter,
  scopes: Pick<Scopes, 'accounts' | 'markets'>,
): Filter {
  const accounts = scopes.accounts.unless(filter.account);
  if (filter.market !== undefined) scopes.markets.require(filter.market);
  const markets = scopes.markets.unless(filter.node === undefined ? filter.market : marketIn(filter.node));
  return { ...filter, ...(accounts && { accounts }), ...(markets && { markets }) };
}
