import type { RunPrice } from '../../domain/mark-price.ts';
import type { StandingPosition } from './position-row.ts';

/** Where the board of positions begins. @throws BusbarError `UNAVAILABLE`, as all of these. */
export interface PositionsSource {
  /** Every position there is, flat ones too. */
  positions(): Promise<readonly StandingPosition[]>;
  /**
   * Of each node and run that positions are marked by, in any order: the newest price that marks now, and of those that will mark
   * later the earliest, one more than `PRICES_AHEAD_MAX` at most.
   */
  prices(nodes: readonly string[]): Promise<readonly NodePrice[]>;
}

export interface NodePrice extends RunPrice {
  /** `MARKET:NAME`. */
  readonly node: string;
}
