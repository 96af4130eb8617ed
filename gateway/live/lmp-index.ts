import type { LiveEntry, LmpTick } from '../../runtime/live-bus/live-bus.ts';
import type { LmpFilter, LmpUpdate } from '../../schema/context.ts';

export type Receiver = (update: LmpUpdate) => void;

/**
 * Who wants which ticks. Receivers with the same filter share one **interest**, and an interest is found from the node,
 * else from the market, so that an entry costs its ticks and the receivers it concerns, not all there are.
 */
export class LmpIndex {
  readonly #interests = new Map<string, Interest>();
  readonly #byNode = new Map<string, Set<Interest>>();
  readonly #byMarket = new Map<string, Set<Interest>>();
  readonly #inEverything = new Set<Interest>();

  /** @returns what removes the receiver again. */
  add(filter: LmpFilter, receiver: Receiver): () => void {
    const key = JSON.stringify([filter.nodes && [...new Set(filter.nodes)].sort(), filter.market, filter.run]);
    const interest = this.#interests.get(key) ?? this.#enter(key, filter);
    interest.receivers.add(receiver);
    return () => {
      interest.receivers.delete(receiver);
      if (interest.receivers.size === 0) this.#leave(key, interest);
    };
  }

  dispatch(entry: LiveEntry<LmpTick>): void {
    const wanted = new Map<Interest, LmpTick[]>();
    for (const tick of entry.events) {
      for (const interests of this.#candidates(tick)) {
        for (const interest of interests) if (matches(interest.filter, tick)) collect(wanted, interest, tick);
      }
    }
    for (const [{ receivers }, ticks] of wanted) {
      const update = { cursor: entry.id, ticks };
      for (const receive of receivers) receive(update);
    }
  }

  #candidates(tick: LmpTick): Iterable<Interest>[] {
    return [this.#byNode.get(tick.node) ?? [], this.#byMarket.get(marketIn(tick.node)) ?? [], this.#inEverything];
  }

  #enter(key: string, filter: LmpFilter): Interest {
    const interest = { filter, receivers: new Set<Receiver>() };
    this.#interests.set(key, interest);
    for (const place of this.#placesOf(filter)) place.add(interest);
    return interest;
  }

  #leave(key: string, interest: Interest): void {
    this.#interests.delete(key);
    for (const place of this.#placesOf(interest.filter)) place.delete(interest);
    for (const node of interest.filter.nodes ?? []) if (this.#byNode.get(node)?.size === 0) this.#byNode.delete(node);
  }

  #placesOf({ nodes, market }: LmpFilter): Set<Interest>[] {
    if (nodes) return nodes.map((node) => placeIn(this.#byNode, node));
    return [market === undefined ? this.#inEverything : placeIn(this.#byMarket, market)];
  }
}

/** Makes of an entry what a filter wants of it; undefined where that is nothing. */
export function updatesOf(filter: LmpFilter): (entry: LiveEntry<LmpTick>) => LmpUpdate | undefined {
  const nodes = filter.nodes && new Set(filter.nodes);
  return (entry) => {
    const ticks = entry.events.filter((tick) => (nodes?.has(tick.node) ?? true) && matches(filter, tick));
    return ticks.length > 0 ? { cursor: entry.id, ticks } : undefined;
  };
}

interface Interest {
  readonly filter: LmpFilter;
  readonly receivers: Set<Receiver>;
}

/** What the place in the index does not say yet. */
function matches({ market, run }: LmpFilter, tick: LmpTick): boolean {
  return (run === undefined || run === tick.run) && (market === undefined || market === marketIn(tick.node));
}

function marketIn(node: string): string {
  return node.slice(0, node.indexOf(':'));
}

function collect(wanted: Map<Interest, LmpTick[]>, interest: Interest, tick: LmpTick): void {
  const ticks = wanted.get(interest);
  if (ticks) ticks.push(tick);
  else wanted.set(interest, [tick]);
}

function placeIn(places: Map<string, Set<Interest>>, key: string): Set<Interest> {
  const place = places.get(key) ?? new Set();
  places.set(key, place);
  return place;
}
