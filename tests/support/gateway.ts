import { type Client, createClient } from 'graphql-ws';
import type { Logger } from 'pino';
import { WebSocket } from 'ws';
import type { Caller } from '../../gateway/caller.ts';
import { createLiveHub, type LiveHub } from '../../gateway/live/hub.ts';
import { createLoaders } from '../../gateway/loaders.ts';
import { createGateway, type Gateway } from '../../gateway/server.ts';
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
  operations = () => NO_OPERATIONS,
  graceMs = 2_000,
  memberFramesMax,
}: {
  log?: Logger;
  reads?: Partial<Reads>;
  live?: Partial<Live>;
  /** Where the live positions begin, and what they are marked by. */
  positions?: Partial<typeof NO_POSITIONS>;
  operations?: (caller: Caller) => Operations;
  graceMs?: number;
  memberFramesMax?: number;
} = {}): Promise<TestGateway> {
  const metrics = createMetrics();
  const health = createHealth();
  const bus = ringBus();
  const hub = createLiveHub({ bus, log, metrics, health, ...NO_POSITIONS, ...positions });
  await hub.ready;
  const loaded = { ledgerEntries: 0 };
  const gateway = createGateway({
    schema,
    makeContext: (caller) => ({ ...contextWith({ ...hub, ...live }, reads, loaded), operations: operations(caller) }),
    log,
    metrics,
    health,
    host: '127.0.0.1',
    port: 0,
    graceMs,
    ...(memberFramesMax !== undefined && { memberFramesMax }),
  });
  const { url, port } = await gateway.listen();
  return {
    url: `${url}/graphql`,
    socketUrl: `ws://127.0.0.1:${port}/graphql`,
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
export function socketClient(url: string, socket: unknown = WebSocket): Client {
  return createClient({ url, webSocketImpl: socket, retryAttempts: 0 });
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
};

const notLive = () => {
  throw new TypeError('this is not live here');
};

function contextWith(
  live: LiveHub & Partial<Live>,
  brought: Partial<Reads>,
  loaded: { ledgerEntries: number },
): Omit<Context, 'operations'> {
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
    jobs: down,
    jobsById: down,
    jobEntries: down,
    auditLog: down,
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
    ledgerEntriesById: async (ids) => {
      loaded.ledgerEntries += ids.length;
      return ids.map(() => null);
    },
    ...brought,
  };
  return { live: { jobProgress: notLive, feedHealth: notLive, ...live }, reads, loaders: createLoaders(reads) };
}
