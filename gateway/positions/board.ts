import { isNewerPrice, markPriceOf, type RunPrice } from '../../domain/mark-price.ts';
import type { MarketRun } from '../../domain/market-run.ts';
import type { PositionFilter } from '../../schema/trading-rows.ts';
import { DESK_FACETS } from '../live/desk-facets.ts';
import { InterestIndex, wantedBy } from '../live/interest-index.ts';
import { MarkedPosition } from './marked-position.ts';
import { type HeldPosition, heldPosition, type StandingPosition } from './position-row.ts';
import type { NodePrice } from './positions-source.ts';
import { PricesAhead } from './prices-ahead.ts';

export interface BoardOptions {
  /** By which positions are marked, in the order of preference. */
  readonly runs: readonly MarketRun[];
  /** Milliseconds UTC. */
  readonly clock: () => number;
}

/** A position that somebody may watch. What it is worth now is worked out for whoever asks. */
export interface Seat {
  readonly marked: MarkedPosition;
}

/** Told of each change of a position, once for each of its watchers. */
export type Tell<Watcher> = (watcher: Watcher, seat: Seat) => void;

/**
 * Every position, the prices of the nodes where there are any, and who watches which.
 *
 * Positions of one node **sit** there together: a price goes to the node, and watchers of its seats are told that these changed, not
 * what they are worth: most prices give way to the next before anybody looks. It knows nothing of the bus and the store, and may
 * be told the same thing twice: of a position the highest `seq` counts, of a run the newest price that marks now. What begins too far
 * ahead for that is kept until its time has come: whoever looks then sees it, and watchers are told with the next price of the node.
 */
export class Board<Watcher> {
  readonly #options: BoardOptions;
  readonly #nodes = new Map<string, BoardNode<Watcher>>();
  readonly #accounts = new Map<string, Set<WatchedSeat<Watcher>>>();
  readonly #interests = new InterestIndex<PositionFilter, StandingPosition, Watcher>(DESK_FACETS);
  readonly #watched = new Map<Watcher, Set<WatchedSeat<Watcher>>>();
  /** Nodes of which more prices lie ahead than were kept, and these are spent. */
  readonly #short = new Set<string>();

  constructor(options: BoardOptions) {
    this.#options = options;
  }

