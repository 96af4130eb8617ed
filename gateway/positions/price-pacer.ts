import type { DueQueue } from '../live/due-queue.ts';
import type { Seat } from './board.ts';
import type { BoardWatcher } from './board-life.ts';
import type { BoardUpdate } from './marked-position.ts';
import type { PricePace } from './price-pace.ts';

/**
 * Between the board and a LATEST subscriber: changes by trades pass at once, with what prices changed meanwhile. Until something
 * passes only which positions changed is kept: of a price that gave way nothing is made.
 */
export class PricePacer implements BoardWatcher {
  readonly #to: (update: BoardUpdate) => void;
  readonly #due: DueQueue;
  readonly #pace: PricePace;
  readonly #onDropped: () => void;
  readonly #waiting = new Set<Seat>();
  #cursor = '';
  #passedAt = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;

  /**
   * @param due of all subscribers of the process.
   * @param onDropped called for each change that gave way to a newer one.
   */
  constructor(
    to: (update: BoardUpdate) => void,
    { due, pace, onDropped }: { due: DueQueue; pace: PricePace; onDropped: () => void },
  ) {
    this.#to = to;
    this.#due = due;
    this.#pace = pace;
    this.#onDropped = onDropped;
  }

  receive(update: BoardUpdate): void {
    this.#passedAt = performance.now();
    this.#to(update);
  }

  changed(seat: Seat): void {
    if (this.#waiting.has(seat)) this.#onDropped();
    else this.#waiting.add(seat);
  }

  passed(cursor: string, byPrice: boolean): void {
    this.#cursor = cursor;
    if (!byPrice) this.#pass();
    else if (this.#timer === undefined) this.#wait();
  }

  stop(): void {
    this.#settle();
    this.#waiting.clear();
  }

  readonly #pass = (): void => {
    this.#settle();
    if (this.#waiting.size === 0) return;
    const positions = Array.from(this.#waiting, (seat) => seat.marked);
    this.#waiting.clear();
    this.receive({ cursor: this.#cursor, positions });
  };

  #wait(): void {
    const waitMs = this.#passedAt + this.#pace.spacingMs - performance.now();
    if (waitMs <= 0) this.#due.add(this.#pass);
    else this.#timer = setTimeout(() => this.#due.add(this.#pass), waitMs);
  }

  #settle(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#due.remove(this.#pass);
  }
}
