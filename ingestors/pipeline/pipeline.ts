/**
 * The way of a record: decode → validate → commit in one transaction → announce.
 */
import { createHash } from 'node:crypto';
import type pg from 'pg';
import type { Logger } from 'pino';
import { messageOf } from '../../domain/errors.ts';
import { instantOrNull } from '../../domain/instant.ts';
import { MARK_RUNS } from '../../domain/mark-price.ts';
import type { MarketRun } from '../../domain/market-run.ts';
import { ownPartition } from '../../prisma/operations/partitions.ts';
import type { Metrics } from '../../runtime/metrics.ts';
import type { DeliveryRange, FamilyName, Feed, FeedOf } from '../feed.ts';
import type { Announcer } from './announcer.ts';
import { factLetter, type Read, readItems } from './decode.ts';
import { createFamilies } from './families/families.ts';
import type { FamilyOf, JudgedFacts, PlacedOf, Written } from './families/family.ts';
import { createPlaceMemory, type PlaceMemory } from './place-memory.ts';
import { findPoison, isPoisoned } from './poison.ts';
import type { Rollups } from './rollups.ts';
import {
  type DeadLetter,
  type KnownLetter,
  keepDeadLetters,
  lettersOfEntries,
  lettersOfLog,
  recognised,
  resolveDeadLetters,
} from './store/dead-letters.ts';
import { findOriginal, type Original } from './store/duplicates.ts';
import { writeLedger } from './store/ledger.ts';
import { inLockedPartition } from './store/locked-partition.ts';
import { createNodeDirectory, type NodeDirectory } from './store/nodes.ts';
import type { Claim } from './store/positions.ts';
import { compressed, keepRawPayload, type RawPayload } from './store/raw-payloads.ts';
import { type PlacedPlace, type PlacesWritten, writePlaces } from './store/write-places.ts';
import type { Item, Outcome, Unit } from './unit.ts';

export interface Pipeline {
  /**
   * Takes a unit through to the commit and announces it; moves `claim.position`. A record that alone makes the store refuse
   * the unit becomes a dead letter, and the rest is committed.
   * @throws BusbarError `FENCED` where the partition, or the planned entry, was taken over (nothing is committed); whatever the
   *   decoder says of an answer that is a source's error (`THROTTLED`, `SOURCE_FAILED`, `SOURCE_REFUSED`), uncommitted; the
   *   store's errors.
   */
  ingest(feed: Feed, claim: Claim, unit: Unit): Promise<Outcome>;
}

export interface PipelineParts {
  readonly pool: pg.Pool;
  /** Undefined: committed entries are left to another process's sweep. */
  readonly announcer: Announcer | undefined;
  readonly rollups: Rollups;
  /** What positions are marked at, in the order of preference. */
  readonly markRuns?: readonly MarketRun[];
  /** Whether to keep what sources answer. */
  readonly keepRaw: boolean;
  readonly metrics: Pick<Metrics, 'records' | 'lagSeconds' | 'batchSeconds'>;
  readonly log: Logger;
  readonly clock?: () => number;
}

