import { markPriceOf, type RunPrice } from '../../domain/mark-price.ts';
import type { MarketRun } from '../../domain/market-run.ts';
import { LIMITS, limitExceeded } from '../../schema/limits.ts';
import type { PositionRow } from '../../schema/trading-rows.ts';
import { positionRow, type StandingPosition } from '../positions/position-row.ts';
import type { NodePrice, PositionsSource } from '../positions/positions-source.ts';
import { fromStore } from '../store-reach.ts';
import { readMarkPrices, readPricesAhead } from './mark-prices.ts';
import { type PositionsQuestion, readStandingPositions } from './standing-positions.ts';
import type { Queryable } from './statement.ts';

/** How positions are marked. */
export interface Marking {
  /** In the order of preference. */
  readonly runs: readonly MarketRun[];
  /** Milliseconds UTC. */
  readonly now: number;
}

/** Positions at the last price, by account and node, in two statements. @throws BusbarError `LIMIT_EXCEEDED`. */
export async function readPositions(
  db: Queryable,
  question: PositionsQuestion,
  marking: Marking,
): Promise<PositionRow[]> {
  const marked = await readMarkedPositions(db, question, marking);
  return marked.map(({ standing, price }) => positionRow(standing, price));
}

/** A position and the price that it is marked at; undefined where its node has none. */
export interface MarkedPosition {
  readonly standing: StandingPosition;
  readonly price: RunPrice | undefined;
}

/**
 * By account and node, in two statements.
 * @throws BusbarError `LIMIT_EXCEEDED` where there are more positions than one answer may hold.
 */
export async function readMarkedPositions(
  db: Queryable,
  question: PositionsQuestion,
  { runs, now }: Marking,
  rowsMax: number = LIMITS.positions,
): Promise<MarkedPosition[]> {
  const positions = await readStandingPositions(db, question, rowsMax + 1);
  if (positions.length > rowsMax) throw limitExceeded('positions', positions.length, 'ask for one account or node');
  const nodes = [...new Set(positions.map(({ node }) => node))];
  const prices = byNode(await readMarkPrices(db, nodes, runs, now));
  const marks = new Map(nodes.map((node) => [node, markPriceOf(prices.get(node) ?? [], runs, now)]));
  return positions.map((standing) => ({ standing, price: marks.get(standing.node) }));
}

interface SourceOptions {
  readonly markRuns: readonly MarketRun[];
  /** Milliseconds since the epoch, UTC. */
  readonly clock: () => number;
}

/** Where the live board begins: what the reads answer. */
export function createPositionsSource(db: Queryable, { markRuns, clock }: SourceOptions): PositionsSource {
  return {
    positions: () => fromStore(() => readStandingPositions(db, {}, null)),
    prices: (nodes) => fromStore(() => readBoardPrices(db, nodes, markRuns, clock())),
  };
}

async function readBoardPrices(
  db: Queryable,
  nodes: readonly string[],
  runs: readonly MarketRun[],
  now: number,
): Promise<NodePrice[]> {
  const [newest, ahead] = await Promise.all([
    readMarkPrices(db, nodes, runs, now),
    readPricesAhead(db, nodes, runs, now),
  ]);
  return [...newest, ...ahead];
}

function byNode(prices: readonly NodePrice[]): Map<string, NodePrice[]> {
  const groups = new Map<string, NodePrice[]>();
  for (const price of prices) {
    const group = groups.get(price.node);
    if (group) group.push(price);
    else groups.set(price.node, [price]);
  }
  return groups;
}
