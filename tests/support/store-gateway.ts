import { MARK_RUNS } from '../../domain/mark-price.ts';
import { createDenials } from '../../gateway/audit/denials.ts';
import type { Authenticator } from '../../gateway/auth/authenticator.ts';
import { createAnswerCache } from '../../gateway/cache/answer-cache.ts';
import { createAnswerMemory } from '../../gateway/cache/answer-memory.ts';
import { createSharedAnswers } from '../../gateway/cache/shared-answers.ts';
import { createExports } from '../../gateway/export/exports.ts';
import type { FrontSettings } from '../../gateway/front/front.ts';
import type { HotStore } from '../../gateway/hot/root-plan.ts';
import type { IntakeOptions } from '../../gateway/limits/intake.ts';
import type { FollowedPrices } from '../../gateway/live/passed-commits.ts';
import { createSnapshots, type ReadSnapshot } from '../../gateway/live/snapshots.ts';
import { createWatches, type Watches } from '../../gateway/live/watches.ts';
import { createOperations } from '../../gateway/operations.ts';
import { createReads } from '../../gateway/reads/index.ts';
import { createPositionsSource } from '../../gateway/reads/positions.ts';
import { rollupsOf } from '../../gateway/reads/rollups.ts';
import type { Queryable } from '../../gateway/reads/statement.ts';
import { createSqlCounter } from '../../gateway/sql-counter.ts';
import { createPrisma, type PrismaClient } from '../../prisma/client.ts';
import { createPool } from '../../prisma/pool.ts';
import type { LiveBus } from '../../runtime/live-bus/live-bus.ts';
import { createMetrics } from '../../runtime/metrics.ts';
import type { Reads } from '../../schema/context.ts';
import { startGateway, type TestGateway } from './gateway.ts';
import { silent } from './live.ts';
import type { TestDatabase } from './postgres.ts';

export interface StoreGateway extends TestGateway {
  readonly prisma: PrismaClient;
  readonly reads: Reads;
  readonly watches: Watches;
  /** One request by POST. */
  ask(query: string, variables?: Record<string, unknown>): Promise<Answer>;
  /** The data of an answer without errors. */
  answer(query: string, variables?: Record<string, unknown>): Promise<Answer['data']>;
}

export interface Answer {
  // biome-ignore lint/suspicious/noExplicitAny: a test knows what it asked for
  readonly data: any;
  readonly extensions?: Readonly<Record<string, unknown>>;
  readonly errors?: readonly { readonly message: string; readonly extensions: Readonly<Record<string, unknown>> }[];
}

/** What connections of exports are called in `pg_stat_activity`. */
export const EXPORT_POOL = 'busbar export';

/** A gateway whose reads, operations, watches and exports are the real ones, on a store of its own. */
export async function startStoreGateway({
  db,
  clock = Date.now,
  jobEveryMs,
  feedsEveryMs,
  sourcesEveryMs,
  sourceWatchesMax,
  sourceWatchesPerIdentity,
  isHot = true,
  hotDb,
  cacheBytes,
  redisUrl,
  countsSql = false,
  exportsMax = 2,
  exportsPerIdentity,
  notesDenials = false,
  exportMsMax,
  snapshots = (prices) => createSnapshots(db.pool, prices),
  bus,
  authenticator,
  intake,
  front,
}: {
  db: TestDatabase;
  clock?: () => number;
  jobEveryMs?: number;
  feedsEveryMs?: number;
  sourcesEveryMs?: number;
  sourceWatchesMax?: number;
  sourceWatchesPerIdentity?: number;
  /** False: every query goes the ordinary way. */
  isHot?: boolean;
  /** Where hot queries read. */
  hotDb?: Queryable;
  /** Undefined: no answer is kept. Tests that write prices otherwise than by the pipeline want it so. */
  cacheBytes?: number;
  /** Where answers are shared. */
  redisUrl?: string;
  /** Answers say what they took of the store. */
  countsSql?: boolean;
  exportsMax?: number;
  exportsPerIdentity?: number;
  /** Whether what is denied is in the audit log, at once. */
  notesDenials?: boolean;
  exportMsMax?: number;
  snapshots?: (prices: FollowedPrices) => ReadSnapshot;
  bus?: LiveBus;
  authenticator?: Authenticator;
  intake?: IntakeOptions;
  front?: FrontSettings;
}): Promise<StoreGateway> {
  const sql = countsSql ? createSqlCounter(db.pool) : undefined;
  const pool = sql?.pool ?? db.pool;
  const prisma = createPrisma(pool);
  const reads = createReads({ pool, prisma, clock });
  const watches = createWatches({
    reads,
    ...(jobEveryMs !== undefined && { jobEveryMs }),
    ...(feedsEveryMs !== undefined && { feedsEveryMs }),
    ...(sourcesEveryMs !== undefined && { sourcesEveryMs }),
    ...(sourceWatchesMax !== undefined && { sourceWatchesMax }),
    ...(sourceWatchesPerIdentity !== undefined && { sourceWatchesPerIdentity }),
  });
  const operations = createOperations({ pool: db.pool, clock });
  const positions = { source: createPositionsSource(db.pool, { markRuns: MARK_RUNS, clock }), clock };
  const hot: HotStore = { db: hotDb ?? pool, rollups: rollupsOf(db.pool), clock };
  const metrics = createMetrics();
  const shared = redisUrl === undefined ? undefined : createSharedAnswers({ url: redisUrl, log: silent });
  const memory = cacheBytes === undefined ? undefined : createAnswerMemory(cacheBytes);
  const cache = memory && createAnswerCache({ store: hot, memory, shared, metrics });
  const exportPool = createPool({ url: db.url, max: exportsMax + 1, name: EXPORT_POOL });
  const denials = notesDenials ? createDenials({ pool: db.pool, log: silent, metrics, flushMs: 1 }) : undefined;
  const exports = createExports({
    pool: exportPool,
    auditPool: db.pool,
    denials,
    exportsMax,
    log: silent,
    metrics,
    clock,
    ...(exportsPerIdentity !== undefined && { perIdentityMax: exportsPerIdentity }),
    ...(exportMsMax !== undefined && { durationMsMax: exportMsMax }),
  });
  const gateway = await startGateway({
    denials,
    reads,
    live: watches,
    operations,
    positions,
    snapshots,
    ...(bus && { bus }),
    ...(authenticator && { authenticator }),
    ...(intake && { intake }),
    ...(front && { edge: { front } }),
    ...(isHot && { hot }),
    ...(cache && { cache }),
    ...(sql && { sql }),
    metrics,
    exports,
  });
  const ask = async (query: string, variables: Record<string, unknown> = {}): Promise<Answer> => {
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(gateway.url, { method: 'POST', headers, body: JSON.stringify({ query, variables }) });
    return response.json();
  };
  return {
    ...gateway,
    prisma,
    reads,
    watches,
    ask,
    async answer(query, variables) {
      const { data, errors } = await ask(query, variables);
      if (errors) throw new Error(JSON.stringify(errors));
      return data;
    },
    async close() {
      await gateway.close();
      await denials?.close();
      cache?.close();
      await watches.close();
      await exportPool.end();
      await prisma.$disconnect();
    },
  };
}

/** How many statements the pool is sent meanwhile: each takes a connection once, Prisma's too. */
export async function statementsDuring(db: TestDatabase, work: () => Promise<unknown>): Promise<number> {
  let statements = 0;
  const count = () => {
    statements++;
  };
  db.pool.on('acquire', count);
  await work();
  db.pool.off('acquire', count);
  return statements;
}
