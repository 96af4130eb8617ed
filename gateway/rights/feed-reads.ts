import { BusbarError } from '../../domain/errors.ts';
import { isDeskFeed } from '../../domain/rights.ts';
import { sourceKey } from '../../domain/source-call.ts';
import type { FeedFilter, OwedQuestion, Reads } from '../../schema/context.ts';
import { feedSources } from './feed-sources.ts';
import { requireNodes, type Scopes } from './scopes.ts';

type FeedReads = Pick<
  Reads,
  | 'feeds'
  | 'feed'
  | 'openDeadLetters'
  | 'gaps'
  | 'completeness'
  | 'ledger'
  | 'ledgerEntriesById'
  | 'deadLetters'
  | 'deadLetterRaws'
  | 'jobs'
  | 'jobsById'
  | 'jobEntries'
  | 'auditLog'
  | 'apiKeys'
  | 'apiHealth'
  | 'apiAlerts'
  | 'sourceErrors'
>;

/** How the feeds in scope stand. What is reached by its id, the loaders look at. */
export function scopedFeedReads(reads: Reads, { feeds, markets, accounts }: Scopes): FeedReads {
  const sources = feedSources(feeds);
  const within = <State>(filter: FeedFilter<State>): FeedFilter<State> => {
    const narrowed = feeds.unless(filter.feed);
    return { ...filter, ...(narrowed && { feeds: narrowed }) };
  };
  /** The feed in scope, of nodes of the markets in scope. */
  const owed = (asked: OwedQuestion): OwedQuestion => {
    feeds.require(asked.feed);
    requireNodes(markets, asked.nodes ?? []);
    return { ...asked, ...(markets.list && { markets: markets.list }) };
  };
  /** Of which account and market a record is that could not be read, nobody can tell. */
  const recordRefusal = (feed: string): BusbarError | undefined =>
    isDeskFeed(feed) && (accounts.list || markets.list)
      ? new BusbarError('FORBIDDEN', 'records of trades need every account and market in scope')
      : undefined;
  return {
    feeds: (ids = feeds.list) => reads.feeds(ids?.filter((id) => feeds.has(id))),
    feed: async (id) => {
      feeds.require(id);
      return reads.feed(id);
    },
    openDeadLetters: async (ids) => {
      for (const id of ids) feeds.require(id);
      return reads.openDeadLetters(ids);
    },
    gaps: async (asked) => reads.gaps(owed(asked)),
    completeness: async (asked) => reads.completeness(owed(asked)),
    ledger: async (filter, page) => {
      feeds.require(filter.feed);
      return reads.ledger(filter, page);
    },
    ledgerEntriesById: (ids) => reads.ledgerEntriesById(ids),
    deadLetters: async (filter, page) => {
      const slice = await reads.deadLetters(within(filter), page);
      return { ...slice, rows: slice.rows.map((row) => ({ ...row, reason: recordRefusal(row.feed) ?? row.reason })) };
    },
    deadLetterRaws: async (requests) => {
      for (const { feed } of requests) {
        feeds.require(feed);
        const refusal = recordRefusal(feed);
        if (refusal) throw refusal;
      }
      return reads.deadLetterRaws(requests);
    },
    jobs: async (filter, page) => reads.jobs(within(filter), page),
    jobsById: (ids) => reads.jobsById(ids),
    jobEntries: (requests) => reads.jobEntries(requests),
    // What one is told of a key is what it could have been made with by oneself.
    apiKeys: (page) =>
      reads.apiKeys(page, {
        markets: markets.list ?? 'ALL',
        feeds: feeds.list ?? 'ALL',
        accounts: accounts.list ?? 'ALL',
      }),
    // It names markets, feeds and accounts of every kind.
    auditLog: async () => {
      throw new BusbarError('FORBIDDEN', 'auditLog needs every market, feed and account in scope');
    },
    apiHealth: async (asked) => reads.apiHealth(sources.within(asked)),
    apiAlerts: (open, page) => reads.apiAlerts(open, page, sources.keys),
    sourceErrors: async (requests) => {
      for (const { source } of requests) sources.require(sourceKey(source));
      return reads.sourceErrors(requests);
    },
  };
}
