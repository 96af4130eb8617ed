import { type Lot, lotsOf, OpenLots } from '../../domain/open-lots.ts';
import type { Position } from '../../domain/position.ts';
import { compareTrades, mwMinutesOf, type Trade } from '../../domain/trade.ts';

/** What is open of a position by FIFO, found in the trades that it is made of as the ingestors find it in the store. */
export function lotsIn({ oldest, quantity }: Position, trades: readonly Trade[]): Lot[] {
  if (!oldest) return [];
  const from = trades.filter((trade) => compareTrades(trade, oldest) >= 0 && mwMinutesOf(trade).sign === quantity.sign);
  return [...lotsOf(oldest, from)];
}

export function lotsAtHand(lots: readonly Lot[]): OpenLots {
  const atHand = new OpenLots();
  for (const lot of lots) atHand.add(lot);
  return atHand;
}
