import type { SimulatedRecord } from './simulated-records.ts';
import { createTradingModel, type SimulatedVersion, type TradingModelOptions } from './trading-model.ts';

export interface SimulatedTradeSeries extends Omit<TradingModelOptions, 'origin'> {
  /** Milliseconds UTC. */
  readonly from: number;
  /** Versions: amendments and cancellations count. */
  readonly count: number;
}

/**
 * The same records of topic `trades` for the same arguments, in the order of their publication. Positions are flat between
 * sessions, see the trading model.
 * @throws RangeError where there are no accounts, no nodes or no time between trades
 */
export function* simulatedTrades({ count, from, ...desk }: SimulatedTradeSeries): Generator<SimulatedRecord> {
  const model = createTradingModel({ ...desk, origin: from });
  let left = count;
  for (let session = 0; left > 0; session += 1) {
    for (const { version } of model.trades(session).slice(0, left)) {
      left -= 1;
      yield tradeRecordFrom(version);
    }
  }
}

/** Keyed by account, so that an account's trades stay in order. */
export function tradeRecordFrom(version: SimulatedVersion): SimulatedRecord {
  return { key: version.account, value: JSON.stringify(version) };
}
