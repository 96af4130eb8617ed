/**
 * The words of the ingestors.
 *
 * - A **feed** is one stream of facts from one source: how to reach it, how to read its bytes.
 * - A **payload** is what arrived in one piece: the value of a log record, the body of an HTTP answer, a file.
 * - **decode** turns a payload into records. It is pure: same bytes, same records; no clock, no I/O. A decoder of large
 *   payloads is async only so that it can let others run meanwhile.
 * - A **reject** is a record, or a whole payload, that could not become a fact. It becomes a **dead letter** with its raw
 *   bytes and a reason, in the transaction that moves the position past it. Nothing is dropped silently.
 * - A **partition** is the unit of order and ownership: a log partition (`"0"`), a report (`"PRC_LMP"`), `"file"`.
 * - A **position** is the point of a partition up to which everything is committed: a log offset, or for a polled
 *   source the end of the last interval that was asked for, in milliseconds UTC.
 * - The **watermark** is the end of the newest delivery interval committed.
 */
import type { LmpFact } from '../domain/lmp.ts';
import type { EnvFragment } from '../runtime/config.ts';

export interface Feed<Settings = unknown> {
  /** Stable and unique; appears in the ledger, the CLI and the API. */
  readonly id: string;
  readonly title: string;
  readonly source: Source<Settings>;
  /**
   * What to do with a price for a node nobody knows: a vendor's own node list grows without notice, so its nodes are
   * `register`ed; a topic that anyone may write to is held to the reference data, and the rest is `reject`ed.
   */
  readonly unknownNodes: 'register' | 'reject';
  readonly decode: Decoder;
  /**
   * When the source published a payload, milliseconds UTC, where the payload says so itself. Used for files, which have
   * no answer time; a file that does not say so (undefined) counts as published when it was ingested.
   */
  readonly publishedAt?: (payload: Payload) => number | undefined | Promise<number | undefined>;
}

/** @throws BusbarError `NO_DATA` where the payload is the source's way to say so; `MALFORMED` where all of it is unreadable. */
export type Decoder = (payload: Payload) => Decoded | Promise<Decoded>;

export interface Payload {
  readonly bytes: Buffer;
  /** Which report, topic or file this is; a feed of several reports tells them apart by it or by the bytes. */
  readonly name: string;
}

export interface Decoded {
  readonly facts: readonly LmpFact[];
  readonly rejects: readonly Reject[];
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
  | 'TOO_LARGE';

export type Source<Settings> = TopicSource | PolledSource<Settings>;

export interface TopicSource {
  readonly kind: 'topic';
  readonly topic: string;
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
  /** Begins polling; the adapter's rate limit spans all its partitions, so there is one per process. */
  open(settings: Settings): Poller;
}

export interface Poller {
  poll(partition: string, position: number | undefined, now: number, signal: AbortSignal): AsyncIterable<Fetched>;
  close(): Promise<void>;
}

export interface Fetched {
  readonly payload: Payload;
  /** What was asked for, as a person may repeat it, without secrets. */
  readonly request: string;
  /** When the source published it, as far as it says so; else when it was fetched. Milliseconds UTC. */
  readonly publishedAt: number;
  /** The position once this is committed. */
  readonly next: number;
}

/** Keeps the compiler's view of a feed's own settings while the registry holds feeds of all kinds. */
export function defineFeed<Settings>(feed: Feed<Settings>): Feed<Settings> {
  return feed;
}
