import type { Reads } from '../../schema/context.ts';
import { marketIn } from '../live/market-in.ts';
import { withinDesk } from './desk-filter.ts';
import type { Scopes } from './scopes.ts';

type DeskReads = Pick<
  Reads,
  'accounts' | 'account' | 'trades' | 'tradeVersions' | 'positionTrades' | 'positions' | 'exposure' | 'pnlSeries'
>;

/** Facts of the accounts in scope, at nodes of the markets in scope. */
export function scopedDeskReads(reads: Reads, scopes: Scopes): DeskReads {
  const { accounts, markets } = scopes;
  return {
    accounts: (within = accounts.list) => reads.accounts(within?.filter((id) => accounts.has(id))),
    account: async (id) => {
      accounts.require(id);
      return reads.account(id);
    },
    trades: async (filter, page) => reads.trades(withinDesk(filter, scopes), page),
    tradeVersions: (ids) =>
      reads.tradeVersions(ids, {
        ...(accounts.list && { accounts: accounts.list }),
        ...(markets.list && { markets: markets.list }),
      }),
    positionTrades: async (requests) => {
      for (const { account, node } of requests) {
        accounts.require(account);
        markets.require(marketIn(node));
      }
      return reads.positionTrades(requests);
    },
    positions: async (filter) => reads.positions(withinDesk(filter, scopes)),
    exposure: async (asked) => reads.exposure(withinDesk(asked, scopes)),
    pnlSeries: async (filter, ...asked) => reads.pnlSeries(withinDesk(filter, scopes), ...asked),
  };
}
