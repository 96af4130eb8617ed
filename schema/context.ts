/**
 * What the schema needs from whoever serves it. The gateway implements these interfaces; the schema knows neither SQL
 * nor sockets. Instants are milliseconds UTC, prices per MWh.
 */
import type DataLoader from 'dataloader';
import type { ApiKey, ApiKeyRequest, NewApiKey } from '../domain/api-key.ts';
import type { Block } from '../domain/blocks.ts';
import type { BusbarError } from '../domain/errors.ts';
import type { StoredLmp } from '../domain/lmp.ts';
import type { MarketRun } from '../domain/market-run.ts';
import type { CostMethod } from '../domain/position.ts';
import type { QualityFlag } from '../domain/quality.ts';
import type { Reach, Rights } from '../domain/rights.ts';
import type { HealthLive, HealthReads, SourceErrorRow, SourceErrorsRequest } from './health-rows.ts';
import type { Delivery, Page, Range, Resolution, Slice } from './question.ts';
import type { PositionTradesRequest, TradeRow, TradingLive, TradingReads } from './trading-rows.ts';
import type { UtilityReads } from './utility-rows.ts';

export type { Delivery, Page, Range, Resolution, Slice } from './question.ts';

export interface Context {
  /** Of whoever asked, or of all who share a subscription. `reads` and `live` show nothing beyond them. */
  readonly rights: Rights;
  readonly reads: Reads;
  /** Changes, in the name of whoever asked. */
  readonly operations: Operations;
  readonly live: Live;
  /** Of an operation that came by a socket. */
  readonly renewal?: Renewal;
  /** Loaders live as long as one request, or one event of a subscription: never longer, or they would serve old values. */
  readonly loaders: Loaders;
}

/** How a socket goes on after its credential has ended. */
export interface Renewal {
  /**
   * @param authorization as in the header.
   * @returns when the new credential ends, milliseconds UTC; undefined: it does not.
   * @throws BusbarError `UNAUTHENTICATED`, `FORBIDDEN` where it is another's, `UNAVAILABLE`.
   */
  renew(authorization: string): Promise<{ readonly expiresAt: number | undefined }>;
}

/** Who asks, as far as a credential proved it. */
export interface Asker {
  /** `key:<prefix>`, `oidc:<sub>` or `open`. */
  readonly subject: string;
  readonly name: string;
  /** Milliseconds UTC; undefined: the credential does not end by itself. */
  readonly expiresAt: number | undefined;
}

export interface Loaders {
  readonly node: DataLoader<string, NodeRow | null>;
  /** @throws BusbarError `LIMIT_EXCEEDED` where one answer would show too many versions. */
  readonly nodeHistory: DataLoader<string, readonly NodeVersionRow[]>;
  readonly ledgerEntry: DataLoader<number, LedgerRow | null>;
  /** Entries by their ids, without those that are no longer kept. @throws BusbarError `LIMIT_EXCEEDED` where one answer would show too many. */
  readonly ledgerOrigins: DataLoader<readonly number[], readonly LedgerRow[], string>;
  readonly job: DataLoader<number, JobRow | null>;
  /** @throws BusbarError `LIMIT_EXCEEDED` where the pages of one answer hold too many entries. */
  readonly jobEntries: DataLoader<JobEntriesRequest, Slice<LedgerRow>, string>;
  /** @throws BusbarError `LIMIT_EXCEEDED` where one answer would show too many. */
  readonly lmpRevisions: DataLoader<LmpKey, readonly LmpRevisionRow[], string>;
  /** Open dead letters of a feed. */
  readonly openDeadLetters: DataLoader<string, number>;
  /** @throws BusbarError `LIMIT_EXCEEDED` where one answer asks for too many. */
  readonly sourceErrors: DataLoader<SourceErrorsRequest, readonly SourceErrorRow[], string>;
  /** @throws BusbarError `LIMIT_EXCEEDED` where the dead letters of one answer show too many bytes. */
  readonly deadLetterRaw: DataLoader<RawRequest, Buffer, string>;
  /** Versions of a trade by its id. @throws BusbarError `LIMIT_EXCEEDED` where one answer would show too many. */
  readonly tradeVersions: DataLoader<string, readonly TradeRow[]>;
  /** @throws BusbarError `LIMIT_EXCEEDED` where the pages of one answer hold too many trades. */
  readonly positionTrades: DataLoader<PositionTradesRequest, Slice<TradeRow>, string>;
}

