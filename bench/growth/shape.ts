import { DAY_MS, MINUTE_MS } from '../../domain/instant.ts';

export const MARKET = 'PJM';
export const STEP_MS = 5 * MINUTE_MS;
export const END_AT = Date.UTC(2026, 10, 1);

/** What a store of so many prices is: so many nodes, each with 5-minute prices of so long a history without gaps. */
export interface Shape {
  readonly rows: number;
  readonly nodes: number;
  readonly intervals: number;
  readonly days: number;
  /** UTC milliseconds of the first interval. */
  readonly startAt: number;
}

/** Those that are asked for at once. */
const NODES_MIN = 50;
/** Nodes to intervals: a million rows are 100 nodes for 35 days, a hundred million are 1,000 nodes for 347. */
const INTERVALS_A_NODE = 100;

/** A platform grows by more nodes and by more history: of ten times the rows, each is √10 times. */
export function shapeOf(rows: number): Shape {
  const nodes = Math.max(NODES_MIN, Math.round(Math.sqrt(rows / INTERVALS_A_NODE)));
  const intervals = Math.floor(rows / nodes);
  const startAt = END_AT - intervals * STEP_MS;
  return { rows: nodes * intervals, nodes, intervals, days: Math.floor((intervals * STEP_MS) / DAY_MS), startAt };
}

export function nodeAt(place: number): string {
  return `${MARKET}:NODE-${place}`;
}
