import { NewestConflation } from '../live/conflation.ts';
import type { DueQueue } from '../live/due-queue.ts';
import type { BoardWatcher } from './board-life.ts';
import { BOARD_UPDATES, type BoardUpdate, SAME_POSITION } from './marked-position.ts';

/**
 * Least time from one update that prices caused to the next: four a second are what an eye reads. A trade never waits. With 2,000
 * ticks and 500 trades a second and 200 subscribers these are 1,000 frames a second, where ten a second each would be 1,900 and
 * nearly twice the latency of a trade. What has to see every price subscribes to `lmp`.
 */
export const PRICE_SPACING_MS = 250;

/** Between the board and a LATEST subscriber: changes by trades pass at once, with what prices changed meanwhile. */
export class PricePacer implements BoardWatcher {
  readonly #to: BoardWatcher;
  readonly #due: DueQueue;
  readonly #waiting: NewestConflation<BoardUpdate['positions'][number], BoardUpdate>;
  #passedAt = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;

  /**
   * @param due of all subscribers of the process.
   * @param onDropped called for each mark that gave way to a newer one.
   */
  constructor(to: BoardWatcher, due: DueQueue, onDropped: () => void) {
    this.#to = to;
    this.#due = due;
    this.#waiting = new NewestConflation(BOARD_UPDATES, SAME_POSITION, onDropped);
  }

  receive(update: BoardUpdate): void {
    this.#waiting.add(update);
    if (!update.byPrice) this.#pass();
    else if (this.#timer === undefined) this.#wait();
  }

  stop(): void {
    this.#settle();
    this.#waiting.clear();
  }

  readonly #pass = (): void => {
    this.#settle();
    this.#passedAt = performance.now();
    const update = this.#waiting.take();
    if (update) this.#to.receive(update);
  };

  #wait(): void {
    const waitMs = this.#passedAt + PRICE_SPACING_MS - performance.now();
    if (waitMs <= 0) this.#due.add(this.#pass);
    else this.#timer = setTimeout(() => this.#due.add(this.#pass), waitMs);
  }

  #settle(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#due.remove(this.#pass);
  }
}