/** The first bytes of a dead letter's record. */
export interface RawRequest {
  readonly id: number;
  /** Of the dead letter. */
  readonly feed: string;
  readonly bytes: number;
}

/** Pages of a job's chunks. */
export interface JobEntriesRequest {
  readonly job: number;
  readonly state: LedgerState | undefined;
  readonly page: Page<number>;
}

/** One price, in all its versions. */
export interface LmpKey {
  readonly node: string;
  readonly run: MarketRun;
  readonly startAt: number;
}

/**
 * Each that was done is in the audit log when its promise is settled; what is refused or fails, here or before, the schema
 * notes around every mutation. `feed` is an id or the name of a stream.
 */
export interface Operations {
  /** In whose name. */
  readonly by: Asker;
  /** Notes a mutation that was not made, and why. Never throws. @param input as the client would write it. */
  noteFailure(mutation: string, input: object, error: unknown): Promise<void>;
  /** @returns the job's id. @throws BusbarError `NOT_FOUND`, `BAD_USER_INPUT`, `UNAVAILABLE`, as all of these. */
  backfill(asked: BackfillRequest): Promise<number>;
  replay(asked: ReplayRequest): Promise<number>;
  /** Backfills what is missing. @throws BusbarError also `BAD_USER_INPUT` where nothing is. */
  repair(asked: RepairRequest): Promise<number>;
  cancelJob(id: number): Promise<void>;
  /** @param ids undefined: all open ones of the feed. */
  retryDeadLetters(asked: { feed: string; ids?: readonly number[] }): Promise<number>;
  /** Its positions follow at once. @param asked.create makes an account that nobody knows. @throws BusbarError `NOT_FOUND`. */
  setCostMethod(asked: { account: string; method: CostMethod; create: boolean }): Promise<void>;
  /** The secret is never to be had again. @throws BusbarError `FORBIDDEN` for more rights than its maker has. */
  createApiKey(asked: ApiKeyRequest): Promise<NewApiKey>;
  /** @param asked.overlapMs how long the one so far goes on. @throws BusbarError `FORBIDDEN` for one that reaches further. */
  rotateApiKey(asked: { prefix: string; overlapMs: number }): Promise<NewApiKey>;
  /** @throws BusbarError `FORBIDDEN` as for `rotateApiKey`. */
  revokeApiKey(prefix: string): Promise<ApiKey>;
  /** @returns how many. */
  discardDeadLetters(asked: { feed: string; ids?: readonly number[]; reason: string }): Promise<number>;
}

export interface RepairRequest extends Range {
  readonly feed: string;
  readonly partitions?: readonly string[];
  readonly nodes?: readonly string[];
}

export interface BackfillRequest extends Range {
  readonly feed: string;
  readonly partitions?: readonly string[];
  readonly nodes?: readonly string[];
}

export interface ReplayRequest extends Range {
  readonly feed: string;
  readonly partitions?: readonly string[];
  readonly offsets?: LogRange;
}

/** Records of one log partition, `[fromOffset, toOffset)`. */
export interface LogRange {
  readonly partition: number;
  readonly fromOffset: number;
  readonly toOffset: number;
}

export interface Live extends TradingLive, HealthLive {
  /**
   * Updates that match the filter, after the cursor and then as they come.
   * @throws BusbarError `CURSOR_EXPIRED`, `BAD_USER_INPUT`, and `LIMIT_EXCEEDED` with `details.cursor` where an `EVERY`
   *   subscriber fell further behind than its queue holds.
   * @param snapshot whether each subscriber is first told the current prices; not with a cursor.
   */
  lmp(filter: LmpFilter, delivery: Delivery, after: string | undefined, snapshot: boolean): AsyncIterable<LmpUpdate>;
  /**
   * The job as it is, then as it changes; ends after its last state.
   * @throws BusbarError `NOT_FOUND`, `UNAVAILABLE`.
   */
  jobProgress(id: number): AsyncIterable<JobRow> | Promise<AsyncIterable<JobRow>>;
  /** The feeds as they are, then when one changed. @param within at most these. @throws BusbarError `UNAVAILABLE`. */
  feedHealth(within?: readonly string[]): AsyncIterable<readonly FeedRow[]>;
}

