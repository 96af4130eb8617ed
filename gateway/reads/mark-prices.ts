import type { MarketRun } from '../../domain/market-run.ts';
import { readRunPrices, readRunPricesAhead } from '../../prisma/operations/mark-prices.ts';
import type { NodePrice } from '../positions/positions-source.ts';
import { PRICES_AHEAD_MAX } from '../positions/prices-ahead.ts';
import { askedNodes, nodeNames } from './asked-nodes.ts';
import type { Queryable } from './statement.ts';

/** What positions at nodes may be marked by; `markPriceOf` chooses. @param now milliseconds UTC. */
export function readMarkPrices(
  db: Queryable,
  nodes: readonly string[],
  runs: readonly MarketRun[],
  now: number,
): Promise<NodePrice[]> {
  return readRunPrices(db, askedNodes(nodeNames(nodes)), runs, now);
}

/** What they may be marked by later. @param now milliseconds UTC. */
export function readPricesAhead(
  db: Queryable,
  nodes: readonly string[],
  runs: readonly MarketRun[],
  now: number,
): Promise<NodePrice[]> {
  return readRunPricesAhead(db, askedNodes(nodeNames(nodes)), runs, now, PRICES_AHEAD_MAX + 1);
}
