/**
 * The way of a record: decode → validate → commit in one transaction → announce.
 *
 * A **unit** is what is committed together: a batch of log records, one fetch, one file. Its rows, its ledger entry, its dead
 * letters and the partition's new position become visible at once or not at all.
 */
import { createHash } from 'node:crypto';
import type pg from 'pg';
import type { Logger } from 'pino';
import { isBusbarError, messageOf } from '../../domain/errors.ts';
import type { NodeName } from '../../domain/market.ts';
import { inTransaction } from '../../prisma/transaction.ts';
import type { LmpTick } from '../../runtime/live-bus/live-bus.ts';
import type { Metrics } from '../../runtime/metrics.ts';
import type { Decoded, Decoder, Feed, Payload, Reject } from '../feed.ts';
import type { Announcer } from './announcer.ts';
import type { Rollups } from './rollups.ts';
import { type DeadLetter, keepDeadLetters } from './store/dead-letters.ts';
import { writeLedger } from './store/ledger.ts';
import { createNodeDirectory, type NodeDirectory } from './store/nodes.ts';
import { type Claim, lockPartition } from './store/positions.ts';
import { type PlacedLmp, upsertLmp, type WrittenLmp } from './store/upsert-lmp.ts';
import { isImpossible, type Version, validate } from './validate.ts';

export interface Unit {
  readonly kind: 'BATCH' | 'FETCH' | 'FILE';
  /** The partition's position after this unit; undefined for a file, which moves nothing. */
  readonly next: number | undefined;
  /** What was asked for, or the file's name; null for a batch, which its positions describe. */
  readonly request: string | null;
  readonly items: readonly Item[];
  /** Offsets still to read after this unit. */
  readonly lag: number | null;
  /** A loss the source admits, to stand in the ledger. */
  readonly failure?: string;
}

export interface Item extends Version {
  readonly payload: Payload;
  /** Offset in the log. */
  readonly position?: number;
}

export interface Outcome {
  readonly ledgerId: number;
  readonly rowsIn: number;
  readonly written: number;
  readonly revised: number;
  readonly unchanged: number;
  readonly rejected: number;
  /** The source's own words that it has nothing. */
  readonly noData: string | undefined;
}

export interface Pipeline {
  /**
   * Takes a unit through to the commit and announces it; moves `claim.position`.
   * @throws BusbarError `FENCED` where the partition was taken over (nothing is committed); whatever the decoder says
   *   of a payload that is a source's error (`THROTTLED`, `SOURCE_FAILED`, `SOURCE_REFUSED`), uncommitted; the store's errors.
   */
  ingest(feed: Feed, claim: Claim, unit: Unit): Promise<Outcome>;
}

export interface PipelineParts {
  readonly pool: pg.Pool;
  /** Undefined: committed entries are left to another process's sweep. */
  readonly announcer: Announcer | undefined;
  readonly rollups: Rollups;
  readonly metrics: Pick<Metrics, 'records' | 'lagSeconds' | 'batchSeconds'>;
  readonly log: Logger;
  readonly clock?: () => number;
}

/** A record larger than this is a mistake of its producer: no price record comes near. Its bytes are kept all the same. */
const RECORD_BYTES_MAX = 1024 * 1024;

export function createPipeline({ pool, announcer, rollups, metrics, log, clock = Date.now }: PipelineParts): Pipeline {
  const nodes = createNodeDirectory(pool);
  return {
    ingest: async (feed, claim, unit) => {
      const startedAt = clock();
      const read = await decodeAll(feed, unit, startedAt, log);
      const { placed, strangers } = await place(feed, nodes, read);
      const rejects = [...read.rejects, ...strangers];
      const range = eventRange(placed);
      const { outcome, written } = await inTransaction(pool, async (client) => {
        const ledgerId = await lockPartition(client, claim);
        const upserted = await upsertLmp(client, placed, ledgerId, clock());
        const counts: Outcome = {
          ledgerId,
          rowsIn: read.facts.length + read.rejects.length,
          written: upserted.written.length - upserted.revised,
          revised: upserted.revised,
          unchanged: upserted.unchanged,
          rejected: rejects.length,
          noData: read.noData,
        };
        await writeLedger(client, claim, {
          id: ledgerId,
          kind: unit.kind,
          state: unit.failure === undefined ? 'COMPLETED' : 'FAILED',
          next: unit.next,
          request: unit.request,
          checksum: checksumOf(unit.items),
          bytes: unit.items.reduce((sum, { payload }) => sum + payload.bytes.length, 0),
          rowsIn: counts.rowsIn,
          rowsWritten: counts.written,
          rowsUnchanged: counts.unchanged,
          rowsRevised: counts.revised,
          rowsRejected: counts.rejected,
          eventFrom: range.from,
          eventTo: range.to,
          startedAt,
          error: unit.failure ?? read.noData ?? null,
          lag: unit.lag,
          announced: announcer?.announcedOf(claim.feed, claim.partition) ?? 0,
        });
        await keepDeadLetters(client, claim, ledgerId, rejects, startedAt);
        return { outcome: counts, written: upserted.written };
      });
      const { ledgerId } = outcome;
      if (unit.next !== undefined) claim.position = unit.next;
      if (range.from !== null && range.to !== null && written.length > 0) rollups.touched(range.from, range.to);
      await announcer?.announce(claim.feed, claim.partition, ledgerId, ticksOf(written, ledgerId));
      measure(metrics, feed.id, claim.partition, unit, outcome, startedAt, clock());
      return outcome;
    },
  };
}

