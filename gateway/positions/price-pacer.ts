import type { DueQueue } from '../live/due-queue.ts';
import type { Seat } from './board.ts';
import type { BoardWatcher } from './board-life.ts';
import type { BoardUpdate } from './marked-position.ts';
import type { PricePace } from './price-pace.ts';

/**
 * Between the board and a LATEST subscriber: what a trade changed passes at once, what prices changed at its pace, in an update of
 * its own or with a trade that comes when it is due. Until something passes only which positions changed is kept: of a price that
 * gave way nothing is made.
 */
export class PricePacer implements BoardWatcher {
  readonly #to: (update: BoardUpdate) => void;
  readonly #due: DueQueue;
  readonly #pace: PricePace;
  readonly #onDropped: () => void;
  /** Changed by whatever it was since they passed. */
  readonly #waiting = new Set<Seat>();
  /** Of these, by trades of the entry that is being told. */
  readonly #traded = new Set<Seat>();
  #cursor = '';
  /** When the last of all that waited passed. */
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

  /** All that waited, or the positions as they are at the beginning. */
  receive(update: BoardUpdate): void {
    this.#passedAt = performance.now();
    this.#to(update);
  }

  changed(seat: Seat, byPrice: boolean): void {
    if (this.#waiting.has(seat)) this.#onDropped();
    else this.#waiting.add(seat);
    if (!byPrice) this.#traded.add(seat);
  }

  passed(cursor: string): void {
    this.#cursor = cursor;
    if (this.#traded.size === 0) this.#wait();
    else if (this.#waitMs > 0) this.#passTraded();
    else this.#pass();
  }

  stop(): void {
    this.#settle();
    this.#waiting.clear();
    this.#traded.clear();
  }

  readonly #pass = (): void => {
    this.#settle();
    if (this.#waiting.size === 0) return;
    const positions = Array.from(this.#waiting, (seat) => seat.marked);
    this.#waiting.clear();
    this.#traded.clear();
    this.receive({ cursor: this.#cursor, positions });
  };

  /** What waits goes on waiting, as long as it had to. */
  #passTraded(): void {
    const positions = Array.from(this.#traded, (seat) => seat.marked);
    for (const seat of this.#traded) this.#waiting.delete(seat);
    this.#traded.clear();
    if (this.#waiting.size === 0) this.#settle();
    this.#to({ cursor: this.#cursor, positions });
  }

  /** Until what prices changed is due. */
  get #waitMs(): number {
    return this.#passedAt + this.#pace.spacingMs - performance.now();
  }

  #wait(): void {
    if (this.#timer !== undefined) return;
    const waitMs = this.#waitMs;
    if (waitMs <= 0) this.#due.add(this.#pass);
    else this.#timer = setTimeout(() => this.#due.add(this.#pass), waitMs);
  }

  #settle(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#due.remove(this.#pass);
  }
}
