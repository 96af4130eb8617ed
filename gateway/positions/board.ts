import { isMarkable, isNewerPrice, markPriceOf, type RunPrice } from '../../domain/mark-price.ts';
import type { MarketRun } from '../../domain/market-run.ts';
import type { PositionFilter } from '../../schema/trading-rows.ts';
import { DESK_FACETS } from '../live/desk-facets.ts';
import { InterestIndex, wantedBy } from '../live/interest-index.ts';
import { MarkedPosition } from './marked-position.ts';
import type { StandingPosition } from './position-row.ts';
import type { NodePrice } from './positions-source.ts';

export interface BoardOptions {
  /** By which positions are marked, in the order of preference. */
  readonly runs: readonly MarketRun[];
  /** Milliseconds UTC. */
  readonly clock: () => number;
}

/** What each watcher has to be told, in order. */
export type Changes<Watcher> = Map<Watcher, MarkedPosition[]>;

/**
 * Every position, the prices of the nodes where there are any, and who watches which.
 *
 * Positions of one node **sit** there together: a price goes to the node, and from there to those of its seats that somebody
 * watches. It knows nothing of the bus and the store, and may be told the same thing twice: of a position the highest `seq`
 * counts, of a run the newest price.
 */
export class Board<Watcher> {
  readonly #options: BoardOptions;
  readonly #nodes = new Map<string, BoardNode<Watcher>>();
  readonly #accounts = new Map<string, Set<Seat<Watcher>>>();
  readonly #interests = new InterestIndex<PositionFilter, StandingPosition, Watcher>(DESK_FACETS);
  readonly #watched = new Map<Watcher, Set<Seat<Watcher>>>();

  constructor(options: BoardOptions) {
    this.#options = options;
  }

  /** Those of the nodes whose prices it does not keep, each once. */
  unknown(nodes: Iterable<string>): string[] {
    return [...new Set(nodes)].filter((node) => !this.#nodes.has(node));
  }

  /** From here on prices of these nodes count. */
  enter(unknown: readonly string[]): void {
    for (const node of unknown) this.#nodes.set(node, { prices: new Map(), seats: new Map(), watched: new Set() });
  }

  /** A position as a change left it, at a node that was entered. */
  place(standing: StandingPosition, changes: Changes<Watcher>): void {
    const node = this.#nodes.get(standing.node);
    if (!node) throw new TypeError(`the node ${standing.node} was not entered`);
    const known = node.seats.get(standing.account);
    if (known && known.standing.seq >= standing.seq) return;
    const seat = known ?? this.#newSeat(standing, node);
    seat.standing = standing;
    this.#collect(seat, this.#markOf(node), changes);
  }

  /** A price, of whatever node. */
  price(price: NodePrice, changes: Changes<Watcher>): void {
    const node = this.#nodes.get(price.node);
    const { runs, clock } = this.#options;
    if (!node || !runs.includes(price.run) || !isMarkable(price.startAt, clock())) return;
    const known = node.prices.get(price.run);
    if (known && !isNewerPrice(price, known)) return;
    const before = this.#markOf(node);
    node.prices.set(price.run, price);
    const mark = this.#markOf(node);
    if (mark !== before) for (const seat of node.watched) this.#collect(seat, mark, changes);
  }

  /** Positions as they are, by account and node. */
  select(filter: PositionFilter): MarkedPosition[] {
    return this.#seats(filter).map((seat) => marked(seat, this.#markOf(seat.node)));
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

  #newSeat(standing: StandingPosition, node: BoardNode<Watcher>): Seat<Watcher> {
    const seat: Seat<Watcher> = { standing, node, watchers: new Set(), marked: undefined };
    node.seats.set(standing.account, seat);
    const ofAccount = this.#accounts.get(standing.account) ?? new Set();
    this.#accounts.set(standing.account, ofAccount.add(seat));
    for (const watchers of this.#interests.wanted([standing]).keys()) {
      for (const watcher of watchers) this.#sit(seat, watcher);
    }
    return seat;
  }

  #sit(seat: Seat<Watcher>, watcher: Watcher): void {
    seat.watchers.add(watcher);
    seat.node.watched.add(seat);
    this.#watched.get(watcher)?.add(seat);
  }

  #collect(seat: Seat<Watcher>, mark: RunPrice | undefined, changes: Changes<Watcher>): void {
    if (seat.watchers.size === 0) return;
    const position = marked(seat, mark);
    for (const watcher of seat.watchers) {
      const positions = changes.get(watcher);
      if (positions) positions.push(position);
      else changes.set(watcher, [position]);
    }
  }

  #markOf({ prices }: BoardNode<Watcher>): RunPrice | undefined {
    return markPriceOf(prices.values(), this.#options.runs, this.#options.clock());
  }

  #seats(filter: PositionFilter): Seat<Watcher>[] {
    const wants = wantedBy(DESK_FACETS, filter);
    return [...this.#candidates(filter)].filter(({ standing }) => wants(standing)).sort(bySeat);
  }

  #candidates({ account, accounts, node }: PositionFilter): Iterable<Seat<Watcher>> {
    if (account !== undefined) return this.#accounts.get(account) ?? [];
    if (node !== undefined) return this.#nodes.get(node)?.seats.values() ?? [];
    return [...new Set(accounts ?? this.#accounts.keys())].flatMap((name) => [...(this.#accounts.get(name) ?? [])]);
  }
}

interface BoardNode<Watcher> {
  /** The newest by run. */
  readonly prices: Map<MarketRun, RunPrice>;
  /** By account. */
  readonly seats: Map<string, Seat<Watcher>>;
  /** Of the seats those that somebody watches. */
  readonly watched: Set<Seat<Watcher>>;
}

interface Seat<Watcher> {
  standing: StandingPosition;
  readonly node: BoardNode<Watcher>;
  readonly watchers: Set<Watcher>;
  marked: MarkedPosition | undefined;
}

/** The same object while nothing changed, so that what it comes to is calculated once. */
function marked<Watcher>(seat: Seat<Watcher>, mark: RunPrice | undefined): MarkedPosition {
  const { standing, marked: known } = seat;
  if (known?.standing === standing && known.price === mark) return known;
  seat.marked = new MarkedPosition(standing, mark);
  return seat.marked;
}

function leave<Watcher>(seat: Seat<Watcher>, watcher: Watcher): void {
  seat.watchers.delete(watcher);
  if (seat.watchers.size === 0) seat.node.watched.delete(seat);
}

function bySeat<Watcher>({ standing: one }: Seat<Watcher>, { standing: other }: Seat<Watcher>): number {
  return compareText(one.account, other.account) || compareText(one.node, other.node);
}

function compareText(one: string, other: string): number {
  return one === other ? 0 : one < other ? -1 : 1;
}