export interface LmpFilter {
  readonly nodes?: readonly string[];
  readonly market?: string;
  /** At most these, where neither nodes nor a market are named. */
  readonly markets?: readonly string[];
  readonly run?: MarketRun;
}

export interface LmpUpdate {
  readonly cursor: string;
  readonly ticks: readonly LmpRow[];
}

export type LmpRow = StoredLmp;

/**
 * What a filter or an argument narrows to (`within`, `markets`, `feeds`, `accounts`) is left out of the statement. Fields give none of
 * these: the caller's rights do.
 */
export interface Reads extends TradingReads, UtilityReads, HealthReads {
  markets(within?: readonly string[]): Promise<MarketRow[]>;
  pricingNodes(filter: NodeFilter, page: Page<string>): Promise<Slice<NodeRow>>;
  latestLmp(nodes: readonly string[], run: MarketRun): Promise<LmpRow[]>;
  lmps(
    nodes: readonly string[],
    run: MarketRun,
    range: Range,
    page: Page<{ startAt: number; node: string }>,
  ): Promise<Slice<LmpRow>>;
  /** @param block ATC by default. */
  lmpSeries(
    nodes: readonly string[],
    run: MarketRun,
    range: Range,
    resolution: Resolution,
    asOf: number | undefined,
    block?: Block,
  ): Promise<LmpSeriesRow[]>;
  dartSpread(nodes: readonly string[], range: Range): Promise<DartSeriesRow[]>;
  feeds(within?: readonly string[]): Promise<FeedRow[]>;
  feed(id: string): Promise<FeedRow | null>;
  ledger(filter: { feed: string; state?: LedgerState }, page: Page<number>): Promise<Slice<LedgerRow>>;
  deadLetters(filter: FeedFilter<DeadLetterState>, page: Page<number>): Promise<Slice<DeadLetterRow>>;
  jobs(filter: FeedFilter<JobState>, page: Page<number>): Promise<Slice<JobRow>>;
  auditLog(page: Page<number>): Promise<Slice<AuditRow>>;
  /** @param within those that reach no further. */
  apiKeys(page: Page<number>, within?: Reach): Promise<Slice<ApiKey>>;
  nodesByName(names: readonly string[]): Promise<(NodeRow | null)[]>;
  /** The newest version first, in the order asked; nothing of a node that nobody knows. @throws BusbarError `LIMIT_EXCEEDED`. */
  nodeHistories(names: readonly string[]): Promise<NodeVersionRow[][]>;
  ledgerEntriesById(ids: readonly number[]): Promise<(LedgerRow | null)[]>;
  jobsById(ids: readonly number[]): Promise<(JobRow | null)[]>;
  /** One slice a request, in the order asked. */
  jobEntries(requests: readonly JobEntriesRequest[]): Promise<Slice<LedgerRow>[]>;
  /** The versions of each price, the current one first, in the order asked. @throws BusbarError `LIMIT_EXCEEDED`. */
  lmpRevisions(keys: readonly LmpKey[]): Promise<LmpRevisionRow[][]>;
  /** In the order asked. */
  openDeadLetters(feeds: readonly string[]): Promise<number[]>;
  /** Null: nothing is owed that could be told. @throws BusbarError `LIMIT_EXCEEDED`. */
  gaps(asked: OwedQuestion): Promise<GapRow[] | null>;
  /** As `gaps`. */
  completeness(asked: OwedQuestion): Promise<CompletenessRow[] | null>;
  /** In the order asked. */
  deadLetterRaws(requests: readonly RawRequest[]): Promise<Buffer[]>;
}

/** Things of a feed; `feeds`: at most of these. */
export interface FeedFilter<State> {
  readonly feed?: string;
  readonly feeds?: readonly string[];
  readonly state?: State;
}