export function createPipeline(parts: PipelineParts): Pipeline {
  const { pool, announcer, rollups, markRuns = MARK_RUNS, metrics, log, clock = Date.now } = parts;
  const nodes = createNodeDirectory(pool);
  const families = createFamilies({ rollups, markRuns });
  const memory = createPlaceMemory();

  const prepare = async <Name extends FamilyName>(work: Work<Name>, startedAt: number): Promise<Prepared<Name>> => {
    const { feed, family, claim, unit } = work;
    const checksum = checksumOf(unit.items);
    const single = payloadToRecognise(unit);
    const { request } = unit;
    const same = single && (await findOriginal(pool, { ...claim, request, checksum, publishedAt: single.publishedAt }));
    const original = unit.decodeAgain ? undefined : same;
    const items = same ? unit.items.map((item) => ({ ...item, origin: same.id })) : unit.items;
    const read: Read<JudgedFacts[Name]> = original
      ? NOTHING_READ
      : await readItems(feed, family, items, startedAt, log, isAnswer(unit));
    const { placed, strangers, told } = await place(work, nodes, memory, read);
    const raw = single && parts.keepRaw ? await compressed(single.payload) : undefined;
    const known = original ? [] : await knownLetters(pool, claim, unit.kind, items);
    const letters = recognised([...read.rejects, ...strangers], known);
    return { ...work, startedAt, checksum, original, read, placed, told, letters, known, raw };
  };

  const commit = <Name extends FamilyName>(prepared: Prepared<Name>) =>
    inLockedPartition(pool, prepared.claim, async (client, commitId) => {
      const { feed, family, claim, unit, placed } = prepared;
      const ledgerId = unit.entry?.id ?? commitId;
      const written = await family.write(client, placed, { claim, ledgerId, now: clock(), kind: unit.kind });
      const places = prepared.told.length > 0 ? await writePlaces(client, prepared.told, ledgerId) : undefined;
      const letters = withRefused(prepared, written);
      const outcome = { ...outcomeOf(prepared, ledgerId, written, letters.length), ...placesOf(prepared, places) };
      const announced = announcer?.announcedOf(claim.feed, claim.partition) ?? 0;
      await Promise.all([
        written.saved,
        prepared.raw && keepRawPayload(client, feed.id, prepared.checksum, prepared.raw),
        writeLedger(client, claim, ledgerFactsOf(prepared, outcome, commitId, announced)),
        keepDeadLetters(client, claim, ledgerId, letters, prepared.startedAt),
        resolveDeadLetters(client, resolvedBy(prepared, letters)),
      ]);
      return { commitId, outcome, places, news: written.news };
    });

  const commitSound = async <Name extends FamilyName>(prepared: Prepared<Name>) => {
    try {
      return await commit(prepared);
    } catch (error) {
      if (!isPoisoned(error)) throw error;
      return commit(await withoutPoison(pool, prepared));
    }
  };

  const ingest = async <Name extends FamilyName>(feed: FeedOf<Name>, claim: Claim, unit: Unit): Promise<Outcome> => {
    const startedAt = clock();
    const family: FamilyOf<Name> = families[feed.family];
    const prepared = await prepare({ feed, family, claim, unit }, startedAt);
    const { commitId, outcome, places, news } = await commitSound(prepared);
    if (places) memory.keep(prepared.told, places);
    if (unit.next !== undefined) claim.position = unit.next;
    const range = outcome.written + outcome.revised > 0 && eventRange(prepared);
    if (range) family.committed(range);
    await announcer?.announce(claim, commitId, news);
    measure(metrics, feed.id, claim.partition, unit, outcome, startedAt, clock());
    return outcome;
  };
  return { ingest };
}

/** What is to be done. */
interface Work<Name extends FamilyName> {
  readonly feed: FeedOf<Name>;
  readonly family: FamilyOf<Name>;
  readonly claim: Claim;
  readonly unit: Unit;
}

/** A unit as far as it can be taken without the transaction. */
interface Prepared<Name extends FamilyName> extends Work<Name> {
  readonly startedAt: number;
  readonly checksum: Buffer;
  readonly original: Original | undefined;
  readonly read: Read<JudgedFacts[Name]>;
  readonly placed: readonly PlacedOf<Name>[];
  /** What is told of nodes and is not known to be known. */
  readonly told: readonly PlacedPlace[];
  readonly letters: readonly DeadLetter[];
  /** Dead letters that the same bytes left when they came before. */
  readonly known: readonly KnownLetter[];
  readonly raw: RawPayload | undefined;
}

const NOTHING_READ: Read<never> = { facts: [], rejects: [], places: [], noData: undefined, unreadable: undefined };

/** What came in one piece from a source: worth a look whether it came before, and worth keeping. */
function payloadToRecognise({ kind, items }: Unit): Item | undefined {
  return kind === 'FETCH' || kind === 'BACKFILL' || kind === 'FILE' ? items[0] : undefined;
}

