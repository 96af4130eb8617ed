import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

/** Seconds; from a point read of a cached series to the longest backfill batch. */
const DURATION_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

export type Metrics = ReturnType<typeof createMetrics>;

/** What a pool of database connections says of itself; `pg.Pool` fits. */
export interface PoolFigures {
  readonly totalCount: number;
  readonly idleCount: number;
  readonly waitingCount: number;
}

/**
 * Everything Busbar measures, in one registry of its own, so that two gateways in one process do not share figures.
 * Labels have few values: feeds, partitions, outcomes; never nodes or users.
 */
export function createMetrics() {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, prefix: 'busbar_' });
  const registers = [registry];
  const pools = new Map<string, PoolFigures>();
  new Gauge({
    name: 'busbar_pool_connections',
    help: 'Connections to the store by pool and state; waiting counts requests without one.',
    labelNames: ['pool', 'state'] as const,
    registers,
    collect() {
      for (const [pool, { totalCount, idleCount, waitingCount }] of pools) {
        this.set({ pool, state: 'busy' }, totalCount - idleCount);
        this.set({ pool, state: 'idle' }, idleCount);
        this.set({ pool, state: 'waiting' }, waitingCount);
      }
    },
  });
  return {
    registry,

    records: new Counter({
      name: 'busbar_records_total',
      help: 'Records by feed and what became of them: written, unchanged, revised or rejected.',
      labelNames: ['feed', 'outcome'] as const,
      registers,
    }),
    lagSeconds: new Gauge({
      name: 'busbar_feed_lag_seconds',
      help: 'Age of the newest committed fact of a feed’s partition.',
      labelNames: ['feed', 'partition'] as const,
      registers,
    }),
    batchSeconds: new Histogram({
      name: 'busbar_batch_seconds',
      help: 'From a batch’s first byte decoded to its commit.',
      labelNames: ['feed'] as const,
      buckets: DURATION_BUCKETS,
      registers,
    }),

    sourceCalls: new Counter({
      name: 'busbar_source_calls_total',
      help: 'Requests to sources, each try, by how they ended.',
      labelNames: ['source', 'endpoint', 'outcome'] as const,
      registers,
    }),
    sourceCallSeconds: new Histogram({
      name: 'busbar_source_call_seconds',
      help: 'From asking a source to its last byte, or to giving up; without the wait for a turn.',
      labelNames: ['source', 'endpoint'] as const,
      buckets: DURATION_BUCKETS,
      registers,
    }),
    sourceCallsDropped: new Counter({
      name: 'busbar_source_calls_dropped_total',
      help: 'Calls to sources that are not in api_health_logs: the store was away for long, or refused them.',
      registers,
    }),
    sourceUp: new Gauge({
      name: 'busbar_source_up',
      help: '0 while an alert of the source says DOWN or AUTH, or two calls or more within the hour were made and none answered. Every ingestor says the same; none does while the store is away.',
      labelNames: ['source'] as const,
      registers,
    }),

    liveEntriesAnnounced: new Counter({
      name: 'busbar_live_entries_announced_total',
      help: 'Entries this process put on the live bus.',
      registers,
    }),
    liveTicksAnnounced: new Counter({
      name: 'busbar_live_ticks_announced_total',
      help: 'Ticks in those entries.',
      registers,
    }),
    liveSubscriptions: new Gauge({
      name: 'busbar_live_subscriptions',
      help: 'Subscriptions of the live hub: one for all identical ones.',
      registers,
    }),
    liveMembers: new Gauge({
      name: 'busbar_live_members',
      help: 'Clients’ subscriptions, however many share one execution.',
      registers,
    }),
    sockets: new Gauge({ name: 'busbar_sockets', help: 'Open WebSocket connections.', registers }),
    socketsRefused: new Counter({
      name: 'busbar_sockets_refused_total',
      help: 'WebSockets that were not opened, by why: path, origin, host, full, identity (has too many), credential, unavailable.',
      labelNames: ['reason'] as const,
      registers,
    }),
    socketsClosed: new Counter({
      name: 'busbar_sockets_closed_total',
      help: 'WebSockets that the gateway closed, by why: silent (said nothing in time), crowded (made room while saying nothing), dead (did not answer), expired, revoked, unconfirmed (its credential could not be checked for too long), message (too long or none), renewals (failed too often), untaken (did not take what had ended).',
      labelNames: ['reason'] as const,
      registers,
    }),
    socketOperationsRefused: new Counter({
      name: 'busbar_socket_operations_refused_total',
      help: 'Operations refused because their WebSocket had as many as it may.',
      registers,
    }),
    sessionRenewals: new Counter({
      name: 'busbar_session_renewals_total',
      help: 'Credentials shown again on an open WebSocket, by outcome: renewed, changed (other rights), refused.',
      labelNames: ['outcome'] as const,
      registers,
    }),
    streamsEnded: new Counter({
      name: 'busbar_streams_ended_total',
      help: 'Event streams and exports cut short because the credential expired, was revoked or could not be checked for too long.',
      registers,
    }),
    framesSent: new Counter({
      name: 'busbar_frames_sent_total',
      help: 'Results of subscriptions handed to clients.',
      registers,
    }),
    conflatedTicks: new Counter({
      name: 'busbar_conflated_ticks_total',
      help: 'Ticks a LATEST subscriber did not get because a newer one took their place.',
      registers,
    }),
    overflowCloses: new Counter({
      name: 'busbar_overflow_closes_total',
      help: 'EVERY subscriptions ended because their queue was full.',
      registers,
    }),

    exports: new Gauge({ name: 'busbar_exports', help: 'Exports under way.', registers }),
    exportedRows: new Counter({
      name: 'busbar_exported_rows_total',
      help: 'Rows handed to exports, by format.',
      labelNames: ['format'] as const,
      registers,
    }),

    httpRequests: new Counter({
      name: 'busbar_http_requests_total',
      help: 'HTTP requests by the status of their answer.',
      labelNames: ['status'] as const,
      registers,
    }),
    connectionsCut: new Counter({
      name: 'busbar_connections_cut_total',
      help: 'Connections cut by why: crowded (asked for nothing yet and made room), full (beyond the most there may be), untaken (did not take an event stream that had ended).',
      labelNames: ['reason'] as const,
      registers,
    }),
    requestsTurnedAway: new Counter({
      name: 'busbar_requests_turned_away_total',
      help: 'Requests refused before anything was read of them, by why: host, origin.',
      labelNames: ['reason'] as const,
      registers,
    }),
    limitRefusals: new Counter({
      name: 'busbar_limit_refusals_total',
      help: 'Requests refused for asking too much, by the limit: tokens, depth, fields, cost, executionSeconds, rate and so on.',
      labelNames: ['limit'] as const,
      registers,
    }),
    unknownOperations: new Counter({
      name: 'busbar_unknown_operations_total',
      help: 'Operations that PERSISTED_FILE does not have, executed all the same (PERSISTED=log).',
      registers,
    }),
    hotHandedOver: new Counter({
      name: 'busbar_hot_handed_over_total',
      help: 'Queries whose own plan failed, and that went the ordinary way: refused by the store, or a mistake of ours.',
      registers,
    }),
    denials: new Counter({
      name: 'busbar_denials_total',
      help: 'What was asked for without a good credential or beyond its rights, by the door.',
      labelNames: ['via'],
      registers,
    }),
    cacheRequests: new Counter({
      name: 'busbar_cache_requests_total',
      help: 'Hot queries by what the cache did: hit, miss, bypass (not a function of commits alone), error (store or Redis did not say).',
      labelNames: ['outcome'] as const,
      registers,
    }),
    operationSeconds: new Histogram({
      name: 'busbar_graphql_operation_seconds',
      help: 'Execution of queries and mutations, and of one event of a subscription.',
      labelNames: ['operation'] as const,
      buckets: DURATION_BUCKETS,
      registers,
    }),

    /** Reads the pool when the metrics are read. @param name which pool, where a process has several. */
    watchPool(name: string, pool: PoolFigures): void {
      pools.set(name, pool);
    },
  };
}
