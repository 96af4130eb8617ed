import { pino } from 'pino';
import { z } from 'zod';
import { HOUR_MS, isoFromInstant } from '../../domain/instant.ts';
import type { LmpFact } from '../../domain/lmp.ts';
import { parseNodeName } from '../../domain/market.ts';
import type { ChunkRange, Decoded, Feed, FeedOf, Fetched, Payload, Poller } from '../../ingestors/feed.ts';
import { startJobWorkers, startWorkers, type WorkerParts, type Workers } from '../../ingestors/jobs/index.ts';
import type { PolledFeed } from '../../ingestors/jobs/pollers.ts';
import { createPipeline } from '../../ingestors/pipeline/pipeline.ts';
import { createRollups } from '../../ingestors/pipeline/rollups.ts';
import { registerFeeds } from '../../ingestors/pipeline/store/feeds.ts';
import { claimPartition, noteFailure } from '../../ingestors/pipeline/store/positions.ts';
import { createPostgresLog } from '../../ingestors/sources/postgres-log.ts';
import { createSourceParts, SILENT_CALLS } from '../../ingestors/sources/source-parts.ts';
import { type JobRow, readJobs } from '../../prisma/operations/jobs.ts';
import { readConfig } from '../../runtime/config.ts';
import { createMetrics } from '../../runtime/metrics.ts';
import type { TestDatabase } from './postgres.ts';

/** The vendor of a feed that a test invents. Its answers are lines of `MARKET:NAME start lmp`. */
export interface Vendor {
  /** Requests in the order they came. */
  readonly asked: string[];
  answer(request: string, signal: AbortSignal): string | Promise<string>;
  /** What a poll brings, one answer after the other. */
  poll?(partition: string, position: number | undefined, signal: AbortSignal): AsyncIterable<Fetched>;
}

export const VENDOR_NODE = 'PJM:PJM-WEST';
const NO_SETTINGS = z.object({});

export interface InventedParts extends Pick<Partial<FeedOf<'lmp'>>, 'id' | 'decode' | 'streams'> {
  readonly everyMs?: number;
  readonly partitions?: readonly string[];
}

/** A polled feed of the partitions A and B, that takes an hour at a time. */
export function inventedFeed(vendor: Vendor, more: InventedParts = {}): PolledFeed {
  const { everyMs = 60_000, partitions = ['A', 'B'], ...rest } = more;
  return {
    family: 'lmp',
    id: 'invented',
    title: 'An invented feed',
    unknownNodes: 'register',
    decode: decodeLines,
    source: {
      kind: 'poll',
      env: NO_SETTINGS,
      partitions: () => partitions,
      everyMs,
      expectations: () => [],
      chunks: (_, partition, asked) => hoursOf(partition, asked),
      open: () => pollerOf(vendor),
    },
    ...rest,
  };
}

function hoursOf(partition: string, { from, to }: ChunkRange) {
  const chunks = [];
  for (let at = from; at < to; at += HOUR_MS) {
    chunks.push({ from: at, to: at + HOUR_MS, request: `${partition} ${isoFromInstant(at)}` });
  }
  return chunks;
}

function pollerOf(vendor: Vendor): Poller {
  return {
    poll: (partition, position, _, signal) => vendor.poll?.(partition, position, signal) ?? nothing(),
    fetch: async (partition, request, signal) => {
      vendor.asked.push(request);
      const text = await vendor.answer(request, signal);
      const startAt = Date.parse(request.split(' ')[1] ?? '');
      return { payload: { bytes: Buffer.from(text), name: partition }, request, publishedAt: startAt + 2 * HOUR_MS };
    },
    close: async () => {},
  };
}

async function* nothing(): AsyncGenerator<Fetched> {}

/** The one price that a good vendor answers to a request. */
export function priceOf(request: string, lmp = 10): string {
  return `${VENDOR_NODE} ${request.split(' ')[1]} ${lmp}`;
}

export function decodeLines({ bytes }: Payload): Decoded<LmpFact> {
  const facts = [];
  const rejects = [];
  for (const line of bytes.toString().split('\n')) {
    const [name = '', start = '', lmp = ''] = line.split(' ');
    const node = parseNodeName(name);
    const startAt = Date.parse(start);
    if (node && lmp !== '' && Number.isFinite(Number(lmp))) {
      const price = { lmp: Number(lmp), energy: null, congestion: null, loss: null, ghg: null };
      facts.push({ node, run: 'REAL_TIME_HOURLY' as const, startAt, endAt: startAt + HOUR_MS, ...price });
    } else rejects.push({ code: 'NOT_THE_FORMAT' as const, reason: `not a price: ${line}`, raw: Buffer.from(line) });
  }
  return { facts, rejects };
}

/** Everything that carries out jobs, on a store of its own. */
export async function createJobBench(db: Pick<TestDatabase, 'url' | 'pool'>, feeds: readonly Feed[]) {
  const log = pino({ level: process.env.LOG_LEVEL ?? 'silent' });
  const { pool, url: databaseUrl } = db;
  const envs = feeds.flatMap(({ source }) => (source.kind === 'poll' ? [source.env] : []));
  const rollups = createRollups({ pool, log, clock: Date.now });
  const eventLog = createPostgresLog({ pool, connectionString: databaseUrl, log });
  const parts: WorkerParts = {
    config: readConfig({}, envs),
    pool,
    databaseUrl,
    eventLog,
    feeds,
    pipeline: createPipeline({ pool, announcer: undefined, rollups, keepRaw: true, metrics: createMetrics(), log }),
    announcer: { catchUp: async () => {} },
    sourceParts: createSourceParts(pool, SILENT_CALLS),
    log,
    clock: Date.now,
    claim: (feed, partition) => claimPartition(pool, feed, partition, 'test'),
    noteFailure: (feed, partition, error) => noteFailure(pool, feed, partition, error),
  };
  await registerFeeds(pool, feeds, parts.config);
  const started: Workers[] = [];
  const kept = async (starting: Promise<Workers>) => {
    const workers = await starting;
    started.push(workers);
    return workers;
  };
  return {
    parts,
    /** Stopped with the bench. */
    startJobWorkers: (other: Partial<WorkerParts> = {}) => kept(startJobWorkers({ ...parts, ...other })),
    startWorkers: (other: Partial<WorkerParts> = {}) => kept(startWorkers({ ...parts, ...other })),
    jobOf: async (id: number): Promise<JobRow> => {
      const [job] = await readJobs(pool, [id]);
      if (!job) throw new Error(`there is no job ${id}`);
      return job;
    },
    close: async () => {
      await Promise.all(started.map((workers) => workers.stop()));
      await rollups.settled();
      await eventLog.close();
    },
  };
}

export type JobBench = Awaited<ReturnType<typeof createJobBench>>;
