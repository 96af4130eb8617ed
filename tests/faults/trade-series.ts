/** Trades as they are produced, and how their accounts keep positions: both made from the seed alone. */
import type { CostMethod } from '../../domain/position.ts';
import type { Trade } from '../../domain/trade.ts';
import type { OutgoingRecord } from '../../ingestors/sources/event-log.ts';

import { randomTrades } from '../support/random-trades.ts';
import { tradeRecord } from '../support/stored-positions.ts';
import { NODES } from './price-series.ts';

export interface TradeSeries {
  readonly seed: number;
  /** Versions of trades: amendments and cancellations count. */
  readonly versions: number;
  readonly accounts: number;
  /** Of the hundred nodes that have prices. */
  readonly nodes: number;
  /** Of the amendments, the share that is to another account: such a trade has versions on two partitions, in any order. */
  readonly moved: number;
}

export function tradesOf({ nodes, ...series }: TradeSeries): Generator<Trade> {
  return randomTrades({ ...series, nodes: NODES.slice(0, nodes) });
}

export function* tradeRecordsOf(series: TradeSeries): Generator<OutgoingRecord> {
  for (const trade of tradesOf(series)) yield { key: trade.account, value: tradeRecord(trade) };
}

/** Half of them keep positions by FIFO, two of ten change their method on the way. */
export interface AccountMethods {
  readonly account: string;
  readonly first: CostMethod;
  readonly last: CostMethod;
}

export function accountsOf({ accounts }: TradeSeries): AccountMethods[] {
  return Array.from({ length: accounts }, (_, number) => {
    const first = number % 2 ? 'FIFO' : 'AVERAGE_COST';
    const other = number % 2 ? 'AVERAGE_COST' : 'FIFO';
    return { account: `desk ${number}`, first, last: number % 10 === 3 || number % 10 === 6 ? other : first };
  });
}
