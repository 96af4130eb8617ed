import { type Client, createClient } from 'graphql-ws';
import type { Logger } from 'pino';
import { WebSocket } from 'ws';
import { ALL_RIGHTS } from '../../domain/rights.ts';
import type { Denials } from '../../gateway/audit/denials.ts';
import type { Authenticator } from '../../gateway/auth/authenticator.ts';
import { OPEN_IDENTITY } from '../../gateway/auth/identity.ts';
import type { AnswerCache } from '../../gateway/cache/answer-cache.ts';
import type { Caller } from '../../gateway/caller.ts';
import { createSeal } from '../../gateway/cursors/cursor-seal.ts';
import type { Exports } from '../../gateway/export/exports.ts';
import type { HotStore } from '../../gateway/hot/root-plan.ts';
import type { IntakeOptions } from '../../gateway/limits/intake.ts';
import { createLiveHub } from '../../gateway/live/hub.ts';
import type { FollowedPrices } from '../../gateway/live/passed-commits.ts';
import { createSealedLive, cursorBinding } from '../../gateway/live/sealed-live.ts';
import type { ReadSnapshot } from '../../gateway/live/snapshots.ts';
import { createContext } from '../../gateway/rights/scoped-context.ts';
import { createGateway, type Gateway, type GatewayOptions } from '../../gateway/server.ts';
import type { SqlCounter } from '../../gateway/sql-counter.ts';
import { createHealth, type Health } from '../../runtime/health.ts';
import type { LiveBus } from '../../runtime/live-bus/live-bus.ts';
import { createMetrics, type Metrics } from '../../runtime/metrics.ts';
import type { Context, Live, Operations, Reads } from '../../schema/context.ts';
import { schema } from '../../schema/schema.ts';
import { NO_POSITIONS, ringBus, silent } from './live.ts';

export interface TestGateway {
  /** Of the GraphQL endpoint. */
  readonly url: string;
  readonly socketUrl: string;
  readonly bus: LiveBus;
  readonly gateway: Gateway;
  readonly health: Health;
  readonly metrics: Metrics;
  /** Ledger entries asked for: one for each tick of each execution that selects `ledgerEntry`. */
  readonly loaded: { ledgerEntries: number };
  close(): Promise<void>;
}

/**
 * A gateway with the real schema, the real hub and the ring. The store is not its subject: reads that a test does not
 * bring fail as they would with the store down.
 */
export async function startGateway({
  log = silent,
  reads = {},
  live = {},
  positions = {},
  snapshots = () => down,
  bus = ringBus(),
  operations = () => NO_OPERATIONS,
  graceMs = 2_000,
  memberFramesMax,
  hot,
  cache,
  sql,
  metrics = createMetrics(),
  exports,
  authenticator,
  denials,
  edge = {},
  intake,
}: {
  log?: Logger;
  reads?: Partial<Reads>;
  live?: Partial<Live>;
  /** Where the live positions begin, and what they are marked by. */
  positions?: Partial<typeof NO_POSITIONS>;
  /** How snapshots are read, from where the hub's events are. */
  snapshots?: (prices: FollowedPrices) => ReadSnapshot;
  /** Closed with the gateway. */
  bus?: LiveBus;
  operations?: (caller: Caller) => Operations;
  graceMs?: number;
  memberFramesMax?: number;
  hot?: HotStore;
  cache?: AnswerCache;
  sql?: SqlCounter;
  metrics?: Metrics;
  exports?: Exports;
  /** Without it, everybody may see everything. */
  authenticator?: Authenticator;
  denials?: Denials | undefined;
  /** Limits other than those by default. */
  intake?: IntakeOptions;
  /** How it meets the network. */
  edge?: Partial<Pick<GatewayOptions, 'front' | 'httpLimits' | 'socketLimits' | 'tls' | 'clock'>>;
} = {}): Promise<TestGateway> {
  const health = createHealth();
  const hub = createLiveHub({ bus, log, metrics, health, ...NO_POSITIONS, ...positions });
  await hub.ready;
  const seal = createSeal(() => CURSOR_KEYS);
  const snapshot = snapshots(hub.prices);
  const loaded = { ledgerEntries: 0 };
  const gateway = createGateway({
    schema,
    makeContext(caller) {
      const { rights } = caller.identity;
      const sealed = createSealedLive(hub, seal, snapshot, rights);
      return createContext(
        { ...readingContext({ ...sealed, ...live }, reads, loaded), operations: operations(caller) },
        rights,
      );
    },
    log,
    metrics,
    health,
    host: '127.0.0.1',
    port: 0,
    graceMs,
    ...(memberFramesMax !== undefined && { memberFramesMax }),
    ...(hot && { hot }),
    ...(cache && { cache }),
    ...(sql && { sql }),
    ...(exports && { exports }),
    ...(intake && { intake }),
    ...(authenticator && { authenticator }),
    ...(denials && { denials }),
    ...edge,
  });
  const { url } = await gateway.listen();
  return {
    url: `${url}/graphql`,
    socketUrl: `${url.replace(/^http/, 'ws')}/graphql`,
    bus,
    gateway,
    health,
    metrics,
    loaded,
    async close() {
      await gateway.close();
      await hub.close();
      await bus.close();
    },
  };
}

