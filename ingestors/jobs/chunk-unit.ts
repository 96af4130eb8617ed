import type pg from 'pg';
import { BusbarError } from '../../domain/errors.ts';
import { ms } from '../../prisma/instants.ts';
import { ownPartition } from '../../prisma/operations/partitions.ts';
import { inTransaction, reachable } from '../../prisma/transaction.ts';
import type { Feed } from '../feed.ts';
import { failureOf, itemsOf } from '../log-items.ts';
import { readRawPayload } from '../pipeline/store/raw-payloads.ts';
import type { Item, Unit } from '../pipeline/unit.ts';
import { abortable } from '../sources/abortable.ts';
import type { EventLog, LogBatch } from '../sources/event-log.ts';
import { type ChunkEntry, splitChunk } from './chunk-entries.ts';
import { queueChunks } from './chunk-tasks.ts';
import { isPolledFeed, type Pollers } from './pollers.ts';

export interface UnitParts {
  readonly pool: pg.Pool;
  readonly eventLog: EventLog;
  readonly pollers: Pollers;
  /** A chunk of a topic's replay that reads so much ends there. */
  readonly replayBytesMax?: number;
}

const REPLAY_BYTES_MAX = 64 * 1024 * 1024;

/**
 * Brings what a chunk is to commit: asks the source, reads the log, or reads what is kept.
 * @throws BusbarError what the source or the log throws; `NOT_FOUND` where what was kept is gone. The signal's reason once it is
 *   aborted.
 */
export async function unitOf(chunk: ChunkEntry, feed: Feed, parts: UnitParts, signal: AbortSignal): Promise<Unit> {
  const { id, attempt, kind } = chunk;
  const brought = await broughtBy(chunk, feed, parts, signal);
  return { kind, next: undefined, request: chunk.request, lag: null, entry: { id, attempt }, ...brought };
}

type Brought = Pick<Unit, 'items'> & Partial<Unit>;

function broughtBy(chunk: ChunkEntry, feed: Feed, parts: UnitParts, signal: AbortSignal): Promise<Brought> {
  if (chunk.kind === 'BACKFILL') return askedAgain(chunk, feed, parts, signal);
  if (chunk.kind === 'RETRY') return deadLetters(chunk, parts);
  if (feed.source.kind === 'topic') return readAgain(chunk, feed.source.topic, parts, signal);
  return decodedAgain(chunk, parts, signal);
}

async function askedAgain(
  chunk: ChunkEntry,
  feed: Feed,
  { pollers }: UnitParts,
  signal: AbortSignal,
): Promise<Brought> {
  if (!isPolledFeed(feed) || chunk.request === null) throw new TypeError(`entry ${chunk.id} is not a backfill`);
  const fetching = pollers.of(feed).fetch(ownPartition(chunk.partition), chunk.request, signal);
  const { payload, request, publishedAt } = await abortable(fetching, signal);
  return { request, items: [{ payload, publishedAt, publishedSeq: 0 }] };
}

async function readAgain(
  chunk: ChunkEntry,
  topic: string,
  { pool, eventLog, replayBytesMax: bytesMax = REPLAY_BYTES_MAX }: UnitParts,
  signal: AbortSignal,
): Promise<Brought> {
  const { positionFrom: from, positionTo: to } = chunk;
  if (from === null || to === null) throw new TypeError(`entry ${chunk.id} has no offsets`);
  const partition = Number(ownPartition(chunk.partition));
  const batches = eventLog.read({ topic, partition, from, to, batchRecordsMax: BATCH_RECORDS_MAX }, signal);
  const { brought, fullAt } = await readUntilFull(batches, bytesMax);
  if (fullAt !== undefined && fullAt < to) await leaveRest(chunk, fullAt, pool);
  return brought;
}

const BATCH_RECORDS_MAX = 5_000;

/** @returns `fullAt`: the offset behind the batch that filled it. */
async function readUntilFull(
  batches: AsyncIterable<LogBatch>,
  bytesMax: number,
): Promise<{ brought: Brought; fullAt?: number }> {
  const items: Item[] = [];
  let failure: Partial<Unit> = {};
  let bytes = 0;
  for await (const batch of batches) {
    items.push(...itemsOf(batch));
    failure = { ...failure, ...failureOf(batch) };
    bytes += batch.records.reduce((sum, { value }) => sum + (value?.length ?? 0), 0);
    if (bytes >= bytesMax) return { brought: { items, ...failure }, fullAt: batch.next };
  }
  return { brought: { items, ...failure } };
}

/** What lies behind is another's from the commit on, whatever becomes of this attempt: the next one reads no further. */
async function leaveRest(chunk: ChunkEntry, at: number, pool: pg.Pool): Promise<void> {
  await inTransaction(pool, async (client) => queueChunks(client, [await splitChunk(client, chunk, at)]));
}

async function decodedAgain(
  { feed, originIds }: ChunkEntry,
  { pool }: UnitParts,
  signal: AbortSignal,
): Promise<Brought> {
  const { rows } = await reachable(() => pool.query<Origin>(READ_ORIGINS, [originIds]));
  const items: Item[] = [];
  for (const { id, checksum, publishedAt } of rows) {
    signal.throwIfAborted();
    const payload = await reachable(() => readRawPayload(pool, feed, checksum));
    if (payload) items.push({ payload, publishedAt, publishedSeq: 0, origin: id });
  }
  const lost = originIds.length - items.length;
  if (lost === 0) return { items };
  const failure = `${lost} of ${originIds.length} payloads are no longer kept`;
  if (items.length === 0) throw new BusbarError('NOT_FOUND', failure);
  return { items, failure };
}

interface Origin {
  readonly id: number;
  readonly checksum: Buffer;
  readonly publishedAt: number;
}

const READ_ORIGINS = `
  SELECT id, checksum, ${ms('coalesce(published_at, finished_at)')} AS "publishedAt"
  FROM ledger_entry WHERE id = ANY($1::bigint[]) ORDER BY commit_id`;

async function deadLetters(chunk: ChunkEntry, { pool }: UnitParts): Promise<Brought> {
  const { rows } = await reachable(() => pool.query<Letter>(READ_LETTERS, [chunk.id]));
  return {
    items: rows.map(({ id, raw, name, form, publishedAt, publishedSeq, position }) => ({
      payload: { bytes: raw, name },
      form,
      publishedAt,
      publishedSeq,
      ...(position !== null && { position }),
      deadLetter: id,
    })),
  };
}

interface Letter {
  readonly id: number;
  readonly raw: Buffer;
  readonly name: string;
  readonly form: 'PAYLOAD' | 'FACT';
  readonly publishedAt: number;
  readonly publishedSeq: number;
  readonly position: number | null;
}

/** Those that were discarded or resolved meanwhile are left alone. */
const READ_LETTERS = `
  SELECT id, raw, name, form, ${ms('coalesce(published_at, received_at)')} AS "publishedAt",
         published_seq AS "publishedSeq", position
  FROM dead_letter WHERE retry_id = $1 AND state = 'OPEN' ORDER BY id`;