function isAnswer({ kind }: Unit): boolean {
  return kind === 'FETCH' || kind === 'BACKFILL';
}

/**
 * What makes the entry a failure although it is committed. A chunk was asked for its days: an answer that cannot be read leaves
 * them missing, and its bytes to the dead letters.
 */
function failureOf<Name extends FamilyName>({ unit, read }: Prepared<Name>): string | undefined {
  return unit.failure ?? (unit.kind === 'BACKFILL' ? read.unreadable : undefined);
}

/** Finds each fact's node, where it is of one, by the feed's policy for nodes that nobody knows. */
async function place<Name extends FamilyName>(
  { feed, family }: Work<Name>,
  nodes: NodeDirectory,
  memory: PlaceMemory,
  { facts, places: said }: Read<JudgedFacts[Name]>,
): Promise<{ placed: PlacedOf<Name>[]; strangers: DeadLetter[]; told: PlacedPlace[] }> {
  const { places } = family;
  const news = said.filter((each) => !memory.isKnown(each));
  const unknown = new Set(news.map(({ node }) => node).filter((node) => nodes.idOf(node) === undefined));
  for (const { fact } of facts) {
    const node = places.nodeOf(fact);
    if (node !== undefined && nodes.idOf(node) === undefined) unknown.add(node);
  }
  if (unknown.size > 0) await (feed.unknownNodes === 'register' ? nodes.register(unknown) : nodes.load(unknown));
  const placed: PlacedOf<Name>[] = [];
  const strangers: DeadLetter[] = [];
  for (const { fact, item } of facts) {
    const nodeId = places.nodeIdOf(fact, nodes);
    if (nodeId !== undefined) {
      placed.push({ fact, item, nodeId });
      continue;
    }
    const reason = `${places.nodeOf(fact)} is not in the reference data`;
    strangers.push(factLetter(feed, family, fact, item, { code: 'UNKNOWN_NODE', reason }));
  }
  const told = news.flatMap((fact) => {
    const nodeId = nodes.idOf(fact.node);
    return nodeId === undefined ? [] : [{ fact, nodeId }];
  });
  return { placed, strangers, told };
}

/** Tries the facts in ever smaller parts, each in a savepoint, in a transaction that keeps nothing of them. */
async function withoutPoison<Name extends FamilyName>(
  pool: pg.Pool,
  prepared: Prepared<Name>,
): Promise<Prepared<Name>> {
  const { feed, family, claim, unit, startedAt } = prepared;
  const poison = await inLockedPartition(pool, claim, async (client, ledgerId) => {
    const attempt = async (some: readonly PlacedOf<Name>[]) => {
      await client.query('SAVEPOINT trial');
      try {
        const { saved } = await family.write(client, some, { claim, ledgerId, now: startedAt, kind: unit.kind });
        await saved;
      } finally {
        await client.query('ROLLBACK TO SAVEPOINT trial');
      }
    };
    return findPoison(prepared.placed, attempt);
  });
  const poisoned = new Set(poison.map(({ thing }) => thing));
  const letters = poison.map(({ thing: { fact, item }, error }) =>
    factLetter(feed, family, fact, item, { code: 'NOT_STORABLE', reason: `the store refuses it: ${messageOf(error)}` }),
  );
  return {
    ...prepared,
    placed: prepared.placed.filter((each) => !poisoned.has(each)),
    letters: recognised([...prepared.letters, ...letters], prepared.known),
  };
}

/** What only the store could tell to be impossible is a dead letter like any other. */
function withRefused<Name extends FamilyName>(prepared: Prepared<Name>, { refused }: Written): readonly DeadLetter[] {
  const { feed, family, placed, letters, known } = prepared;
  const late = refused.flatMap(({ place: at, code, reason }) => {
    const thing = placed[at];
    return thing ? [factLetter(feed, family, thing.fact, thing.item, { code, reason })] : [];
  });
  return late.length === 0 ? letters : recognised([...letters, ...late], known);
}

