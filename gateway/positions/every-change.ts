import type { Seat } from './board.ts';
import type { BoardWatcher } from './board-life.ts';
import type { BoardUpdate, MarkedPosition } from './marked-position.ts';

/** Between the board and an EVERY subscriber: each change of a position, at the price of its moment. */
export class EveryChange implements BoardWatcher {
  readonly #to: (update: BoardUpdate) => void;
  #positions: MarkedPosition[] = [];

  constructor(to: (update: BoardUpdate) => void) {
    this.#to = to;
  }

  receive(update: BoardUpdate): void {
    this.#to(update);
  }

  changed(seat: Seat): void {
    this.#positions.push(seat.marked);
  }

  passed(cursor: string): void {
    const positions = this.#positions;
    this.#positions = [];
    this.#to({ cursor, positions });
  }
}