  /** Those of the nodes whose prices it does not keep, each once. */
  unknown(nodes: Iterable<string>): string[] {
    return [...new Set(nodes)].filter((node) => !this.#nodes.has(node));
  }

  /** From here on prices of these nodes count. */
  enter(unknown: readonly string[]): void {
    for (const node of unknown) {
      this.#nodes.set(node, new BoardNode(this.#options, () => this.#short.add(node)));
    }
  }

  /** Nodes whose prices are to be told once more, each once. From here on what comes of them counts. */
  takeShort(): string[] {
    const nodes = [...this.#short];
    this.#short.clear();
    return nodes;
  }

  /** A position as a change left it, at a node that was entered. */
  place(standing: StandingPosition, tell: Tell<Watcher>): void {
    const node = this.#nodes.get(standing.node);
    if (!node) throw new TypeError(`the node ${standing.node} was not entered`);
    const known = node.seats.get(standing.account);
    if (known && known.standing.seq >= standing.seq) return;
    const seat = known ?? this.#newSeat(standing, node);
    seat.settle(standing);
    for (const watcher of seat.watchers) tell(watcher, seat);
  }

  /** Prices that are told together, of whatever nodes: marks are compared when all are known. */
  prices(prices: readonly NodePrice[], tell: Tell<Watcher>): void {
    const nodes = new Set<BoardNode<Watcher>>();
    for (const price of prices) {
      const node = this.#nodes.get(price.node);
      node?.keep(price);
      if (node) nodes.add(node);
    }
    for (const node of nodes) {
      if (!node.isMarkedAnew()) continue;
      for (const seat of node.watched) for (const watcher of seat.watchers) tell(watcher, seat);
    }
  }

  /** Positions as they are, by account and node. */
  select(filter: PositionFilter): MarkedPosition[] {
    return this.#seats(filter).map((seat) => seat.marked);
  }

  /** From here on the watcher is told of changes. @returns what ends that. */
  watch(filter: PositionFilter, watcher: Watcher): () => void {
    const leaveInterests = this.#interests.add(filter, watcher);
    this.#watched.set(watcher, new Set());
    for (const seat of this.#seats(filter)) this.#sit(seat, watcher);
    return () => {
      leaveInterests();
      for (const seat of this.#watched.get(watcher) ?? []) leave(seat, watcher);
      this.#watched.delete(watcher);
    };
  }

  #newSeat(standing: StandingPosition, node: BoardNode<Watcher>): WatchedSeat<Watcher> {
    const seat = new WatchedSeat(standing, node);
    node.seats.set(standing.account, seat);
    const ofAccount = this.#accounts.get(standing.account) ?? new Set();
    this.#accounts.set(standing.account, ofAccount.add(seat));
    for (const watchers of this.#interests.wanted([standing]).keys()) {
      for (const watcher of watchers) this.#sit(seat, watcher);
    }
    return seat;
  }

  #sit(seat: WatchedSeat<Watcher>, watcher: Watcher): void {
    seat.watchers.add(watcher);
    seat.node.watched.add(seat);
    this.#watched.get(watcher)?.add(seat);
  }

  #seats(filter: PositionFilter): WatchedSeat<Watcher>[] {
    const wants = wantedBy(DESK_FACETS, filter);
    return [...this.#candidates(filter)].filter(({ standing }) => wants(standing)).sort(bySeat);
  }

  #candidates({ account, accounts, node }: PositionFilter): Iterable<WatchedSeat<Watcher>> {
    if (account !== undefined) return this.#accounts.get(account) ?? [];
    if (node !== undefined) return this.#nodes.get(node)?.seats.values() ?? [];
    return [...new Set(accounts ?? this.#accounts.keys())].flatMap((name) => [...(this.#accounts.get(name) ?? [])]);
  }
}

class BoardNode<Watcher> {
  /** By account. */
  readonly seats = new Map<string, WatchedSeat<Watcher>>();
  /** Of the seats those that somebody watches. */
  readonly watched = new Set<WatchedSeat<Watcher>>();
  readonly #options: BoardOptions;
  readonly #onShort: () => void;
  /** By run the newest of those whose time has come. */
  readonly #prices = new Map<MarketRun, RunPrice>();
  readonly #ahead = new Map<MarketRun, PricesAhead>();
  /** What positions here were marked at when watchers were last told of a price. */
  #told: RunPrice | undefined;

  /** @param onShort called where prices that lie ahead have to be told once more. */
  constructor(options: BoardOptions, onShort: () => void) {
    this.#options = options;
    this.#onShort = onShort;
  }

  /** What positions here are marked at now. */
  get mark(): RunPrice | undefined {
    const { runs, clock } = this.#options;
    const now = clock();
    for (const ahead of this.#ahead.values()) this.#settle(ahead.takeDue(now));
    return markPriceOf(this.#prices.values(), runs, now);
  }

  keep(price: RunPrice): void {
    if (this.#options.runs.includes(price.run)) this.#aheadOf(price.run).keep(price);
  }

  /** Whether positions here are marked at another price than when it was last asked, be it by one that came or by the clock. */
  isMarkedAnew(): boolean {
    const before = this.#told;
    this.#told = this.mark;
    return this.#told !== before;
  }

  #aheadOf(run: MarketRun): PricesAhead {
    const known = this.#ahead.get(run);
    if (known) return known;
    const ahead = new PricesAhead(this.#onShort);
    this.#ahead.set(run, ahead);
    return ahead;
  }

  #settle(due: RunPrice | undefined): void {
    if (!due) return;
    const known = this.#prices.get(due.run);
    if (!known || isNewerPrice(due, known)) this.#prices.set(due.run, due);
  }
}

class WatchedSeat<Watcher> implements Seat {
  readonly node: BoardNode<Watcher>;
  readonly watchers = new Set<Watcher>();
  #standing: StandingPosition;
  #held: HeldPosition | undefined;
  #marked: MarkedPosition | undefined;

  constructor(standing: StandingPosition, node: BoardNode<Watcher>) {
    this.#standing = standing;
    this.node = node;
  }

  get standing(): StandingPosition {
    return this.#standing;
  }

  settle(standing: StandingPosition): void {
    this.#standing = standing;
    this.#held = undefined;
    this.#marked = undefined;
  }

  /** The same object while nothing changed, so that what it comes to is calculated once. */
  get marked(): MarkedPosition {
    const { mark } = this.node;
    if (this.#marked && this.#marked.price === mark) return this.#marked;
    this.#held ??= heldPosition(this.#standing);
    this.#marked = new MarkedPosition(this.#standing, mark, this.#held);
    return this.#marked;
  }
}

function leave<Watcher>(seat: WatchedSeat<Watcher>, watcher: Watcher): void {
  seat.watchers.delete(watcher);
  if (seat.watchers.size === 0) seat.node.watched.delete(seat);
}

function bySeat<Watcher>({ standing: one }: WatchedSeat<Watcher>, { standing: other }: WatchedSeat<Watcher>): number {
  return compareText(one.account, other.account) || compareText(one.node, other.node);
}

function compareText(one: string, other: string): number {
  return one === other ? 0 : one < other ? -1 : 1;
}
