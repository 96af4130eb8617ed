/**
 * From the producer's append to the subscriber's socket: 2,000 ticks/s, 100 graphql-ws subscribers, everything embedded.
 * Busbar runs as `npm start` does, in a process of its own; producer and subscribers share the bench's process.
 * The floor, as baseline: the append alone, which is one commit on the same disk.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createClient } from 'graphql-ws';
import { pino } from 'pino';
import { WebSocket } from 'ws';
import { isoFromInstant } from '../domain/instant.ts';
import { localNameOf } from '../domain/market.ts';
import { createNodeDirectory } from '../ingestors/pipeline/store/nodes.ts';
import { nodesFor } from '../ingestors/simulator/market-model.ts';
import { createPostgresLog } from '../ingestors/sources/postgres-log.ts';
import { createPool } from '../prisma/pool.ts';
import { openEmbeddedPostgres } from '../runtime/embedded-postgres.ts';
import { startProgram } from '../tests/support/processes.ts';
import { summary } from './summary.ts';

const TICKS_PER_SECOND = 2_000;
const SUBSCRIBERS = 100;
const NODES = nodesFor(100);
const APPEND_EVERY_MS = 10;
const WARM_UP_MS = 3_000;
const MEASURE_MS = 10_000;

export async function run() {
  const everyNode = await measure(() => NODES);
  const tenNodes = await measure((subscriber) =>
    Array.from({ length: 10 }, (_, at) => NODES[(subscriber * 10 + at) % NODES.length] ?? NODES[0]),
  );
  return {
    load: { ticksPerSecond: TICKS_PER_SECOND, subscribers: SUBSCRIBERS, nodes: NODES.length },
    baseline: 'the append to the log alone',
    eachSubscriberWatchesTenNodes: tenNodes,
    eachSubscriberWatchesEveryNode: everyNode,
    ratio: tenNodes.latencyMs.p99 / tenNodes.appendMs.p99,
    atMostP99Ms: 50,
  };
}

async function measure(nodesOf: (subscriber: number) => readonly unknown[]) {
  const folder = await mkdtemp(join(tmpdir(), 'busbar-bench-'));
  const busbar = startProgram('main.ts', { BUSBAR_DATA: folder, PORT: '0', SIMULATOR: 'off' });
  const [, url = ''] = await busbar.sees(/"graphiql":"http([^"]+)"/);
  const postgres = await openEmbeddedPostgres(folder);
  const pool = createPool({ url: postgres.url, max: 4 });
  await createNodeDirectory(pool).register(new Set(NODES));
  const log = createPostgresLog({ pool, connectionString: postgres.url, log: pino({ level: 'silent' }) });

  const latencies: number[] = [];
  let measuring = false;
  const sockets = Array.from({ length: SUBSCRIBERS }, (_, subscriber) => {
    const socket = createClient({ url: `ws${url}`, webSocketImpl: WebSocket, lazy: false });
    socket.subscribe<{ lmp: { ticks: { start: string }[] } }>(
      {
        query:
          'subscription ($nodes: [ID!]) { lmp(nodes: $nodes, run: REAL_TIME_5_MIN) { cursor ticks { node { id } start lmp energy congestion loss } } }',
        variables: { nodes: nodesOf(subscriber) },
      },
      {
        next: ({ data }) => {
          if (!measuring) return;
          const now = Date.now();
          for (const { start } of data?.lmp.ticks ?? []) latencies.push(now - Date.parse(start));
        },
        error: (error) => {
          throw new Error(`a subscription failed: ${JSON.stringify(error)}`);
        },
        complete: () => {},
      },
    );
    return socket;
  });
  await sleep(1_000);

  const appends: number[] = [];
  let produced = 0;
  const until = Date.now() + WARM_UP_MS + MEASURE_MS;
  const startedAt = Date.now();
  while (Date.now() < until) {
    measuring = Date.now() - startedAt > WARM_UP_MS;
    const due = Math.floor(((Date.now() - startedAt) * TICKS_PER_SECOND) / 1_000);
    const records = [];
    for (; produced < due; produced++) records.push(tick(produced));
    if (records.length > 0) {
      const before = performance.now();
      await log.append('realtime_prices', records);
      if (measuring) appends.push(performance.now() - before);
    }
    await sleep(APPEND_EVERY_MS);
  }
  await sleep(500);
  await Promise.all(sockets.map((socket) => socket.dispose()));
  await log.close();
  await pool.end();
  await busbar.stop();
  await postgres.release();
  await rm(folder, { recursive: true, force: true });
  return {
    ticksProduced: produced,
    ticksReceived: latencies.length,
    latencyMs: summary(latencies),
    appendMs: summary(appends),
  };
}

/** The tick's own time says when it was produced. */
function tick(at: number) {
  const hub = localNameOf(NODES[at % NODES.length] ?? nodesFor(1)[0] ?? ('PJM:PJM-WEST' as never));
  const lmp = 30 + (at % 1_000) / 100;
  return {
    key: hub,
    value: JSON.stringify({
      ts: isoFromInstant(Date.now()),
      hub,
      lmp_rt: lmp,
      energy_rt: lmp,
      congestion_rt: 0,
      loss_rt: 0,
    }),
  };
}
