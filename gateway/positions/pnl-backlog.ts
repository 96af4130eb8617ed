import type { Delivery } from '../../schema/question.ts';
import type { PnlUpdate } from '../../schema/trading-rows.ts';
import { type BacklogBounds, EveryBacklog, LatestBacklog } from '../live/backlog.ts';
import { NewestConflation } from '../live/conflation.ts';
import type { Backlog } from '../live/stream.ts';
import { BOARD_UPDATES, type BoardUpdate, SAME_POSITION } from './marked-position.ts';

/**
 * What waits for one subscription to positions: marked, but not calculated before it is taken.
 * @param onDropped called for each mark that gave way to a newer one.
 */
export function createPnlBacklog(
  delivery: Delivery,
  bounds: BacklogBounds,
  onDropped: () => void,
): Backlog<BoardUpdate, PnlUpdate> {
  if (delivery === 'EVERY') return new PnlBacklog(new BegunBacklog(new EveryBacklog(BOARD_UPDATES, bounds)));
  return new PnlBacklog(new LatestBacklog(new NewestConflation(BOARD_UPDATES, SAME_POSITION, onDropped)));
}

class PnlBacklog implements Backlog<BoardUpdate, PnlUpdate> {
  readonly #marked: Waiting;

  constructor(marked: Waiting) {
    this.#marked = marked;
  }

  add(update: BoardUpdate): boolean {
    return this.#marked.add(update);
  }

  take(): PnlUpdate | undefined {
    const update = this.#marked.take();
    return update && { cursor: update.cursor, positions: update.positions.map(({ row }) => row) };
  }

  get isEmpty(): boolean {
    return this.#marked.isEmpty;
  }

  clear(): void {
    this.#marked.clear();
  }
}

/** The first update, of how things stand, is taken by itself and counts in no bound: what follows is changes. */
class BegunBacklog implements Waiting {
  readonly #changes: Waiting;
  #first: BoardUpdate | undefined;
  #begun = false;

  constructor(changes: Waiting) {
    this.#changes = changes;
  }

  add(update: BoardUpdate): boolean {
    if (this.#begun) return this.#changes.add(update);
    this.#begun = true;
    this.#first = update;
    return true;
  }

  take(): BoardUpdate | undefined {
    const first = this.#first;
    this.#first = undefined;
    return first ?? this.#changes.take();
  }

  get isEmpty(): boolean {
    return !this.#first && this.#changes.isEmpty;
  }

  clear(): void {
    this.#first = undefined;
    this.#changes.clear();
  }
}

interface Waiting extends Backlog<BoardUpdate, BoardUpdate> {
  take(): BoardUpdate | undefined;
}
