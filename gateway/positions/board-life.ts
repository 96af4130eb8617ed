import { positionFromJson } from '../../domain/position.ts';
import type { LiveEntry, PositionEvent } from '../../runtime/live-bus/live-bus.ts';
import { requireWithin } from '../../schema/limits.ts';
import type { PositionFilter } from '../../schema/trading-rows.ts';
import { Board, type BoardOptions, type Seat, type Tell } from './board.ts';
import type { BoardUpdate } from './marked-position.ts';
import type { StandingPosition } from './position-row.ts';
import type { NodePrice, PositionsSource } from './positions-source.ts';

/** Entries held while the store is asked. Beyond them it is given up: another board begins with what the store says then. */
const HELD_ENTRIES_MAX = 20_000;

export interface BoardWatcher {
  /** Positions as they are. */
  receive(update: BoardUpdate): void;
  /** One of them changed. @param byPrice rather than by a trade. */
  changed(seat: Seat, byPrice: boolean): void;
  /** Told behind all that one entry of a channel changed. */
  passed(cursor: string): void;
}

/**
 * A board that follows the bus, for as long as the readers of both channels stand.
 *
 * States: loading → live → ended. What is committed comes by the store or by the bus, or by both, which has no effect the second
 * time. Entries of positions are taken in their order: one that brings a node without prices is held, with those behind it,
 * until the store has told them.
 */
export class BoardLife {
  readonly #source: PositionsSource;
  readonly #onLost: (error: unknown) => void;
  readonly #board: Board<BoardWatcher>;
  #state: 'loading' | 'live' | 'ended' = 'loading';
  #queue: LiveEntry<PositionEvent>[] = [];
  #draining = false;
  #cursor: string;

  /**
   * @param cursor of the last entry of positions that was seen; whatever comes after it is told to `positions`.
   * @param onLost told where the store did not answer about a new node, or not in time.
   */
  constructor(options: BoardOptions & { source: PositionsSource; cursor: string; onLost: (error: unknown) => void }) {
    this.#source = options.source;
    this.#onLost = options.onLost;
    this.#board = new Board(options);
    this.#cursor = options.cursor;
  }

  get live(): boolean {
    return this.#state === 'live';
  }

  /** Resolves when it is live, or ended meanwhile. @throws whatever the store does. */
  async load(): Promise<void> {
    const positions = await this.#source.positions();
    await this.#enter(positions);
    if (this.#state !== 'loading') return;
    for (const each of positions) this.#board.place(each, () => undefined);
    this.#state = 'live';
    void this.#drain();
  }

  end(): void {
    this.#state = 'ended';
    this.#queue = [];
  }

  positions(entries: readonly LiveEntry<PositionEvent>[]): void {
    for (const each of entries) this.#queue.push(each);
    void this.#drain();
    if (this.#queue.length > HELD_ENTRIES_MAX) this.#onLost(new Error('the store does not answer about positions'));
  }

  /** Prices of one entry, each a change of its own. */
  prices(prices: readonly NodePrice[]): void {
    this.#pass(true, (tell) => {
      for (const each of prices) this.#board.prices([each], tell);
    });
  }

  /**
   * Hands over the positions as they are, then what changes them.
   * @returns what ends that.
   * @throws BusbarError `LIMIT_EXCEEDED` where they are more than one answer may hold.
   */
  watch(filter: PositionFilter, watcher: BoardWatcher): () => void {
    const positions = this.#board.select(filter);
    this.#refill();
    requireWithin('positions', positions.length, 'name an account or a node');
    watcher.receive({ cursor: this.#cursor, positions });
    return this.#board.watch(filter, watcher);
  }

  /** Without a new node all in this turn of the loop. */
  async #drain(): Promise<void> {
    if (this.#state !== 'live' || this.#draining) return;
    this.#draining = true;
    try {
      for (let entry = this.#queue.shift(); entry; entry = this.#queue.shift()) {
        if (this.#hasNewNode(entry)) await this.#enter(entry.events);
        if (this.#state === 'live') this.#place(entry);
      }
    } catch (error) {
      if (this.#state === 'live') this.#onLost(error);
    } finally {
      this.#draining = false;
    }
  }

  #place({ id, events }: LiveEntry<PositionEvent>): void {
    this.#cursor = id;
    this.#pass(false, (tell) => {
      for (const each of events) this.#board.place(standingFrom(each), tell);
    });
  }

  #hasNewNode({ events }: LiveEntry<PositionEvent>): boolean {
    return this.#board.unknown(events.map(({ node }) => node)).length > 0;
  }

  /** From the moment a node is entered its ticks count: none is missed between them and what the store knows. */
  async #enter(positions: readonly { readonly node: string }[]): Promise<void> {
    const unknown = this.#board.unknown(positions.map(({ node }) => node));
    if (unknown.length === 0) return;
    this.#board.enter(unknown);
    await this.#ask(unknown);
  }

  async #ask(nodes: readonly string[]): Promise<void> {
    const prices = await this.#source.prices(nodes);
    this.#pass(true, (tell) => this.#board.prices(prices, tell));
  }

  #pass(byPrice: boolean, entry: (tell: Tell<BoardWatcher>) => void): void {
    const told = new Set<BoardWatcher>();
    entry((watcher, seat) => {
      watcher.changed(seat, byPrice);
      told.add(watcher);
    });
    for (const watcher of told) watcher.passed(this.#cursor);
    this.#refill();
  }

  #refill(): void {
    const nodes = this.#board.takeShort();
    if (nodes.length > 0) this.#ask(nodes).catch(this.#onLost);
  }
}

/** @throws TypeError where a decimal of it is none. */
export function standingFrom({ account, node, seq, position, ledgerId, recordedAt }: PositionEvent): StandingPosition {
  return { account, node, seq, position: positionFromJson(position), ledgerId, recordedAt };
}
