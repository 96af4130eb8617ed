import { MARK_RUNS } from '../../domain/mark-price.ts';
import type { MarketRun } from '../../domain/market-run.ts';
import type { TradingReads } from '../../schema/trading-rows.ts';
import { readAccount, readAccounts } from './accounts.ts';
import { readExposure } from './exposure.ts';
import { readForecasts } from './forecasts.ts';
import { readMarketMetrics } from './market-metrics.ts';
import { oneAtATime } from './one-at-a-time.ts';
import { readPnlSeries } from './pnl-series.ts';
import { readPositionTrades } from './position-trades.ts';
import { type Marking, readPositions } from './positions.ts';
import { readPriceTrends } from './price-trends.ts';
import type { Rollups } from './rollups.ts';
import type { Queryable } from './statement.ts';
import { readTrades, readTradeVersions } from './trades.ts';

interface TradingReadsOptions {
  readonly pool: Queryable;
  readonly rollups: () => Promise<Rollups>;
  /** Milliseconds since the epoch, UTC. */
  readonly clock: () => number;
  /** Runs that positions are marked by, in the order of preference. */
  readonly markRuns?: readonly MarketRun[];
}

/** Statistics over two million prices take seconds. */
const STATISTICS_WAITING_MAX = 32;

export function createTradingReads({ pool, rollups, clock, markRuns = MARK_RUNS }: TradingReadsOptions): TradingReads {
  const inTurn = oneAtATime(STATISTICS_WAITING_MAX);
  const marking = (): Marking => ({ runs: markRuns, now: clock() });
  return {
    accounts: (within) => readAccounts(pool, within),
    account: (id) => readAccount(pool, id),
    trades: (filter, page) => readTrades(pool, filter, page),
    tradeVersions: (ids, scope) => readTradeVersions(pool, ids, scope),
    positionTrades: (requests) => readPositionTrades(pool, requests),
    positions: (filter) => readPositions(pool, filter, marking()),
    exposure: (asked) => readExposure(pool, asked, marking()),
    pnlSeries: async (filter, range, resolution) =>
      readPnlSeries(pool, await rollups(), { ...filter, range, resolution }, clock()),
    forecasts: (nodes, run) => readForecasts(pool, nodes, run),
    marketMetrics: (asked) => inTurn(() => readMarketMetrics(pool, asked)),
    priceTrends: (nodes, run, range) => inTurn(() => readPriceTrends(pool, nodes, run, range)),
  };
}
