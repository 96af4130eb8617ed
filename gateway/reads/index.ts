import type pg from 'pg';
import type { MarketRun } from '../../domain/market-run.ts';
import type { PrismaClient } from '../../prisma/client.ts';
import { type CompletenessLimits, readCompleteness, readGaps } from '../../prisma/operations/completeness.ts';
import type { Reads } from '../../schema/context.ts';
import { askingStore } from '../store-reach.ts';
import { createHealthReads } from './api-health.ts';
import { readApiKeyPage } from './api-keys.ts';
import { readAuditLog } from './audit.ts';
import { readDartSpread } from './dart-spread.ts';
import { readDeadLetterRaws, readDeadLetters } from './dead-letters.ts';
import { readFeed, readFeeds, readOpenDeadLetters } from './feeds.ts';
import { readJobEntries } from './job-entries.ts';
import { readJobList, readJobsById } from './jobs.ts';
import { readLatestLmp } from './latest-lmp.ts';
import { readLedger, readLedgerEntriesById } from './ledger.ts';
import { readLmpRevisions } from './lmp-revisions.ts';
import { readLmpSeries } from './lmp-series.ts';
import { readLmps } from './lmps.ts';
import { readMarkets } from './markets.ts';
import { readNodeHistories } from './node-histories.ts';
import { oneAtATime } from './one-at-a-time.ts';
import { readNodesByName, readPricingNodes } from './pricing-nodes.ts';
import { rollupsOf } from './rollups.ts';
import { createTradingReads } from './trading.ts';
import { createUtilityReads } from './utility.ts';

interface ReadsOptions {
  readonly pool: pg.Pool;
  readonly prisma: PrismaClient;
  /** Milliseconds since the epoch, UTC. */
  readonly clock: () => number;
  /** Runs that positions are marked by, in the order of preference. */
  readonly markRuns?: readonly MarketRun[];
}

/** A month of 5-minute prices at 57 nodes: half a second. An operator at a shell may ask for ten times as much. */
const COMPLETENESS_LIMITS: CompletenessLimits = { nodeIntervals: 500_000, gaps: 100_000 };
const COMPLETENESS_WAITING_MAX = 32;

/**
 * The store as the schema asks it. Hot reads are SQL over the pool; the ordinary entities come by Prisma. Where the store
 * is away, all of them are `UNAVAILABLE`.
 */
export function createReads(options: ReadsOptions): Reads {
  return askingStore(readsOf(options));
}

function readsOf({ pool, prisma, clock, ...trading }: ReadsOptions): Reads {
  const rollups = rollupsOf(pool);
  const inTurn = oneAtATime(COMPLETENESS_WAITING_MAX);
  return {
    ...createTradingReads({ pool, rollups, clock, ...trading }),
    ...createUtilityReads(pool),
    ...createHealthReads(pool, clock),
    markets: (within) => readMarkets(prisma, within),
    pricingNodes: (filter, page) => readPricingNodes(pool, filter, page, clock()),
    nodesByName: (names) => readNodesByName(pool, names, clock()),
    nodeHistories: (names) => readNodeHistories(pool, names),
    latestLmp: (nodes, run) => readLatestLmp(pool, nodes, run),
    lmps: (nodes, run, range, page) => readLmps(pool, nodes, run, range, page),
    lmpSeries: async (nodes, run, range, resolution, asOf, block = 'ATC') =>
      readLmpSeries(pool, await rollups(), { nodes, run, range, resolution, asOf, block }, clock()),
    dartSpread: async (nodes, range) => readDartSpread(pool, await rollups(), nodes, range, clock()),
    feeds: (within) => readFeeds(prisma, within),
    feed: (id) => readFeed(prisma, id),
    openDeadLetters: (feeds) => readOpenDeadLetters(pool, feeds),
    gaps: (asked) => inTurn(() => readGaps(pool, asked, clock(), COMPLETENESS_LIMITS)),
    completeness: (asked) => inTurn(() => readCompleteness(pool, asked, clock(), COMPLETENESS_LIMITS)),
    ledger: (filter, page) => readLedger(pool, prisma, filter, page),
    ledgerEntriesById: (ids) => readLedgerEntriesById(prisma, ids),
    deadLetters: (filter, page) => readDeadLetters(pool, filter, page),
    jobs: (filter, page) => readJobList(pool, filter, page),
    jobsById: (ids) => readJobsById(pool, ids),
    jobEntries: (requests) => readJobEntries(pool, prisma, requests),
    auditLog: (page) => readAuditLog(pool, page),
    apiKeys: (page, within) => readApiKeyPage(pool, page, within),
    lmpRevisions: (keys) => readLmpRevisions(pool, keys),
    deadLetterRaws: (requests) => readDeadLetterRaws(pool, requests),
  };
}
