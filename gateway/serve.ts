import type pg from 'pg';
import type { Rights } from '../domain/rights.ts';
import { createPrisma } from '../prisma/client.ts';
import type { Platform } from '../prisma/platform.ts';
import { createPool } from '../prisma/pool.ts';
import type { Lifecycle } from '../runtime/lifecycle.ts';
import type { Live } from '../schema/context.ts';
import { schema } from '../schema/schema.ts';
import { createDenials } from './audit/denials.ts';
import { accessOf } from './auth/access.ts';
import { startAuthenticator } from './auth/start-authenticator.ts';
import { createAnswerCache } from './cache/answer-cache.ts';
import { createAnswerMemory } from './cache/answer-memory.ts';
import { createSharedAnswers } from './cache/shared-answers.ts';
import { keysFromSecrets, openKeyRing } from './cursors/cursor-keys.ts';
import { type CursorKeys, createSeal } from './cursors/cursor-seal.ts';
import { edgeFrom } from './edge.ts';
import { createExports } from './export/exports.ts';
import type { HotStore } from './hot/root-plan.ts';
import { endingContext } from './limits/ending-context.ts';
import { startIntake } from './limits/start-intake.ts';
import { createLiveHub } from './live/hub.ts';
import { createSealedLive } from './live/sealed-live.ts';
import { createSnapshots } from './live/snapshots.ts';
import { createWatches } from './live/watches.ts';
import { createOperations } from './operations.ts';
import { createReads } from './reads/index.ts';
import { createPositionsSource } from './reads/positions.ts';
import { rollupsOf } from './reads/rollups.ts';
import { createContext } from './rights/scoped-context.ts';
import { createGateway } from './server.ts';
import { createSqlCounter } from './sql-counter.ts';

/** A page of an export may be the first of an average over years. */
const EXPORT_STATEMENT_TIMEOUT_MS = 10 * 60_000;

/** Starts the gateway as parts of a process. @returns where it listens. */
export async function serveGateway(lifecycle: Lifecycle, platform: Platform): Promise<string> {
  const { config, store, bus, metrics, health, log } = platform;
  const { HOST: host, PORT: port, MARK_RUNS: markRuns, EXPORTS_MAX: exportsMax } = config.core;
  // First: nothing is opened for a gateway that would be open to strangers.
  const authenticator = await startAuthenticator(lifecycle, platform);
  const intake = await startIntake(lifecycle, platform);
  const queryPool = await startQueryPool(lifecycle, platform);
  const sql = config.core.SQL_IN_ANSWERS ? createSqlCounter(queryPool) : undefined;
  const pool = sql?.pool ?? queryPool;
  const prisma = await lifecycle.start(
    'prisma',
    () => createPrisma(pool),
    (client) => client.$disconnect(),
  );
  const hub = await lifecycle.start(
    'live hub',
    async () => {
      const source = createPositionsSource(store.pool, { markRuns, clock: Date.now });
      const created = createLiveHub({ bus, log, metrics, health, source, runs: markRuns, clock: Date.now });
      await created.ready;
      return created;
    },
    (created) => created.close(),
  );
  const reads = createReads({ pool, prisma, clock: Date.now, markRuns });
  const operations = createOperations({ pool: store.pool, clock: Date.now });
  const watches = await lifecycle.start(
    'watches',
    () => createWatches({ reads }),
    (created) => created.close(),
  );
  const { jobProgress, feedHealth, apiHealth } = watches;
  const seal = createSeal(await openCursorKeys(lifecycle, platform));
  const snapshots = createSnapshots(store.pool, hub.prices);
  const liveFor = (rights: Rights): Live => ({
    ...createSealedLive(hub, seal, snapshots, rights),
    jobProgress,
    feedHealth,
    apiHealth,
  });
  // Of their own: long exports keep no query waiting for a connection.
  const exportPool = await lifecycle.start(
    'export pool',
    () =>
      createPool({
        url: store.url,
        max: exportsMax + 1,
        statementTimeoutMs: EXPORT_STATEMENT_TIMEOUT_MS,
        name: 'busbar export',
        onConnectionError: (err) => log.warn({ err }, 'store connection lost'),
      }),
    (created) => created.end(),
  );
  metrics.watchPool('export', exportPool);
  const denials = await lifecycle.start(
    'denials',
    async () => createDenials({ pool: store.pool, log, metrics }),
    (created) => created.close(),
  );
  const exports = createExports({
    pool: exportPool,
    auditPool: store.pool,
    denials,
    exportsMax,
    perIdentityMax: config.core.EXPORTS_PER_IDENTITY,
    rowsMax: config.core.EXPORT_ROWS_MAX,
    log,
    metrics,
    clock: Date.now,
  });
  const hot = { db: pool, rollups: rollupsOf(store.pool), clock: Date.now };
  const cache = config.core.CACHE ? await startAnswerCache(lifecycle, platform, hot) : undefined;
  let url = '';
  await lifecycle.start(
    'gateway',
    async () => {
      const gateway = createGateway({
        schema,
        makeContext: (caller) => {
          const { rights } = caller.identity;
          const others = { operations: operations(caller), live: liveFor(rights) };
          return endingContext(reads, (ending) => createContext({ ...others, reads: ending }, rights));
        },
        log,
        metrics,
        health,
        host,
        port,
        authenticator,
        denials,
        intake,
        ...edgeFrom(config.core, accessOf(config.core) === 'open'),
        exports,
        hot,
        ...(cache && { cache }),
        ...(sql && { sql }),
      });
      ({ url } = await gateway.listen());
      return gateway;
    },
    (gateway) => gateway.close(),
  );
  log.info({ url: `${url}/graphql` }, 'listening');
  return url;
}

/** Of their own: each statement is cancelled by the store when a query has had its time, which nothing else here may be. */
async function startQueryPool(lifecycle: Lifecycle, { config, store, metrics, log }: Platform): Promise<pg.Pool> {
  const pool = await lifecycle.start(
    'query pool',
    async () =>
      createPool({
        url: store.url,
        max: config.core.DATABASE_POOL,
        statementTimeoutMs: config.core.EXECUTION_SECONDS_MAX * 1_000,
        name: 'busbar query',
        onConnectionError: (err) => log.warn({ err }, 'store connection lost'),
      }),
    (created) => created.end(),
  );
  metrics.watchPool('query', pool);
  return pool;
}

/** Shared with other gateways where there is a Redis. */
function startAnswerCache(lifecycle: Lifecycle, { config, metrics, log }: Platform, store: HotStore) {
  const { CACHE_BYTES: bytesMax, REDIS_URL: redis } = config.core;
  return lifecycle.start(
    'answer cache',
    async () => {
      const shared = redis && createSharedAnswers({ url: redis.reveal(), log });
      return createAnswerCache({ store, memory: createAnswerMemory(bytesMax), shared, metrics });
    },
    async (created) => created.close(),
  );
}

/** Those of the setting, else those that the store keeps for all gateways. */
async function openCursorKeys(lifecycle: Lifecycle, { config, store, log }: Platform): Promise<() => CursorKeys> {
  const { CURSOR_SECRET: secrets } = config.core;
  if (secrets) {
    const given = keysFromSecrets(secrets);
    return () => given;
  }
  const ring = await lifecycle.start(
    'cursor keys',
    () => openKeyRing(store.pool, log),
    async (opened) => opened.close(),
  );
  return ring.keys;
}
