import DataLoader from 'dataloader';
import type {
  JobEntriesRequest,
  LedgerRow,
  LmpKey,
  LmpRevisionRow,
  Loaders,
  NodeVersionRow,
  RawRequest,
  Reads,
  Slice,
} from '../schema/context.ts';
import type { SourceErrorRow, SourceErrorsRequest } from '../schema/health-rows.ts';
import { requireWithin } from '../schema/limits.ts';
import type { PositionTradesRequest, TradeRow } from '../schema/trading-rows.ts';

/** Loaders for one request, or for one event of a subscription. */
export function createLoaders(reads: Reads): Loaders {
  return {
    node: new DataLoader((names) => reads.nodesByName(names)),
    nodeHistory: new DataLoader(historiesWithinLimit(reads)),
    ledgerEntry: new DataLoader((ids) => reads.ledgerEntriesById(ids)),
    ledgerOrigins: new DataLoader(originsWithinLimit(reads), { cacheKeyFn: (ids) => ids.join() }),
    job: new DataLoader((ids) => reads.jobsById(ids)),
    jobEntries: new DataLoader(entriesWithinLimit(reads), {
      cacheKeyFn: ({ job, state, page }) => `${job}:${state}:${page.first}:${page.after}`,
    }),
    lmpRevisions: new DataLoader(revisionsWithinLimit(reads), {
      cacheKeyFn: ({ node, run, startAt }) => `${run}:${startAt}:${node}`,
    }),
    openDeadLetters: new DataLoader((feeds) => reads.openDeadLetters(feeds)),
    deadLetterRaw: new DataLoader(rawsWithinLimit(reads), { cacheKeyFn: ({ id, bytes }) => `${id}:${bytes}` }),
    sourceErrors: new DataLoader(errorsWithinLimit(reads), {
      cacheKeyFn: ({ source, from, first }) => `${from}:${first}:${source}`,
    }),
    tradeVersions: new DataLoader(versionsWithinLimit(reads)),
    positionTrades: new DataLoader(tradesWithinLimit(reads), {
      cacheKeyFn: ({ account, node, page }) => JSON.stringify([account, node, page]),
    }),
  };
}

/** The sizes are known before anything is read, so that an answer too large costs nothing. */
function rawsWithinLimit(reads: Reads): (requests: readonly RawRequest[]) => Promise<Buffer[]> {
  let asked = 0;
  return async (requests) => {
    asked += requests.reduce((sum, { bytes }) => sum + bytes, 0);
    requireWithin('rawBytes', asked, 'ask for fewer dead letters, or less of each by `maxBytes`');
    return reads.deadLetterRaws(requests);
  };
}

function originsWithinLimit(reads: Reads): (lists: readonly (readonly number[])[]) => Promise<LedgerRow[][]> {
  let asked = 0;
  return async (lists) => {
    asked += lists.reduce((sum, { length }) => sum + length, 0);
    requireWithin('origins', asked, 'ask for fewer entries');
    const rows = await reads.ledgerEntriesById([...new Set(lists.flat())]);
    const byId = new Map(rows.flatMap((row) => (row ? [[row.id, row] as const] : [])));
    return lists.map((ids) => ids.flatMap((id) => byId.get(id) ?? []));
  };
}

/** By the sizes of the pages, whether they are full or not: what is in them is not known before it is read. */
function entriesWithinLimit(reads: Reads): (requests: readonly JobEntriesRequest[]) => Promise<Slice<LedgerRow>[]> {
  let asked = 0;
  return async (requests) => {
    asked += requests.reduce((sum, { page }) => sum + page.first, 0);
    requireWithin('jobEntries', asked, 'ask for fewer jobs, or for shorter pages by `first`');
    return reads.jobEntries(requests);
  };
}

/** The read stops at the limit by itself; several of one answer are counted together here. */
function revisionsWithinLimit(reads: Reads): (keys: readonly LmpKey[]) => Promise<LmpRevisionRow[][]> {
  let shown = 0;
  return async (keys) => {
    const versions = await reads.lmpRevisions(keys);
    shown += versions.reduce((sum, { length }) => sum + length, 0);
    requireWithin('revisions', shown, 'ask for fewer prices');
    return versions;
  };
}

/** The read stops at the limit by itself; several of one answer are counted together here. */
function historiesWithinLimit(reads: Reads): (names: readonly string[]) => Promise<NodeVersionRow[][]> {
  let shown = 0;
  return async (names) => {
    const histories = await reads.nodeHistories(names);
    shown += histories.reduce((sum, { length }) => sum + length, 0);
    requireWithin('nodeVersions', shown, 'ask for fewer nodes');
    return histories;
  };
}

/** The read stops at the limit by itself; several of one answer are counted together here. */
function versionsWithinLimit(reads: Reads): (ids: readonly string[]) => Promise<TradeRow[][]> {
  let shown = 0;
  return async (ids) => {
    const versions = await reads.tradeVersions(ids);
    shown += versions.reduce((sum, { length }) => sum + length, 0);
    requireWithin('tradeVersions', shown, 'ask for fewer trades');
    return versions;
  };
}

/** By how many are asked for, whether there are as many or not. */
function errorsWithinLimit(reads: Reads): (requests: readonly SourceErrorsRequest[]) => Promise<SourceErrorRow[][]> {
  let asked = 0;
  return async (requests) => {
    asked += requests.reduce((sum, { first }) => sum + first, 0);
    requireWithin('sourceErrors', asked, 'ask for fewer sources, or for fewer errors by `first`');
    return reads.sourceErrors(requests);
  };
}

/** By the sizes of the pages, as with the entries of jobs. */
function tradesWithinLimit(reads: Reads): (requests: readonly PositionTradesRequest[]) => Promise<Slice<TradeRow>[]> {
  let asked = 0;
  return async (requests) => {
    asked += requests.reduce((sum, { page }) => sum + page.first, 0);
    requireWithin('positionTrades', asked, 'ask for fewer positions, or for shorter pages by `first`');
    return reads.positionTrades(requests);
  };
}
