import type { RunPrice } from '../../domain/mark-price.ts';
import type { PositionKey, PositionRow } from '../../schema/trading-rows.ts';
import type { Sameness } from '../live/conflation.ts';
import type { UpdateShape } from '../live/live-update.ts';
import { type HeldPosition, positionRow, type StandingPosition } from './position-row.ts';

/** A position at a price, as it was at one moment. It is calculated when somebody takes it, and once for all who do. */
export class MarkedPosition implements PositionKey {
  readonly standing: StandingPosition;
  readonly price: RunPrice | undefined;
  readonly #held: HeldPosition;
  #row: PositionRow | undefined;

  constructor(standing: StandingPosition, price: RunPrice | undefined, held: HeldPosition) {
    this.standing = standing;
    this.price = price;
    this.#held = held;
  }

  get account(): string {
    return this.standing.account;
  }

  get node(): string {
    return this.standing.node;
  }

  get row(): PositionRow {
    this.#row ??= positionRow(this.standing, this.price, this.#held);
    return this.#row;
  }
}

/** Positions that one entry of a channel changed, in the order of the changes. */
export interface BoardUpdate {
  readonly cursor: string;
  readonly positions: readonly MarkedPosition[];
}

export const BOARD_UPDATES: UpdateShape<MarkedPosition, BoardUpdate> = {
  update: (cursor, positions) => ({ cursor, positions }),
  eventsIn: ({ positions }) => positions,
};

/** Changes of one position come from one place and in order: the later one is how it stands. No name of a node has a line break. */
export const SAME_POSITION: Sameness<PositionKey> = {
  keyOf: ({ account, node }) => `${node}\n${account}`,
  isNewer: () => true,
};
