/**
 * The way of a record: decode → validate → commit in one transaction → announce.
 */
import { createHash } from 'node:crypto';
import type pg from 'pg';
import type { Logger } from 'pino';
import { messageOf } from '../../domain/errors.ts';
import { instantOrNull } from '../../domain/instant.ts';
import type { NodeName } from '../../domain/market.ts';
import { inTransaction } from '../../prisma/transaction.ts';
import type { LmpTick } from '../../runtime/live-bus/live-bus.ts';
import type { Metrics } from '../../runtime/metrics.ts';
import type { Feed } from '../feed.ts';
import type { Announcer } from './announcer.ts';
import { factLetter, type JudgedFact, type Read, readItems } from './decode.ts';
import { findPoison, isPoisoned } from './poison.ts';
import type { Rollups } from './rollups.ts';
import {
  type DeadLetter,
  type KnownLetter,
  keepDeadLetters,
  lettersOfEntry,
  lettersOfLog,
  resolveDeadLetters,
} from './store/dead-letters.ts';
import { findOriginal, type Original } from './store/duplicates.ts';
import { writeLedger } from './store/ledger.ts';
import { createNodeDirectory, type NodeDirectory } from './store/nodes.ts';
import { type Claim, lockPartition } from './store/positions.ts';
import { compressed, keepRawPayload, type RawPayload } from './store/raw-payloads.ts';
import { type PlacedLmp, type UpsertResult, upsertLmp, type WrittenLmp } from './store/upsert-lmp.ts';
import type { Item, Outcome, Unit } from './unit.ts';

export interface Pipeline {
  /**
   * Takes a unit through to the commit and announces it; moves `claim.position`. A record that alone makes the store refuse
   * the unit becomes a dead letter, and the rest is committed.
   * @throws BusbarError `FENCED` where the partition, or the planned entry, was taken over (nothing is committed); whatever the
   *   decoder says of a payload that is a source's error (`THROTTLED`, `SOURCE_FAILED`, `SOURCE_REFUSED`), uncommitted; the
   *   store's errors.
   */
  ingest(feed: Feed, claim: Claim, unit: Unit): Promise<Outcome>;
}

export interface PipelineParts {
  readonly pool: pg.Pool;
  /** Undefined: committed entries are left to another process's sweep. */
  readonly announcer: Announcer | undefined;
  readonly rollups: Rollups;
  /** Whether to keep what sources answer. */
  readonly keepRaw: boolean;
  readonly metrics: Pick<Metrics, 'records' | 'lagSeconds' | 'batchSeconds'>;
  readonly log: Logger;
  readonly clock?: () => number;
}

