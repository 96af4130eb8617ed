/**
 * What the schema needs from whoever serves it. The gateway implements these interfaces; the schema knows neither SQL
 * nor sockets. Instants are milliseconds UTC, prices per MWh.
 */
import type DataLoader from 'dataloader';
import type { StoredLmp } from '../domain/lmp.ts';
import type { MarketRun } from '../domain/market-run.ts';

export interface Context {
  readonly reads: Reads;
  readonly live: Live;
  /** Loaders live as long as one request, or one event of a subscription: never longer, or they would serve old values. */
  readonly loaders: Loaders;
}

export interface Loaders {
  readonly node: DataLoader<string, NodeRow | null>;
  readonly ledgerEntry: DataLoader<number, LedgerRow | null>;
  /** @throws BusbarError `LIMIT_EXCEEDED` where the dead letters of one answer show too many bytes. */
  readonly deadLetterRaw: DataLoader<RawRequest, Buffer, string>;
}

/** The first bytes of a dead letter's record. */
export interface RawRequest {
  readonly id: number;
  readonly bytes: number;
}

export interface Live {
  /**
   * Updates that match the filter, after the cursor and then as they come.
   * @throws BusbarError `CURSOR_EXPIRED`, `BAD_USER_INPUT`, and `LIMIT_EXCEEDED` with `details.cursor` where an `EVERY`
   *   subscriber fell further behind than its queue holds.
   */
  lmp(filter: LmpFilter, delivery: Delivery, after: string | undefined): AsyncIterable<LmpUpdate>;
}

export type Delivery = 'EVERY' | 'LATEST';

export interface LmpFilter {
  readonly nodes?: readonly string[];
  readonly market?: string;
  readonly run?: MarketRun;
}

export interface LmpUpdate {
  readonly cursor: string;
  readonly ticks: readonly LmpRow[];
}

export type LmpRow = StoredLmp;

export type Resolution = 'RAW' | 'FIFTEEN_MINUTES' | 'HOUR' | 'DAY' | 'MONTH';

export interface Range {
  readonly from: number;
  readonly to: number;
}

/** A page forwards: at most `first` items after the position of a cursor. */
export interface Page<Position> {
  readonly first: number;
  readonly after: Position | undefined;
}

export interface Slice<Row> {
  readonly rows: readonly Row[];
  readonly hasNextPage: boolean;
}

export interface Reads {
  markets(): Promise<MarketRow[]>;
  pricingNodes(filter: { market?: string; search?: string }, page: Page<string>): Promise<Slice<NodeRow>>;
  latestLmp(nodes: readonly string[], run: MarketRun): Promise<LmpRow[]>;
  lmps(
    nodes: readonly string[],
    run: MarketRun,
    range: Range,
    page: Page<{ startAt: number; node: string }>,
  ): Promise<Slice<LmpRow>>;
  lmpSeries(
    nodes: readonly string[],
    run: MarketRun,
    range: Range,
    resolution: Resolution,
    asOf: number | undefined,
  ): Promise<LmpSeriesRow[]>;
  dartSpread(nodes: readonly string[], range: Range): Promise<DartSeriesRow[]>;
  feeds(): Promise<FeedRow[]>;
  feed(id: string): Promise<FeedRow | null>;
  ledger(filter: { feed: string; state?: LedgerState }, page: Page<number>): Promise<Slice<LedgerRow>>;
  deadLetters(filter: { feed?: string }, page: Page<number>): Promise<Slice<DeadLetterRow>>;
  nodesByName(names: readonly string[]): Promise<(NodeRow | null)[]>;
  ledgerEntriesById(ids: readonly number[]): Promise<(LedgerRow | null)[]>;
  /** In the order asked. */
  deadLetterRaws(requests: readonly RawRequest[]): Promise<Buffer[]>;
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
  /** Of the metadata; null where there is none. */
  readonly validFrom: number | null;
  readonly validTo: number | null;
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
  readonly kind: 'BATCH' | 'FETCH' | 'FILE' | 'BACKFILL' | 'REPLAY';
  readonly state: LedgerState;
  readonly positionFrom: number | null;
  readonly positionTo: number | null;
  readonly request: string | null;
  /** SHA-256, hexadecimal. */
  readonly checksum: string;
  readonly bytes: number;
  readonly rowsIn: number;
  readonly rowsWritten: number;
  readonly rowsUnchanged: number;
  readonly rowsRevised: number;
  readonly rowsRejected: number;
  readonly eventFrom: number | null;
  readonly eventTo: number | null;
  readonly startedAt: number;
  readonly finishedAt: number | null;
  readonly error: string | null;
  readonly attempt: number;
}

export interface FeedRow {
  readonly id: string;
  readonly title: string;
  readonly partitions: readonly FeedPartitionRow[];
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

export interface DeadLetterRow {
  readonly id: number;
  readonly feed: string;
  readonly partition: string;
  readonly position: number | null;
  readonly ledgerId: number;
  readonly code: string;
  readonly reason: string;
  /** Length of the record in bytes; its bytes come by `deadLetterRaws`, where they are asked for. */
  readonly size: number;
  readonly state: 'OPEN' | 'RETRIED' | 'DISCARDED';
  readonly receivedAt: number;
}
