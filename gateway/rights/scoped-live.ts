import type { Live, Reads } from '../../schema/context.ts';
import { withinDesk } from './desk-filter.ts';
import { feedSources } from './feed-sources.ts';
import { requireJob, requireNodes, type Scopes } from './scopes.ts';

/**
 * Live updates of whoever may not see everything, bound as the reads are.
 * @param reads unbound.
 */
export function scopedLive(live: Live, reads: Pick<Reads, 'jobsById'>, scopes: Scopes): Live {
  const { markets, feeds } = scopes;
  const sources = feedSources(feeds);
  /** Prices of the nodes or the market that are named, else of the markets in scope. */
  const priced = <Filter extends { readonly nodes?: readonly string[]; readonly market?: string }>(filter: Filter) => {
    requireNodes(markets, filter.nodes ?? []);
    const narrowed = markets.unless(filter.market);
    return { ...filter, ...(narrowed && !filter.nodes && { markets: narrowed }) };
  };
  return {
    lmp: (filter, ...asked) => live.lmp(priced(filter), ...asked),
    forecasts: (filter, ...asked) => live.forecasts(priced(filter), ...asked),
    trades: (filter, after) => live.trades(withinDesk(filter, scopes), after),
    pnl: (filter, ...asked) => live.pnl(withinDesk(filter, scopes), ...asked),
    async jobProgress(id) {
      await requireJob(feeds, reads, id);
      return live.jobProgress(id);
    },
    feedHealth: (ids = feeds.list) => live.feedHealth(ids?.filter((id) => feeds.has(id))),
    apiHealth: (asked, subject) => live.apiHealth(sources.within(asked), subject),
  };
}