export function createPipeline(parts: PipelineParts): Pipeline {
  const { pool, announcer, rollups, metrics, log, clock = Date.now } = parts;
  const nodes = createNodeDirectory(pool);

  const prepare = async (feed: Feed, claim: Claim, unit: Unit, startedAt: number): Promise<Prepared> => {
    const checksum = checksumOf(unit.items);
    const single = payloadToRecognise(unit);
    const same = single && (await findOriginal(pool, feed.id, checksum, single.publishedAt));
    const original = unit.decodeAgain ? undefined : same;
    const read = original ? NOTHING_READ : await readItems(feed, unit.items, startedAt, log);
    const { placed, strangers } = await place(feed, nodes, read);
    const raw = single && parts.keepRaw ? await compressed(single.payload) : undefined;
    const known = original ? [] : await knownLetters(pool, claim, unit, same?.id);
    const letters = again([...read.rejects, ...strangers], known);
    return { unit, startedAt, checksum, original, read, placed, letters, known, raw };
  };

  const commit = (feed: Feed, claim: Claim, prepared: Prepared) =>
    inTransaction(pool, async (client) => {
      const commitId = await lockPartition(client, claim);
      const ledgerId = prepared.unit.entry?.id ?? commitId;
      const upserted = await upsertLmp(client, prepared.placed, ledgerId, clock(), prepared.unit.kind !== 'REPLAY');
      const outcome = outcomeOf(prepared, ledgerId, upserted);
      if (prepared.raw) await keepRawPayload(client, feed.id, prepared.checksum, prepared.raw);
      const announced = announcer?.announcedOf(claim.feed, claim.partition) ?? 0;
      await writeLedger(client, claim, ledgerFactsOf(prepared, outcome, commitId, announced));
      await keepDeadLetters(client, claim, ledgerId, prepared.letters, prepared.startedAt);
      await resolveDeadLetters(client, resolvedBy(prepared));
      return { commitId, outcome, written: upserted.written };
    });

  const commitSound = async (feed: Feed, claim: Claim, prepared: Prepared) => {
    try {
      return await commit(feed, claim, prepared);
    } catch (error) {
      if (!isPoisoned(error)) throw error;
      return commit(feed, claim, await withoutPoison(pool, feed, claim, prepared));
    }
  };

  return {
    ingest: async (feed, claim, unit) => {
      const startedAt = clock();
      const prepared = await prepare(feed, claim, unit, startedAt);
      const { commitId, outcome, written } = await commitSound(feed, claim, prepared);
      if (unit.next !== undefined) claim.position = unit.next;
      const { from, to } = eventRange(prepared);
      if (from !== null && to !== null && written.length > 0) rollups.touched(from, to);
      await announcer?.announce(claim, commitId, ticksOf(written, outcome.ledgerId));
      measure(metrics, feed.id, claim.partition, unit, outcome, startedAt, clock());
      return outcome;
    },
  };
}

/** A unit as far as it can be taken without the transaction. */
interface Prepared {
  readonly unit: Unit;
  readonly startedAt: number;
  readonly checksum: Buffer;
  readonly original: Original | undefined;
  readonly read: Read;
  readonly placed: readonly Placed[];
  readonly letters: readonly DeadLetter[];
  /** Dead letters that the same bytes left when they came before. */
  readonly known: readonly KnownLetter[];
  readonly raw: RawPayload | undefined;
}

type Placed = PlacedLmp & JudgedFact;

const NOTHING_READ: Read = { facts: [], rejects: [], noData: undefined };

/** What came in one piece from a source: worth a look whether it came before, and worth keeping. */
function payloadToRecognise({ kind, items }: Unit): Item | undefined {
  return kind === 'FETCH' || kind === 'BACKFILL' || kind === 'FILE' ? items[0] : undefined;
}

/** Finds each fact's node, by the feed's policy for nodes that nobody knows. */
async function place(
  feed: Feed,
  nodes: NodeDirectory,
  { facts }: Read,
): Promise<{ placed: Placed[]; strangers: DeadLetter[] }> {
  const unknown = new Set<NodeName>();
  for (const { fact } of facts) if (nodes.idOf(fact.node) === undefined) unknown.add(fact.node);
  if (unknown.size > 0) await (feed.unknownNodes === 'register' ? nodes.register(unknown) : nodes.load(unknown));
  const placed: Placed[] = [];
  const strangers: DeadLetter[] = [];
  for (const { fact, item } of facts) {
    const nodeId = nodes.idOf(fact.node);
    const reason = `${fact.node} is not in the reference data`;
    if (nodeId !== undefined) placed.push({ fact, item, nodeId });
    else strangers.push(factLetter(feed, fact, item, { code: 'UNKNOWN_NODE', reason }));
  }
  return { placed, strangers };
}

/** Tries the facts in ever smaller parts, each in a savepoint, in a transaction that is taken back as a whole. */
async function withoutPoison(pool: pg.Pool, feed: Feed, claim: Claim, prepared: Prepared): Promise<Prepared> {
  const poison = await inTransaction(pool, async (client) => {
    const commitId = await lockPartition(client, claim);
    const attempt = async (some: readonly Placed[]) => {
      await client.query('SAVEPOINT trial');
      try {
        await upsertLmp(client, some, commitId, prepared.startedAt);
      } finally {
        await client.query('ROLLBACK TO SAVEPOINT trial');
      }
    };
    return findPoison(prepared.placed, attempt);
  });
  const poisoned = new Set(poison.map(({ thing }) => thing));
  const letters = poison.map(({ thing: { fact, item }, error }) =>
    factLetter(feed, fact, item, { code: 'NOT_STORABLE', reason: `the store refuses it: ${messageOf(error)}` }),
  );
  return {
    ...prepared,
    placed: prepared.placed.filter((each) => !poisoned.has(each)),
    letters: again([...prepared.letters, ...letters], prepared.known),
  };
}

