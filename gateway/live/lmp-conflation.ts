import type { LmpRow, LmpUpdate } from '../../schema/context.ts';

/** Many events become one that says where things stand. */
export interface Conflation<Event> {
  add(event: Event): void;
  /** What came together since the last `take`; undefined where nothing did. */
  take(): Event | undefined;
  clear(): void;
}

/**
 * Keeps one tick a (node, run): that of the newest interval, and of one interval the highest revision, since live data and jobs
 * are announced side by side. A late correction of an older interval does not displace the present price.
 * @param onDropped called with 1 for each tick that gave way.
 */
export class LmpConflation implements Conflation<LmpUpdate> {
  readonly #onDropped: (ticks: number) => void;
  readonly #ticks = new Map<string, LmpRow>();
  #cursor: string | undefined;

  constructor(onDropped: (ticks: number) => void) {
    this.#onDropped = onDropped;
  }

  add({ cursor, ticks }: LmpUpdate): void {
    this.#cursor = cursor;
    for (const tick of ticks) this.#keep(tick);
  }

  take(): LmpUpdate | undefined {
    if (this.#cursor === undefined) return undefined;
    const update = { cursor: this.#cursor, ticks: [...this.#ticks.values()] };
    this.clear();
    return update;
  }

  clear(): void {
    this.#cursor = undefined;
    this.#ticks.clear();
  }

  #keep(tick: LmpRow): void {
    const key = `${tick.run} ${tick.node}`;
    const kept = this.#ticks.get(key);
    if (kept) this.#onDropped(1);
    if (!kept || isNewer(tick, kept)) this.#ticks.set(key, tick);
  }
}

function isNewer(tick: LmpRow, kept: LmpRow): boolean {
  return tick.startAt === kept.startAt ? tick.revision >= kept.revision : tick.startAt > kept.startAt;
}
