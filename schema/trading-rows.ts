/** What the store and the live hub answer about trades, positions and forecasts. Instants in milliseconds UTC; decimals exact, as text. */
import type { ModelForecast } from '../domain/forecast.ts';
import type { MarketRun } from '../domain/market-run.ts';
import type { CostMethod, Shock } from '../domain/position.ts';
import type { Trade } from '../domain/trade.ts';
import type { Delivery, Page, Range, Resolution, Slice } from './question.ts';

/** A version of a trade. */
export interface TradeRow extends Omit<Trade, 'node' | 'mw' | 'price'> {
  /** `MARKET:NAME`. */
  readonly node: string;
  readonly mw: string;
  /** Currency per MWh. */
  readonly price: string;
  readonly ledgerId: number;
  readonly recordedAt: number;
}

export interface TradeFilter extends PositionFilter {
  readonly from?: number;
  readonly to?: number;
  /** Of the version that counts; undefined: either. */
  readonly status?: Trade['status'];
}

/** A book of trades. */
export interface AccountRow {
  readonly id: string;
  readonly method: CostMethod;
  readonly firstSeen: number;
}

/** Newest first: a place in that order. */
export interface TradePlace {
  readonly ts: number;
  readonly tradeId: string;
}

/** Which position. */
export interface PositionKey {
  readonly account: string;
  /** `MARKET:NAME`. */
  readonly node: string;
}

/** A position marked at the last price. Money in the market's currency. */
export interface PositionRow extends PositionKey {
  readonly seq: number;
  readonly method: CostMethod;
  /** Net MW over one hour of delivery, in other words MWh: positive is long. */
  readonly positionMw: string;
  /** Per MWh; 0 where flat. */
  readonly avgPrice: string;
  readonly realizedPnl: string;
  /** Null where it is open and the node has no price. */
  readonly unrealizedPnl: string | null;
  readonly totalPnl: string | null;
  /** Per 0.01 of price. */
  readonly pnl01: string;
  readonly notional: string | null;
  readonly last: MarkPrice | null;
  /** Trades that count in it. */
  readonly trades: number;
  /** The newer of its last change and the price it is marked at. */
  readonly asOf: number;
  /** The entry that changed it last. */
  readonly ledgerId: number;
}

/** The price a position is marked at. */
export interface MarkPrice {
  readonly run: MarketRun;
  readonly startAt: number;
  readonly price: string;
}

/** Of trades and positions. */
export interface PositionFilter extends DeskScope {
  readonly account?: string;
  readonly node?: string;
}

/** At most these; undefined: any. */
export interface DeskScope {
  readonly accounts?: readonly string[];
  /** Of the nodes. */
  readonly markets?: readonly string[];
}

export type ExposureGroup = 'POSITION' | 'ACCOUNT' | 'MARKET' | 'NODE';

/**
 * Sums over the positions of a group. Notionals and what a shock would bring are sums of those that have a price; null
 * where there are open positions and none has one.
 */
export interface ExposureRow {
  /** Null where the group is not of one. */
  readonly account: string | null;
  readonly market: string | null;
  readonly node: string | null;
  readonly positions: number;
  /** Open and without a price, and so in no money below but `pnl01`. */
  readonly unpriced: number;
  /** MWh, as `PositionRow.positionMw`. */
  readonly netMw: string;
  readonly grossMw: string;
  readonly pnl01: string;
  readonly netNotional: string | null;
  readonly grossNotional: string | null;
  /** Of a group of one node. */
  readonly last: MarkPrice | null;
  /** Null also where no shock was asked for. */
  readonly shockPnl: string | null;
}

export interface ExposureQuestion extends PositionFilter {
  readonly market?: string;
  readonly by: ExposureGroup;
  readonly shock?: Shock;
}

/** Columns of equal length; of a bucket, how things stood at its end. */
export interface PnlSeriesRow extends PositionKey {
  readonly resolution: Resolution;
  readonly start: readonly number[];
  readonly positionMw: readonly (string | null)[];
  readonly lastPrice: readonly (string | null)[];
  readonly realized: readonly (string | null)[];
  readonly unrealized: readonly (string | null)[];
  readonly total: readonly (string | null)[];
  /** Null at RAW resolution. */
  readonly totalMin: readonly (string | null)[] | null;
  readonly totalMax: readonly (string | null)[] | null;
}

export interface ForecastRow {
  /** `MARKET:NAME`. */
  readonly node: string;
  readonly run: MarketRun;
  /** Start of the interval of the last price. */
  readonly lastAt: number;
  readonly lastPrice: number;
  readonly models: readonly ModelForecast[];
  readonly ledgerId: number;
}

export type MetricWindow = 'RANGE' | 'HOUR' | 'DAY' | 'MONTH';