function outcomeOf<Name extends FamilyName>(
  { read, original }: Prepared<Name>,
  ledgerId: number,
  { written, revised, unchanged }: Written,
  rejected: number,
): Outcome {
  if (original) {
    const { id, rowsIn, rowsRejected, noData } = original;
    const counts = { rowsIn, written: 0, revised: 0, unchanged: rowsIn - rowsRejected, rejected: rowsRejected };
    return { ledgerId, ...counts, noData: noData ?? undefined, duplicateOf: id };
  }
  const rowsIn = read.facts.length + read.rejects.length;
  return { ledgerId, rowsIn, written, revised, unchanged, rejected, noData: read.noData, duplicateOf: undefined };
}

function placesOf<Name extends FamilyName>(
  { told }: Prepared<Name>,
  written: PlacesWritten | undefined,
): Pick<Outcome, 'places'> {
  return written ? { places: { told: told.length, changed: written.written + written.revised } } : {};
}

function ledgerFactsOf<Name extends FamilyName>(
  prepared: Prepared<Name>,
  outcome: Outcome,
  commitId: number,
  announced: number,
) {
  const { unit, checksum, startedAt } = prepared;
  const single = payloadToRecognise(unit);
  const range = eventRange(prepared);
  const failure = failureOf(prepared);
  return {
    commitId,
    planned: unit.entry,
    kind: unit.kind,
    state: failure === undefined ? 'COMPLETED' : 'FAILED',
    originIds: outcome.duplicateOf === undefined ? originsOf(unit.items) : [outcome.duplicateOf],
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
    eventFrom: range?.from ?? null,
    eventTo: range?.to ?? null,
    startedAt,
    error: failure ?? outcome.noData ?? null,
    lag: unit.lag,
    announced,
  } as const;
}

/** What is read again has left its dead letters before: they are looked up, so that none is written down twice. */
async function knownLetters(
  pool: pg.Pool,
  { feed, partition }: Claim,
  kind: Unit['kind'],
  items: readonly Item[],
): Promise<KnownLetter[]> {
  const origins = originsOf(items);
  if (origins.length > 0) return lettersOfEntries(pool, origins);
  const from = items[0]?.position;
  const to = items.at(-1)?.position;
  if (kind !== 'REPLAY' || from === undefined || to === undefined) return [];
  return lettersOfLog(pool, { feed, partition: ownPartition(partition) }, from, to + 1);
}

function originsOf(items: readonly Item[]): number[] {
  return items.flatMap(({ origin }) => origin ?? []);
}

/** The dead letters of which nothing was rejected again. */
function resolvedBy<Name extends FamilyName>(
  { unit, known }: Prepared<Name>,
  letters: readonly DeadLetter[],
): number[] {
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

/**
 * Delivery time of all that was placed. Of what brought nothing, the range that was asked for: there a mended decoder may yet
 * find something.
 */
function eventRange<Name extends FamilyName>({
  family,
  unit,
  placed,
  original,
}: Prepared<Name>): DeliveryRange | undefined {
  if (original) return rangeOfOriginal(original) ?? unit.asked;
  const [first] = placed;
  if (!first) return unit.asked;
  let { from, to } = family.rangeOf(first.fact);
  for (const { fact } of placed) {
    const range = family.rangeOf(fact);
    if (range.from < from) from = range.from;
    if (range.to > to) to = range.to;
  }
  return { from, to };
}

function rangeOfOriginal({ rowsIn, rowsRejected, eventFrom, eventTo }: Original): DeliveryRange | undefined {
  if (rowsIn === rowsRejected || eventFrom === null || eventTo === null) return undefined;
  return { from: eventFrom, to: eventTo };
}

function checksumOf(items: readonly Item[]): Buffer {
  const hash = createHash('sha256');
  for (const { payload } of items) hash.update(payload.bytes);
  return hash.digest();
}
