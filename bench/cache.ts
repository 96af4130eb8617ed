/**
 * The same queries with answers kept and without, over HTTP: a year of hourly prices of five nodes, and a hundred 5-minute prices
 * of one. `uncached` is the baseline. Every request asks the store what was committed, so that a hit is never older than that.
 */
import { Client } from 'undici';
import { DAY_MS, HOUR_MS, isoFromInstant, MINUTE_MS } from '../domain/instant.ts';
import { type StoreGateway, startStoreGateway } from '../tests/support/store-gateway.ts';
import { openBenchStore } from './bench-store.ts';
import { median } from './summary.ts';

const FROM = Date.UTC(2025, 0, 1);
const NODES = ['PJM:A', 'PJM:B', 'PJM:C', 'PJM:D', 'PJM:E'];
const ROUNDS = 3;
const CONNECTIONS = 4;
const ROUND_MS = 1_500;

const SERIES = `query ($nodes: [ID!]!, $run: MarketRun!, $from: DateTime!, $to: DateTime!) {
  lmpSeries(nodes: $nodes, run: $run, from: $from, to: $to) { start lmp energy congestion loss } }`;

const CASES = {
  yearOfHours: { nodes: NODES, run: 'DAY_AHEAD_HOURLY', to: FROM + 365 * DAY_MS },
  hundredPoints: { nodes: NODES.slice(0, 1), run: 'REAL_TIME_5_MIN', to: FROM + 500 * MINUTE_MS },
} as const;

export async function run() {
  const store = await openBenchStore();
  const { pool, url } = await store.fresh('cache');
  await fill(pool);
  const db = { pool, url, drop: async () => {} };
  const gateways = {
    uncached: await startStoreGateway({ db }),
    cached: await startStoreGateway({ db, cacheBytes: 64 * 1024 * 1024 }),
  };
  try {
    const results: Record<string, object> = {};
    for (const [name, { nodes, run: marketRun, to }] of Object.entries(CASES)) {
      const variables = { nodes, run: marketRun, from: isoFromInstant(FROM), to: isoFromInstant(to) };
      results[name] = await compared(gateways, JSON.stringify({ query: SERIES, variables }));
    }
    return {
      load: { connections: CONNECTIONS, rounds: ROUNDS, secondsARound: ROUND_MS / 1_000 },
      ...results,
      atLeast: 5,
    };
  } finally {
    await Promise.all(Object.values(gateways).map((gateway) => gateway.close()));
    await store.close();
  }
}

type Server = 'uncached' | 'cached';

async function compared(gateways: Readonly<Record<Server, StoreGateway>>, body: string) {
  const seen: Record<Server, { rates: number[]; latencies: number[] }> = {
    uncached: { rates: [], latencies: [] },
    cached: { rates: [], latencies: [] },
  };
  const [plain, kept] = await Promise.all([ask(gateways.uncached.url, body), ask(gateways.cached.url, body)]);
  if (plain !== kept || plain.includes('"errors"')) throw new Error(`other answers: ${kept.slice(0, 500)}`);
  // In turns, so that what the machine does beside falls on both.
  for (let round = 0; round < ROUNDS; round++) {
    for (const server of ['uncached', 'cached'] as const) {
      const { rate, latencies } = await loadOf(gateways[server].url, body);
      seen[server].rates.push(rate);
      seen[server].latencies.push(...latencies);
    }
  }
  const [uncached, cached] = [figuresOf(seen.uncached), figuresOf(seen.cached)];
  const ratio = Math.round((cached.requestsPerSecond / uncached.requestsPerSecond) * 100) / 100;
  return { bytes: plain.length, uncached, cached, ratio };
}

function figuresOf({ rates, latencies }: { rates: readonly number[]; latencies: readonly number[] }) {
  const sorted = [...latencies].sort((a, b) => a - b);
  const at = (share: number) => Math.round((sorted[Math.floor(sorted.length * share)] ?? 0) * 100) / 100;
  return { requestsPerSecond: Math.round(median([...rates])), p50Ms: at(0.5), p99Ms: at(0.99) };
}

async function loadOf(url: string, body: string): Promise<{ rate: number; latencies: number[] }> {
  const until = performance.now() + ROUND_MS;
  const startedAt = performance.now();
  const latencies: number[] = [];
  const clients = Array.from({ length: CONNECTIONS }, () => new Client(new URL(url).origin));
  await Promise.all(
    clients.map(async (client) => {
      while (performance.now() < until) {
        const askedAt = performance.now();
        const { body: answer } = await client.request({ path: '/graphql', method: 'POST', headers: HEADERS, body });
        await answer.arrayBuffer();
        latencies.push(performance.now() - askedAt);
      }
      await client.close();
    }),
  );
  return { rate: latencies.length / ((performance.now() - startedAt) / 1_000), latencies };
}

const HEADERS = { 'content-type': 'application/json' };

async function ask(url: string, body: string): Promise<string> {
  return (await fetch(url, { method: 'POST', headers: HEADERS, body })).text();
}

async function fill(pool: Awaited<ReturnType<Awaited<ReturnType<typeof openBenchStore>>['fresh']>>['pool']) {
  await pool.query(`INSERT INTO pricing_node (market_id, name) SELECT 'PJM', unnest($1::text[])`, [
    NODES.map((node) => node.slice('PJM:'.length)),
  ]);
  const runs = [
    ['DAY_AHEAD_HOURLY', HOUR_MS, 365 * DAY_MS],
    ['REAL_TIME_5_MIN', 5 * MINUTE_MS, 7 * DAY_MS],
  ] as const;
  for (const [marketRun, stepMs, lengthMs] of runs) {
    await pool.query(
      `INSERT INTO lmp (node_id, run, interval_start, interval_end, operating_day, lmp, energy, congestion, loss, published_at,
                        published_seq, recorded_at, ledger_id)
       SELECT n.id, $4::market_run, s, s + $3 * INTERVAL '1 ms', s::date, e + c, e, c, 0, s, 0, s, 1
       FROM pricing_node AS n, generate_series($1::timestamptz, $2::timestamptz - INTERVAL '1 ms', $3 * INTERVAL '1 ms') AS s,
         LATERAL (SELECT round((25 + random() * 20)::numeric, 2)::float8 AS e, round((random() * 10 + n.id * 0)::numeric, 2)::float8 AS c) AS parts
       WHERE n.market_id = 'PJM' AND n.name = ANY ($5)`,
      [new Date(FROM), new Date(FROM + lengthMs), stepMs, marketRun, NODES.map((node) => node.slice('PJM:'.length))],
    );
  }
  await pool.query(
    `INSERT INTO read_revision (family, market_id, run, day, feed_id, partition, n)
     SELECT 'lmp', 'PJM', run, s::date, 'feed', p::text, 1
     FROM generate_series($1::timestamptz, $1::timestamptz + INTERVAL '364 days', INTERVAL '1 day') AS s, generate_series(0, 3) AS p,
       unnest(enum_range(NULL::market_run)) AS run`,
    [new Date(FROM)],
  );
  await pool.query('VACUUM ANALYZE lmp, read_revision');
}