function outcomeOf({ read, letters, original }: Prepared, ledgerId: number, upserted: UpsertResult): Outcome {
  if (original) {
    const { id, rowsIn, rowsRejected, noData } = original;
    const counts = { rowsIn, written: 0, revised: 0, unchanged: rowsIn - rowsRejected, rejected: rowsRejected };
    return { ledgerId, ...counts, noData: noData ?? undefined, duplicateOf: id };
  }
  return {
    ledgerId,
    rowsIn: read.facts.length + read.rejects.length,
    written: upserted.written.length - upserted.revised,
    revised: upserted.revised,
    unchanged: upserted.unchanged,
    rejected: letters.length,
    noData: read.noData,
    duplicateOf: undefined,
  };
}

function ledgerFactsOf(prepared: Prepared, outcome: Outcome, commitId: number, announced: number) {
  const { unit, checksum, startedAt } = prepared;
  const single = payloadToRecognise(unit);
  const { from, to } = eventRange(prepared);
  return {
    commitId,
    planned: unit.entry,
    kind: unit.kind,
    state: unit.failure === undefined ? 'COMPLETED' : 'FAILED',
    originId: outcome.duplicateOf ?? unit.origin ?? null,
    next: unit.next,
    request: unit.request,
    checksum,
    bytes: unit.items.reduce((sum, { payload }) => sum + payload.bytes.length, 0),
    publishedAt: single ? instantOrNull(single.publishedAt) : null,
    rowsIn: outcome.rowsIn,
    rowsWritten: outcome.written,
    rowsUnchanged: outcome.unchanged,
    rowsRevised: outcome.revised,
    rowsRejected: outcome.rejected,
    eventFrom: from,
    eventTo: to,
    startedAt,
    error: unit.failure ?? outcome.noData ?? null,
    lag: unit.lag,
    announced,
  } as const;
}

/** What is read again has left its dead letters before: they are looked up, so that none is written down twice. */
async function knownLetters(
  pool: pg.Pool,
  { feed, partition }: Claim,
  { kind, items, origin }: Unit,
  same: number | undefined,
): Promise<KnownLetter[]> {
  const entry = origin ?? same;
  if (entry !== undefined) return lettersOfEntry(pool, entry);
  const from = items[0]?.position;
  const to = items.at(-1)?.position;
  if (kind !== 'REPLAY' || from === undefined || to === undefined) return [];
  return lettersOfLog(pool, { feed, partition: partition.replace(/^replay\//, '') }, from, to + 1);
}

/** Tells the letters that are there already, by place and bytes. */
function again(letters: readonly DeadLetter[], known: readonly KnownLetter[]): DeadLetter[] {
  if (known.length === 0) return [...letters];
  return letters.map((letter) => {
    const found = known.find(({ position, raw }) => position === (letter.position ?? null) && raw.equals(letter.raw));
    return found && letter.again === undefined ? { ...letter, again: found.id } : letter;
  });
}

/** The dead letters of which nothing was rejected again. */
function resolvedBy({ unit, letters, known }: Prepared): number[] {
  const failedAgain = new Set(letters.map(({ again: id }) => id));
  const triedAgain = unit.items.flatMap(({ deadLetter }) => deadLetter ?? []);
  return [...triedAgain, ...known.map(({ id }) => id)].filter((id) => !failedAgain.has(id));
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

function eventRange({ placed, original }: Prepared): { from: number | null; to: number | null } {
  let from = original?.eventFrom ?? null;
  let to = original?.eventTo ?? null;
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
