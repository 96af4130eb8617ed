import { NewestConflation } from '../live/conflation.ts';
import type { BoardWatcher } from './board-life.ts';
import { BOARD_UPDATES, type BoardUpdate, SAME_POSITION } from './marked-position.ts';

/**
 * Least time from one update that prices caused to the next: ten a second are more than an eye reads. A trade never waits.
 * With 2,000 ticks and 500 trades a second and 200 subscribers this halves the frames, which are what a gateway's time goes to.
 */
export const PRICE_SPACING_MS = 100;

/** Between the board and a LATEST subscriber: changes by trades pass at once, with what prices changed meanwhile. */
export class PricePacer implements BoardWatcher {
  readonly #to: BoardWatcher;
  readonly #waiting: NewestConflation<BoardUpdate['positions'][number], BoardUpdate>;
  #passedAt = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;

  /** @param onDropped called for each mark that gave way to a newer one. */
  constructor(to: BoardWatcher, onDropped: () => void) {
    this.#to = to;
    this.#waiting = new NewestConflation(BOARD_UPDATES, SAME_POSITION, onDropped);
  }

  receive(update: BoardUpdate): void {
    this.#waiting.add(update);
    const waitMs = this.#passedAt + PRICE_SPACING_MS - performance.now();
    if (!update.byPrice || waitMs <= 0) this.#pass();
    else this.#timer ??= setTimeout(() => this.#pass(), waitMs);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#waiting.clear();
  }

  #pass(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#passedAt = performance.now();
    const update = this.#waiting.take();
    if (update) this.#to.receive(update);
  }
}