export interface MarketRow {
  readonly id: string;
  readonly name: string;
  readonly operator: string;
  readonly timeZone: string;
  readonly currency: string;
}

export interface NodeRow {
  /** `MARKET:NAME`. */
  readonly id: string;
  readonly market: string;
  readonly name: string;
  readonly kind: string | null;
  readonly zone: string | null;
  readonly title: string | null;
  readonly aliases: readonly string[];
  /** Of the metadata; null where there is none. */
  readonly validFrom: number | null;
  readonly validTo: number | null;
  /** Whether the metadata has ended at the instant asked about. */
  readonly retired: boolean;
}

export interface NodeFilter {
  readonly market?: string;
  readonly markets?: readonly string[];
  /** In the name, or in a title or an alias that the node has or had. */
  readonly search?: string;
  /** As it holds at `asOf`, like `zone` and `retired`. */
  readonly kind?: string;
  readonly zone?: string;
  readonly retired?: boolean;
  /** Milliseconds UTC; absent: now. */
  readonly asOf?: number;
}

/** What held of a node in `[validFrom, validTo)`. */
export interface NodeVersionRow {
  readonly kind: string | null;
  readonly zone: string | null;
  readonly title: string | null;
  readonly aliases: readonly string[];
  readonly validFrom: number;
  readonly validTo: number | null;
  readonly seenUntil: number;
  readonly statedAt: number | null;
  readonly ledgerId: number | null;
}

/** Columns of equal length. A gap is a null in the value columns. */
export interface LmpSeriesRow {
  readonly node: string;
  readonly run: MarketRun;
  readonly resolution: Resolution;
  readonly start: readonly number[];
  readonly lmp: readonly (number | null)[];
  readonly energy: readonly (number | null)[];
  readonly congestion: readonly (number | null)[];
  readonly loss: readonly (number | null)[];
  /** Null at RAW resolution. */
  readonly min: readonly (number | null)[] | null;
  readonly max: readonly (number | null)[] | null;
  readonly open: readonly (number | null)[] | null;
  readonly close: readonly (number | null)[] | null;
}

export interface DartSeriesRow {
  readonly node: string;
  readonly start: readonly number[];
  readonly dayAhead: readonly (number | null)[];
  readonly realTime: readonly (number | null)[];
  /** day-ahead − real-time. */
  readonly spread: readonly (number | null)[];
}

export type LedgerState = 'PENDING' | 'RUNNING' | 'COMPLETED' | 'FAILED' | 'REPLAYING';

export interface LedgerRow {
  readonly id: number;
  readonly feed: string;
  readonly partition: string;
  readonly kind: 'BATCH' | 'FETCH' | 'FILE' | 'BACKFILL' | 'REPLAY' | 'RETRY';
  readonly state: LedgerState;
  readonly jobId: number | null;
  /** The entries whose payloads this one is again. */
  readonly originIds: readonly number[];
  readonly positionFrom: number | null;
  readonly positionTo: number | null;
  readonly request: string | null;
  /** SHA-256, hexadecimal; null while nothing has come. */
  readonly checksum: string | null;
  readonly bytes: number;
  /** Null for a batch, whose records each have their own. */
  readonly publishedAt: number | null;
  readonly rowsIn: number;
  readonly rowsWritten: number;
  readonly rowsUnchanged: number;
  readonly rowsRevised: number;
  readonly rowsRejected: number;
  readonly eventFrom: number | null;
  readonly eventTo: number | null;
  readonly startedAt: number | null;
  readonly finishedAt: number | null;
  readonly error: string | null;
  readonly attempt: number;
}

export type JobKind = 'BACKFILL' | 'REPLAY' | 'RETRY';

export type JobState = 'PENDING' | 'RUNNING' | 'COMPLETED' | 'FAILED' | 'CANCELLED';

