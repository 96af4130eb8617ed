import type pg from 'pg';
import { BusbarError } from '../../domain/errors.ts';
import { ms } from '../../prisma/instants.ts';
import { reachable } from '../../prisma/transaction.ts';
import type { Feed } from '../feed.ts';
import { failureOf, itemsOf } from '../log-items.ts';
import { readRawPayload } from '../pipeline/store/raw-payloads.ts';
import type { Item, Unit } from '../pipeline/unit.ts';
import { abortable } from '../sources/abortable.ts';
import type { EventLog } from '../sources/event-log.ts';
import type { ChunkEntry } from './chunk-entries.ts';
import { isPolledFeed, type Pollers } from './pollers.ts';

export interface UnitParts {
  readonly pool: pg.Pool;
  readonly eventLog: EventLog;
  readonly pollers: Pollers;
}

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
  return feed.source.kind === 'topic' ? readAgain(chunk, feed.source.topic, parts, signal) : decodedAgain(chunk, parts);
}

async function askedAgain(
  chunk: ChunkEntry,
  feed: Feed,
  { pollers }: UnitParts,
  signal: AbortSignal,
): Promise<Brought> {
  if (!isPolledFeed(feed) || chunk.request === null) throw new TypeError(`entry ${chunk.id} is not a backfill`);
  const fetching = pollers.of(feed).fetch(ownPartition(chunk), chunk.request, signal);
  const { payload, request, publishedAt } = await abortable(fetching, signal);
  return { request, items: [{ payload, publishedAt, publishedSeq: 0 }] };
}

async function readAgain(
  chunk: ChunkEntry,
  topic: string,
  { eventLog }: UnitParts,
  signal: AbortSignal,
): Promise<Brought> {
  const { positionFrom: from, positionTo: to } = chunk;
  if (from === null || to === null) throw new TypeError(`entry ${chunk.id} has no offsets`);
  const items: Item[] = [];
  let failure: Partial<Unit> = {};
  const range = { topic, partition: Number(ownPartition(chunk)), from, to, batchRecordsMax: BATCH_RECORDS_MAX };
  for await (const batch of eventLog.read(range, signal)) {
    items.push(...itemsOf(batch));
    failure = { ...failure, ...failureOf(batch) };
  }
  return { items, ...failure };
}

const BATCH_RECORDS_MAX = 5_000;

async function decodedAgain(chunk: ChunkEntry, { pool }: UnitParts): Promise<Brought> {
  const { rows } = await reachable(() => pool.query<Origin>(READ_ORIGIN, [chunk.originId]));
  const origin = rows[0];
  const payload = origin && (await reachable(() => readRawPayload(pool, chunk.feed, origin.checksum)));
  if (!payload) throw new BusbarError('NOT_FOUND', 'the payload is no longer kept');
  return { origin: origin.id, items: [{ payload, publishedAt: origin.publishedAt, publishedSeq: 0 }] };
}

interface Origin {
  readonly id: number;
  readonly checksum: Buffer;
  readonly publishedAt: number;
}

const READ_ORIGIN = `
  SELECT id, checksum, ${ms('coalesce(published_at, finished_at)')} AS "publishedAt"
  FROM ledger_entry WHERE id = $1`;

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

/** The partition of the source or the log that a chunk is of. */
function ownPartition({ partition }: ChunkEntry): string {
  return partition.slice(partition.indexOf('/') + 1);
}
