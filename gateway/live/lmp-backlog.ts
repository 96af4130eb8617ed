import type { LmpUpdate } from '../../schema/context.ts';
import type { LmpConflation } from './lmp-conflation.ts';
import type { Backlog } from './stream.ts';

export interface BacklogBounds {
  readonly entriesMax: number;
  readonly ticksMax: number;
}

/** Ticks in one update put together from several: a frame of some 100 kB. */
const UPDATE_TICKS_MAX = 1_000;

/**
 * EVERY: updates in order, up to either bound. One update alone always fits, however many ticks it has. Those that wait are
 * taken together: every tick, in order, under the last one's cursor.
 */
export class EveryBacklog implements Backlog<LmpUpdate, LmpUpdate> {
  readonly #bounds: BacklogBounds;
  #updates: LmpUpdate[] = [];
  #ticks = 0;

  constructor(bounds: BacklogBounds) {
    this.#bounds = bounds;
  }

  /** Whether so many updates with so many ticks would be kept. */
  fits(updates: number, ticks: number): boolean {
    if (this.#updates.length === 0 && updates === 1) return true;
    return this.#updates.length + updates <= this.#bounds.entriesMax && this.#ticks + ticks <= this.#bounds.ticksMax;
  }

  add(update: LmpUpdate): boolean {
    if (!this.fits(1, update.ticks.length)) return false;
    this.#updates.push(update);
    this.#ticks += update.ticks.length;
    return true;
  }

  take(): LmpUpdate | undefined {
    const first = this.#updates[0];
    if (!first) return undefined;
    let count = 1;
    let ticks = first.ticks.length;
    for (
      let next = this.#updates[count];
      next && ticks + next.ticks.length <= UPDATE_TICKS_MAX;
      next = this.#updates[count]
    ) {
      ticks += next.ticks.length;
      count += 1;
    }
    const taken = this.#updates.splice(0, count);
    this.#ticks -= ticks;
    return count === 1
      ? first
      : { cursor: taken.at(-1)?.cursor ?? first.cursor, ticks: taken.flatMap((update) => update.ticks) };
  }

  clear(): void {
    this.#updates = [];
    this.#ticks = 0;
  }
}

/** LATEST: one update, in which newer ticks take the place of older ones. Bounded by the number of nodes and runs. */
export class LatestBacklog implements Backlog<LmpUpdate, LmpUpdate> {
  readonly #conflation: LmpConflation;

  constructor(conflation: LmpConflation) {
    this.#conflation = conflation;
  }

  fits(): boolean {
    return true;
  }

  add(update: LmpUpdate): boolean {
    this.#conflation.add(update);
    return true;
  }

  take(): LmpUpdate | undefined {
    return this.#conflation.take();
  }

  clear(): void {
    this.#conflation.clear();
  }
}