export interface MarketMetricsQuestion extends Range {
  readonly market: string;
  readonly node?: string;
  readonly run?: MarketRun;
  readonly window: MetricWindow;
  /** Of each node, or of all nodes of the market together. */
  readonly by: 'NODE' | 'MARKET';
}

/** Statistics of the prices of a run that start in `[startAt, endAt)`. Currency per MWh. */
export interface MarketMetricRow {
  readonly market: string;
  /** Null where it is of the whole market. */
  readonly node: string | null;
  readonly run: MarketRun;
  readonly startAt: number;
  readonly endAt: number;
  readonly count: number;
  /** Weighted by duration. */
  readonly average: number;
  readonly min: number;
  readonly max: number;
  /** Sample standard deviation of the prices; null with fewer than two. */
  readonly deviation: number | null;
  /** Sample standard deviation of the returns (p − p₋₁) / |p₋₁|; null with fewer than two. */
  readonly volatility: number | null;
  /** Hours with both prices, day-ahead less real-time; null of other runs than day-ahead. */
  readonly dart: DartStatistics | null;
}

export interface DartStatistics {
  readonly hours: number;
  readonly average: number;
  readonly min: number;
  readonly max: number;
  /** Sample standard deviation; null with fewer than two hours. */
  readonly deviation: number | null;
  /** Share of the hours in which day-ahead was dearer. */
  readonly positiveShare: number;
}

/** How the prices of a node and run that start in a range went. Currency per MWh. */
export interface PriceTrendRow {
  readonly node: string;
  readonly run: MarketRun;
  readonly count: number;
  readonly firstAt: number;
  readonly lastAt: number;
  readonly first: number;
  readonly last: number;
  readonly change: number;
  /** Of |first|; null where that is 0. */
  readonly changePercent: number | null;
  /** Of the least-squares line, currency per MWh and hour; null with fewer than two instants. */
  readonly slopePerHour: number | null;
  /** Share of the variance that the line explains, 0 to 1; null where there is none. */
  readonly fit: number | null;
  readonly direction: 'RISING' | 'FALLING' | 'FLAT';
}

/** Reads over the store. @throws BusbarError `UNAVAILABLE`, `LIMIT_EXCEEDED`, as `Reads`. */
export interface TradingReads {
  /** By id. @throws BusbarError `LIMIT_EXCEEDED`. */
  accounts(within?: readonly string[]): Promise<AccountRow[]>;
  account(id: string): Promise<AccountRow | null>;
  /** The versions that count, newest trade first. */
  trades(filter: TradeFilter, page: Page<TradePlace>): Promise<Slice<TradeRow>>;
  /** Every version of each trade, the highest first, in the order asked. @throws BusbarError `LIMIT_EXCEEDED`. */
  tradeVersions(ids: readonly string[], scope?: DeskScope): Promise<TradeRow[][]>;
  /** A page of the trades that count in each position, newest first, in the order asked: one statement. */
  positionTrades(requests: readonly PositionTradesRequest[]): Promise<Slice<TradeRow>[]>;
  /** By account and node. */
  positions(filter: PositionFilter): Promise<PositionRow[]>;
  exposure(asked: ExposureQuestion): Promise<ExposureRow[]>;
  pnlSeries(
    filter: PositionFilter & { account: string },
    range: Range,
    resolution: Resolution,
  ): Promise<PnlSeriesRow[]>;
  forecasts(nodes: readonly string[], run: MarketRun | undefined): Promise<ForecastRow[]>;
  marketMetrics(asked: MarketMetricsQuestion): Promise<MarketMetricRow[]>;
  priceTrends(nodes: readonly string[], run: MarketRun | undefined, range: Range): Promise<PriceTrendRow[]>;
}

export interface PositionTradesRequest extends PositionKey {
  readonly page: Page<TradePlace>;
}

/** Live updates. @throws BusbarError as `Live.lmp`. */
export interface TradingLive {
  /** Each version of a trade as it is committed. */
  trades(filter: PositionFilter, after: string | undefined): AsyncIterable<TradeUpdate>;
  /**
   * The positions as they are, then as trades and prices change them. After a cursor it begins with how they are as well: what
   * lay between is in `pnlSeries`.
   */
  pnl(filter: PositionFilter, delivery: Delivery, after: string | undefined): AsyncIterable<PnlUpdate>;
  forecasts(filter: ForecastFilter, delivery: Delivery, after: string | undefined): AsyncIterable<ForecastUpdate>;
}

export interface ForecastFilter {
  readonly nodes?: readonly string[];
  /** At most these, where no nodes are named. */
  readonly markets?: readonly string[];
  readonly run?: MarketRun;
}

export interface TradeUpdate {
  readonly cursor: string;
  readonly trades: readonly TradeRow[];
}

export interface PnlUpdate {
  readonly cursor: string;
  readonly positions: readonly PositionRow[];
}

export interface ForecastUpdate {
  readonly cursor: string;
  readonly forecasts: readonly ForecastRow[];
}
