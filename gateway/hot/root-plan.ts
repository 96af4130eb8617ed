import type { NodeName } from '../../domain/market.ts';
import type { MarketRun } from '../../domain/market-run.ts';
import type { Range } from '../../schema/context.ts';
import type { Rollups } from '../reads/rollups.ts';
import type { Queryable } from '../reads/statement.ts';
import type { Selected, Selections } from './selection.ts';

/** A root field with what is selected of it, planned once for all its arguments. */
export interface RootPlan {
  /**
   * @param args as the schema coerced them.
   * @throws BusbarError where the question is refused; the ordinary way says so.
   */
  bind(args: Readonly<Record<string, unknown>>): BoundRoot;
}

/** @returns undefined where something is selected that is not hot. */
export type PlanRoot = (selected: Selected, selections: Selections) => RootPlan | undefined;

export interface BoundRoot {
  readonly reads: ReadSet;
  /** The field's value as JSON. */
  json(store: HotStore): Promise<string>;
}

/** Which facts an answer is made of: it stays as it is for as long as none of them changes. */
export interface ReadSet {
  readonly nodes: readonly NodeName[];
  readonly run: MarketRun;
  /** Not what is known now, but what was known at an instant. */
  readonly earlier?: true;
  /** Interval starts, no fewer than are read; without it, all there are. */
  readonly range?: Range;
  /** While the range reaches into the future, it also depends on the time that it is asked at. */
  readonly moves?: true;
  /** Where the store keeps rollups it is made of them, which follow corrections some time after the commit. */
  readonly fromRollups?: true;
}

/** Where plans read. */
export interface HotStore {
  readonly db: Queryable;
  readonly rollups: () => Promise<Rollups>;
  /** Milliseconds UTC. */
  readonly clock: () => number;
}