/** The stock client, without retries: what the server does is the subject. */
export function socketClient(url: string, socket: unknown = WebSocket, connectionParams = {}): Client {
  return createClient({ url, webSocketImpl: socket, retryAttempts: 0, connectionParams });
}

const key = Buffer.alloc(32, 'test');
const CURSOR_KEYS = { signing: key, known: [key] };

/** A place on the bus as a client that subscribes to the field with this filter gets it. */
export function cursorOf(place: string, field: 'lmp' | 'trades' | 'forecasts' | 'pnl' = 'lmp', filter = {}): string {
  return createSeal(() => CURSOR_KEYS)
    .boundTo(cursorBinding(ALL_RIGHTS, field, filter))
    .seal(place);
}

export const LMP = `subscription Lmp($nodes: [ID!], $after: String, $delivery: Delivery) {
  lmp(nodes: $nodes, after: $after, delivery: $delivery) { cursor ticks { lmp ledgerEntry { id } } }
}`;

const down = () => Promise.reject(new Error('connect ECONNREFUSED postgres.internal:5432'));

const NO_OPERATIONS: Operations = {
  noteFailure: async () => {},
  backfill: down,
  replay: down,
  repair: down,
  cancelJob: down,
  retryDeadLetters: down,
  setCostMethod: down,
  discardDeadLetters: down,
  by: OPEN_IDENTITY,
  createApiKey: down,
  rotateApiKey: down,
  revokeApiKey: down,
};

const notLive = () => {
  throw new TypeError('this is not live here');
};

function readingContext(
  live: Pick<Live, 'lmp' | 'trades' | 'forecasts' | 'pnl'> & Partial<Live>,
  brought: Partial<Reads>,
  loaded: { ledgerEntries: number },
): Pick<Context, 'reads' | 'live'> {
  const reads: Reads = {
    markets: down,
    pricingNodes: down,
    latestLmp: down,
    lmps: down,
    lmpSeries: down,
    dartSpread: down,
    feeds: down,
    feed: down,
    ledger: down,
    deadLetters: down,
    deadLetterRaws: down,
    nodesByName: down,
    nodeHistories: down,
    jobs: down,
    jobsById: down,
    jobEntries: down,
    auditLog: down,
    apiKeys: down,
    lmpRevisions: down,
    openDeadLetters: down,
    gaps: down,
    completeness: down,
    accounts: down,
    account: down,
    trades: down,
    tradeVersions: down,
    positionTrades: down,
    positions: down,
    exposure: down,
    pnlSeries: down,
    forecasts: down,
    marketMetrics: down,
    priceTrends: down,
    tariffs: down,
    tariffComparison: down,
    plantStatus: down,
    plantHistory: down,
    controlSignals: down,
    apiHealth: down,
    sourceErrors: down,
    apiAlerts: down,
    ledgerEntriesById: async (ids) => {
      loaded.ledgerEntries += ids.length;
      return ids.map(() => null);
    },
    ...brought,
  };
  return {
    live: { jobProgress: notLive, feedHealth: notLive, apiHealth: notLive, ...live },
    reads,
  };
}