interface Read {
  readonly facts: { readonly fact: PlacedLmp['fact']; readonly item: Item }[];
  readonly rejects: DeadLetter[];
  noData: string | undefined;
}

async function decodeAll(feed: Feed, unit: Unit, now: number, log: Logger): Promise<Read> {
  const read: Read = { facts: [], rejects: [], noData: undefined };
  const ofOneRecord = feed.source.kind === 'topic';
  for (const item of unit.items) {
    const { bytes } = item.payload;
    if (ofOneRecord && bytes.length > RECORD_BYTES_MAX) {
      read.rejects.push(
        letter(item, {
          code: 'TOO_LARGE',
          reason: `the record has ${bytes.length} bytes, more than ${RECORD_BYTES_MAX}`,
          raw: bytes,
        }),
      );
      continue;
    }
    const answer = decodeOne(feed.decode, item.payload, log);
    // Most decoders answer at once; awaiting each record would cost as much as decoding it.
    const decoded = answer instanceof Promise ? await answer : answer;
    if ('noData' in decoded) {
      read.noData = decoded.noData;
      continue;
    }
    for (const reject of decoded.rejects) read.rejects.push(letter(item, reject));
    for (const fact of decoded.facts) {
      const judged = validate(fact, item, now);
      if (isImpossible(judged)) read.rejects.push(letter(item, { ...judged, raw: rawOf(fact, item, ofOneRecord) }));
      else read.facts.push({ fact: judged, item });
    }
  }
  return read;
}

/** The record's own bytes; of a fetched payload, which is kept elsewhere, the one fact as it was read. */
function rawOf(fact: object, item: Item, ofOneRecord: boolean): Buffer {
  return ofOneRecord ? item.payload.bytes : Buffer.from(JSON.stringify(fact));
}

type Answer = Decoded | { readonly noData: string };

function decodeOne(decode: Decoder, payload: Payload, log: Logger): Answer | Promise<Answer> {
  const failed = (error: unknown): Answer => {
    if (isBusbarError(error, 'NO_DATA')) return { noData: error.message };
    if (isBusbarError(error) && error.code !== 'MALFORMED') throw error;
    // A decoder that fails on one payload must not stop the feed for the rest of them.
    if (!isBusbarError(error)) log.error({ payload: payload.name, err: error }, 'decoder failed');
    return { facts: [], rejects: [{ code: 'NOT_THE_FORMAT', reason: messageOf(error), raw: payload.bytes }] };
  };
  try {
    const decoded = decode(payload);
    return decoded instanceof Promise ? decoded.catch(failed) : decoded;
  } catch (error) {
    return failed(error);
  }
}

function letter(item: Item, reject: Reject): DeadLetter {
  return { position: item.position, code: reject.code, reason: reject.reason, raw: reject.raw };
}

/** Finds each fact's node, by the feed's policy for nodes that nobody knows. */
async function place(
  feed: Feed,
  nodes: NodeDirectory,
  read: Read,
): Promise<{ placed: PlacedLmp[]; strangers: DeadLetter[] }> {
  const unknown = new Set<NodeName>();
  for (const { fact } of read.facts) if (nodes.idOf(fact.node) === undefined) unknown.add(fact.node);
  if (unknown.size > 0) await (feed.unknownNodes === 'register' ? nodes.register(unknown) : nodes.load(unknown));
  const placed: PlacedLmp[] = [];
  const strangers: DeadLetter[] = [];
  for (const { fact, item } of read.facts) {
    const nodeId = nodes.idOf(fact.node);
    if (nodeId !== undefined) placed.push({ fact, nodeId });
    else
      strangers.push(
        letter(item, {
          code: 'UNKNOWN_NODE',
          reason: `${fact.node} is not in the reference data`,
          raw: item.payload.bytes,
        }),
      );
  }
  return { placed, strangers };
}

function measure(
  metrics: PipelineParts['metrics'],
  feed: string,
  partition: string,
  unit: Unit,
  outcome: Outcome,
  startedAt: number,
  now: number,
) {
  for (const kind of ['written', 'revised', 'unchanged', 'rejected'] as const) {
    if (outcome[kind] > 0) metrics.records.inc({ feed, outcome: kind }, outcome[kind]);
  }
  metrics.batchSeconds.observe({ feed }, (now - startedAt) / 1000);
  const newest = unit.items.at(-1)?.publishedAt;
  if (unit.lag !== null && newest !== undefined) {
    metrics.lagSeconds.set({ feed, partition }, Math.max(0, now - newest) / 1000);
  }
}

function eventRange(placed: readonly PlacedLmp[]): { from: number | null; to: number | null } {
  let from: number | null = null;
  let to: number | null = null;
  for (const { fact } of placed) {
    if (from === null || fact.startAt < from) from = fact.startAt;
    if (to === null || fact.endAt > to) to = fact.endAt;
  }
  return { from, to };
}

function checksumOf(items: readonly Item[]): Buffer {
  const hash = createHash('sha256');
  for (const { payload } of items) hash.update(payload.bytes);
  return hash.digest();
}

function ticksOf(written: readonly WrittenLmp[], ledgerId: number): LmpTick[] {
  return written.map(({ fact, revision }) => ({
    node: fact.node,
    run: fact.run,
    startAt: fact.startAt,
    endAt: fact.endAt,
    lmp: fact.lmp,
    energy: fact.energy,
    congestion: fact.congestion,
    loss: fact.loss,
    ghg: fact.ghg,
    revision,
    flags: fact.flags,
    publishedAt: fact.publishedAt,
    ledgerId,
  }));
}
