/**
 * The words of the ingestors.
 *
 * - A **feed** is one stream of facts from one source: how to reach it, how to read its bytes.
 * - A **family** is a kind of fact: prices, trades, tariffs. All facts of a feed are of one.
 * - A **place** is what a payload tells of a pricing node beside its prices: its kind, its zone, its other names.
 * - A **payload** is what arrived in one piece: the value of a log record, the body of an HTTP answer, a file.
 * - **decode** turns a payload into records. It is pure: same bytes, same records; no clock, no I/O. A decoder of large
 *   payloads is async only so that it can let others run meanwhile.
 * - A **reject** is a record, or a whole payload, that could not become a fact. It becomes a **dead letter** with its raw
 *   bytes and a reason, in the transaction that moves the position past it. Nothing is dropped silently.
 * - A **partition** is the unit of order and ownership: a log partition (`"0"`), a report (`"PRC_LMP"`), `"file"`.
 * - A **position** is the point of a partition up to which everything is committed: a log offset, or for a polled
 *   source the end of the last interval that was asked for, in milliseconds UTC.
 * - The **watermark** is the end of the newest delivery interval committed.
 * - A **stream** is a name for a part of a feed, some of its partitions.
 * - A **chunk** is a part of a backfill that a source takes as one request.
 * - An **expectation** says which prices a partition owes; what is owed and did not come is a **gap**.
 */
import type { ControlSignal } from '../domain/control-signal.ts';
import type { LmpFact } from '../domain/lmp.ts';
import type { NodeName } from '../domain/market.ts';
import type { MarketRun } from '../domain/market-run.ts';
import type { Place } from '../domain/place.ts';
import type { PlantReading } from '../domain/plant-status.ts';
import type { SourceCall } from '../domain/source-call.ts';
import type { TariffPrice } from '../domain/tariff.ts';
import type { Trade } from '../domain/trade.ts';
import type { EnvFragment } from '../runtime/config.ts';

/** The kinds of facts. */
export interface Facts {
  readonly lmp: LmpFact;
  readonly trades: Trade;
  readonly tariffs: TariffPrice;
  readonly 'plant-status': PlantReading;
  readonly 'control-signals': ControlSignal;
  readonly places: Place;
}

export type FamilyName = keyof Facts;

/** A feed of any family. */
export type Feed<Settings = unknown> = { [Name in FamilyName]: FeedOf<Name, Settings> }[FamilyName];

export interface FeedOf<Name extends FamilyName, Settings = unknown> {
  readonly family: Name;
  /** Stable and unique; appears in the ledger, the CLI and the API. */
  readonly id: string;
  readonly title: string;
  /** Names under which a part of the feed is known, each with its partitions; unique among all feeds. */
  readonly streams?: Readonly<Record<string, readonly string[]>>;
  readonly source: Source<Settings>;
  /**
   * What to do with a fact of a node nobody knows: a vendor's own node list grows without notice, so its nodes are
   * `register`ed; a topic that anyone may write to is held to the reference data, and the rest is `reject`ed, as is where
   * nothing is said. A feed whose facts are of no node says nothing.
   */
  readonly unknownNodes?: 'register' | 'reject';
  readonly decode: Decoder<Facts[Name]>;
  /**
   * When the source published a payload, milliseconds UTC, where the payload says so itself. Used for files, which have
   * no answer time; a file that does not say so (undefined) counts as published when it was last modified.
   */
  readonly publishedAt?: (payload: Payload) => number | undefined | Promise<number | undefined>;
}

/** @throws BusbarError `NO_DATA` where the payload is the source's way to say so; `MALFORMED` where all of it is unreadable. */
export type Decoder<Fact> = (payload: Payload) => Decoded<Fact> | Promise<Decoded<Fact>>;

export interface Payload {
  readonly bytes: Buffer;
  /** Which report, topic or file this is; a feed of several reports tells them apart by it or by the bytes. */
  readonly name: string;
}

export interface Decoded<Fact> {
  readonly facts: readonly Fact[];
  readonly rejects: readonly Reject[];
  /** What the payload tells of nodes, each of them once. Nodes that nobody knows are treated as those of facts are. */
  readonly places?: readonly Place[];
}

export interface Reject {
  readonly code: RejectCode;
  /** One sentence a person can act on: the field, what was expected, what came. */
  readonly reason: string;
  readonly raw: Buffer;
}

export type RejectCode =
  | 'NOT_JSON'
  | 'NOT_THE_FORMAT'
  | 'MISSING_FIELD'
  | 'BAD_VALUE'
  | 'BAD_TIME'
  | 'AMBIGUOUS_TIME'
  | 'UNKNOWN_NODE'
  | 'TOO_LARGE'
  /** Another fact under a version that is taken. */
  | 'CONFLICTING_VERSION'
  /** The store refuses it, alone among the records that came with it. */
  | 'NOT_STORABLE';

