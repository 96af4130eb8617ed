import DataLoader from 'dataloader';
import type { Rights } from '../domain/rights.ts';
import type { JobRow, LedgerRow, Loaders, Reads } from '../schema/context.ts';
import { type LimitName, requireWithin } from '../schema/limits.ts';
import { Bounds, entriesWithin, jobsWithin } from './rights/scopes.ts';

/** Loaders for one request, or for one event of a subscription. What belongs to a feed beyond the rights is `FORBIDDEN`. */
export function createLoaders(reads: Reads, rights: Rights): Loaders {
  const feeds = new Bounds('feed', rights.feeds);
  return {
    node: new DataLoader((names) => reads.nodesByName(names)),
    nodeHistory: new DataLoader(
      shownWithin('nodeVersions', 'ask for fewer nodes', (names) => reads.nodeHistories(names)),
    ),
    ledgerEntry: new DataLoader<number, LedgerRow | null>(async (ids) =>
      entriesWithin(feeds, await reads.ledgerEntriesById(ids)),
    ),
    ledgerOrigins: new DataLoader(
      askedWithin(
        'origins',
        'ask for fewer entries',
        ({ length }) => length,
        (lists) => originsOf(reads, lists),
      ),
      { cacheKeyFn: (ids) => ids.join() },
    ),
    job: new DataLoader<number, JobRow | null>(async (ids) => jobsWithin(feeds, await reads.jobsById(ids))),
    jobEntries: new DataLoader(
      askedWithin(
        'jobEntries',
        'ask for fewer jobs, or for shorter pages by `first`',
        ({ page }) => page.first,
        (requests) => reads.jobEntries(requests),
      ),
      {
        cacheKeyFn: ({ job, state, page }) => `${job}:${state}:${page.first}:${page.after}`,
      },
    ),
    lmpRevisions: new DataLoader(
      shownWithin('revisions', 'ask for fewer prices', (keys) => reads.lmpRevisions(keys)),
      {
        cacheKeyFn: ({ node, run, startAt }) => `${run}:${startAt}:${node}`,
      },
    ),
    openDeadLetters: new DataLoader((feeds) => reads.openDeadLetters(feeds)),
    deadLetterRaw: new DataLoader(
      askedWithin(
        'rawBytes',
        'ask for fewer dead letters, or less of each by `maxBytes`',
        ({ bytes }) => bytes,
        (requests) => reads.deadLetterRaws(requests),
      ),
      { cacheKeyFn: ({ id, bytes }) => `${id}:${bytes}` },
    ),
    sourceErrors: new DataLoader(
      askedWithin(
        'sourceErrors',
        'ask for fewer sources, or for fewer errors by `first`',
        ({ first }) => first,
        (requests) => reads.sourceErrors(requests),
      ),
      {
        cacheKeyFn: ({ source, from, first }) => `${from}:${first}:${source}`,
      },
    ),
    tradeVersions: new DataLoader(
      shownWithin('tradeVersions', 'ask for fewer trades', (ids) => reads.tradeVersions(ids)),
    ),
    positionTrades: new DataLoader(
      askedWithin(
        'positionTrades',
        'ask for fewer positions, or for shorter pages by `first`',
        ({ page }) => page.first,
        (requests) => reads.positionTrades(requests),
      ),
      {
        cacheKeyFn: ({ account, node, page }) => JSON.stringify([account, node, page]),
      },
    ),
  };
}

/** By what is asked for, whether there is as much or not, before anything is read: an answer too large costs nothing. */
function askedWithin<Key, Row>(
  limit: LimitName,
  advice: string,
  sizeOf: (key: Key) => number,
  read: (keys: readonly Key[]) => Promise<Row[]>,
): (keys: readonly Key[]) => Promise<Row[]> {
  let asked = 0;
  return async (keys) => {
    asked += keys.reduce((sum, key) => sum + sizeOf(key), 0);
    requireWithin(limit, asked, advice);
    return read(keys);
  };
}

/** By what there is: the read stops at the limit by itself, and several of one answer are counted together here. */
function shownWithin<Key, Row>(
  limit: LimitName,
  advice: string,
  read: (keys: readonly Key[]) => Promise<Row[][]>,
): (keys: readonly Key[]) => Promise<Row[][]> {
  let shown = 0;
  return async (keys) => {
    const lists = await read(keys);
    shown += lists.reduce((sum, { length }) => sum + length, 0);
    requireWithin(limit, shown, advice);
    return lists;
  };
}

/** An entry of several lists is read once. */
async function originsOf(reads: Reads, lists: readonly (readonly number[])[]): Promise<LedgerRow[][]> {
  const rows = await reads.ledgerEntriesById([...new Set(lists.flat())]);
  const byId = new Map(rows.flatMap((row) => (row ? [[row.id, row] as const] : [])));
  return lists.map((ids) => ids.flatMap((id) => byId.get(id) ?? []));
}
