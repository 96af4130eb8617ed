import type { RunPrice } from '../../domain/mark-price.ts';
import type { StandingPosition } from './position-row.ts';

/** Where the board of positions begins. @throws BusbarError `UNAVAILABLE`, as all of these. */
export interface PositionsSource {
  /** Every position there is, flat ones too, without their lots. */
  positions(): Promise<readonly StandingPosition[]>;
  /**
   * Of each node the newest price of each run that positions are marked by, as far as it began within `MARK_AGE_MS_MAX`:
   * at most one a node and run, in any order.
   */
  prices(nodes: readonly string[]): Promise<readonly NodePrice[]>;
}

export interface NodePrice extends RunPrice {
  /** `MARKET:NAME`. */
  readonly node: string;
}