export type Source<Settings> = TopicSource | PolledSource<Settings>;

export interface TopicSource {
  readonly kind: 'topic';
  readonly topic: string;
  /** Whether a payload may hold several facts, as a file of them does, and be as large as a file. */
  readonly several?: boolean;
}

/**
 * A source that is asked. `poll` is called by the runner again and again; it asks for what is new since the partition's
 * position and yields one fetch after another, each committed before the next is asked for.
 */
export interface PolledSource<Settings> {
  readonly kind: 'poll';
  /** Environment the feed declares: read by `runtime/config.ts`, listed in `.env.example`. */
  readonly env: EnvFragment<Settings>;
  /** Partitions to poll with these settings. Empty: the feed is not configured, only files can be ingested. */
  partitions(settings: Settings): readonly string[];
  /** Milliseconds between two polls of a partition. */
  readonly everyMs: number;
  /** What each partition owes with these settings. A partition that is not listed owes nothing that could be told. */
  expectations(settings: Settings): readonly Expectation[];
  /**
   * Splits delivery intervals that start in `[from, to)` into requests that the source will take, oldest first.
   * @param now milliseconds UTC: what is old lies elsewhere than what is new, at some sources.
   * @throws BusbarError `BAD_USER_INPUT` where it cannot be asked for that, with the reason.
   */
  chunks(settings: Settings, partition: string, asked: ChunkRange, now: number): readonly Chunk[];
  open(settings: Settings, parts: SourceParts): Poller;
}

export interface Expectation {
  readonly partition: string;
  readonly run: MarketRun;
  readonly market: string;
  /** Empty: those nodes of the market that have prices of the run in the range asked about. */
  readonly nodes: readonly NodeName[];
  readonly intervalMs: number;
  /** A price that has not come so long after its interval began is missing; one that came later than that came late. */
  readonly dueMs: number;
}

export interface ChunkRange extends DeliveryRange {
  /** Undefined: those of the settings. */
  readonly nodes: readonly NodeName[] | undefined;
}

export interface Chunk extends DeliveryRange {
  /** Everything the poller needs to ask for it, as text that a person can read, without secrets. */
  readonly request: string;
}

/** What a poller is given of the process it works in. */
export interface SourceParts {
  /** Gives leave to ask, so far apart as the source wishes, over all processes. */
  readonly turns: Turns;
  /** Is told of every call, for the monitor. */
  readonly calls: Calls;
  readonly clock: Clock;
  /** Uniform in [0, 1), for the jitter of retries. */
  readonly random: () => number;
}

/** Keeps the calls to sources. */
export interface Calls {
  /** Never waits and never throws: the monitor is not to hold up what it watches. */
  made(call: SourceCall): void;
}

/** Time as sources need it, so that a test can let hours pass in no time. */
export interface Clock {
  /** Milliseconds since the epoch, UTC. */
  now(): number;
  /** Rejects with the signal's reason once it is aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Aborted when so much time has passed. */
  deadline(ms: number): AbortSignal;
}

/** Paces the requests to a source. */
export interface Turns {
  /** @param source names what is asked; all who name the same one take turns. */
  of(source: string, spacingMs: number): Pacer;
}

export interface Pacer {
  /** Resolves when the source may be asked. Rejects with the signal's reason once it is aborted. */
  turn(signal?: AbortSignal): Promise<void>;
}

export interface Poller {
  poll(partition: string, position: number | undefined, now: number, signal: AbortSignal): AsyncIterable<Fetched>;
  /**
   * Asks for one chunk. An answer that says "no data", or cannot be read, is an answer: the pipeline tells.
   * @throws BusbarError `THROTTLED`, `SOURCE_FAILED` after retries; `SOURCE_REFUSED` where asking again is no use.
   */
  fetch(partition: string, request: string, signal: AbortSignal): Promise<Answer>;
  close(): Promise<void>;
}

export interface Answer {
  readonly payload: Payload;
  /** What was asked for, as a person may repeat it, without secrets. */
  readonly request: string;
  /** When the source published it, as far as it says so; else when it was fetched. Milliseconds UTC. */
  readonly publishedAt: number;
}

/** An answer of a poll. */
export interface Fetched extends Answer {
  /** The position once this is committed. */
  readonly next: number;
  /**
   * What was asked for, under which an answer is found again that brought nothing of it; undefined where the source decides
   * what it answers.
   */
  readonly asked?: DeliveryRange;
}

/** Delivery intervals that start in `[from, to)`, milliseconds UTC. */
export interface DeliveryRange {
  readonly from: number;
  readonly to: number;
}

/** Keeps the compiler's view of a feed's own family and settings while the registry holds feeds of all kinds. */
export function defineFeed<Name extends FamilyName, Settings>(feed: FeedOf<Name, Settings>): FeedOf<Name, Settings> {
  return feed;
}