export interface JobRow {
  readonly id: number;
  readonly kind: JobKind;
  readonly feed: string;
  readonly state: JobState;
  /** Of all that was asked for: its earliest and latest instant; null of a retry. */
  readonly from: number | null;
  readonly to: number | null;
  /** Chunks that have ended, and of them those that failed. */
  readonly done: number;
  readonly failed: number;
  /** Chunks; null until it is planned. */
  readonly total: number | null;
  readonly rowsIn: number;
  readonly rowsWritten: number;
  readonly rowsRevised: number;
  readonly rowsUnchanged: number;
  readonly rowsRejected: number;
  readonly rowsPerSecond: number | null;
  readonly estimatedEndAt: number | null;
  readonly requestedBy: string;
  readonly requestedAt: number;
  readonly plannedAt: number | null;
  readonly finishedAt: number | null;
  readonly cancelRequested: boolean;
  readonly error: string | null;
}

/** A version of a price: the current one, one that it superseded, or one that came late. */
export interface LmpRevisionRow {
  readonly endAt: number;
  readonly lmp: number;
  readonly energy: number | null;
  readonly congestion: number | null;
  readonly loss: number | null;
  readonly ghg: number | null;
  readonly flags: readonly QualityFlag[];
  /** 0: it arrived after a newer one, and never was current. */
  readonly revision: number;
  readonly publishedAt: number;
  readonly recordedAt: number;
  /** Null: it is the current one. */
  readonly supersededAt: number | null;
  readonly ledgerId: number;
}

export interface AuditRow {
  readonly id: number;
  readonly at: number;
  readonly actor: string;
  readonly subject: string | null;
  readonly address: string | null;
  readonly via: 'graphql' | 'export' | 'cli';
  readonly action: string;
  /** JSON. */
  readonly input: string;
  readonly outcome: 'BEGUN' | 'DONE' | 'REFUSED' | 'FAILED' | 'DENIED';
  readonly error: string | null;
  readonly jobId: number | null;
}

export interface FeedRow {
  readonly id: string;
  readonly title: string;
  readonly kind: 'topic' | 'poll';
  readonly streams: readonly FeedStreamRow[];
  readonly partitions: readonly FeedPartitionRow[];
}

/** What a feed owed in a range of delivery time; undefined: all its partitions, all nodes it owes. */
export interface OwedQuestion extends Range {
  readonly feed: string;
  readonly partitions?: readonly string[];
  readonly nodes?: readonly string[];
  readonly markets?: readonly string[];
}

/** Missing intervals of one node, `[from, to)`, without one between them that came. */
export interface GapRow {
  readonly partition: string;
  readonly run: MarketRun;
  readonly node: string;
  readonly from: number;
  readonly to: number;
  readonly intervals: number;
}

/** Counts of intervals, over all nodes that a partition owes. */
export interface CompletenessRow {
  readonly partition: string;
  readonly run: MarketRun;
  readonly expected: number;
  readonly present: number;
  readonly missing: number;
  readonly late: number;
  readonly watermark: number | null;
}

/** A part of a feed that has a name of its own. */
export interface FeedStreamRow {
  readonly name: string;
  readonly partitions: readonly string[];
}

export interface FeedPartitionRow {
  readonly partition: string;
  readonly position: number | null;
  readonly watermark: number | null;
  readonly lag: number | null;
  readonly owner: string | null;
  readonly updatedAt: number;
  readonly lastError: string | null;
  readonly lastErrorAt: number | null;
}

export type DeadLetterState = 'OPEN' | 'RETRIED' | 'DISCARDED';

export interface DeadLetterRow {
  readonly id: number;
  readonly feed: string;
  readonly partition: string;
  readonly position: number | null;
  readonly ledgerId: number;
  readonly code: string;
  /** The refusal, where it quotes a record that is beyond the rights. */
  readonly reason: string | BusbarError;
  /** Length of the record in bytes; its bytes come by `deadLetterRaws`, where they are asked for. */
  readonly size: number;
  readonly state: DeadLetterState;
  readonly receivedAt: number;
  /** When the source published the record, as far as it said so. */
  readonly publishedAt: number | null;
  /** How often it was tried again, and the ledger entry of the last try. */
  readonly retries: number;
  readonly retryId: number | null;
  readonly resolvedAt: number | null;
  /** Why it was discarded. */
  readonly resolution: string | null;
}
