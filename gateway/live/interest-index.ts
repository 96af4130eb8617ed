/** One side from which events are asked for: by node, by market, by account. */
export interface Facet<Filter, Event> {
  /** Undefined: the filter asks for any. */
  readonly asked: (filter: Filter) => readonly string[] | undefined;
  readonly of: (event: Event) => string;
}

/**
 * Who wants which events. Receivers with the same filter share one **interest**, and an interest is found from the first facet
 * that its filter asks by, so that events cost themselves and the receivers they concern, not all there are.
 */
export class InterestIndex<Filter, Event, Receiver> {
  readonly #facets: readonly Facet<Filter, Event>[];
  readonly #interests = new Map<string, Interest<Event, Receiver>>();
  /** One a facet: from a value to the interests that are found there. */
  readonly #places: readonly Place<Event, Receiver>[];
  readonly #inEverything = new Set<Interest<Event, Receiver>>();

  /** @param facets the most selective first. */
  constructor(facets: readonly Facet<Filter, Event>[]) {
    this.#facets = facets;
    this.#places = facets.map((facet) => ({ of: facet.of, interests: new Map() }));
  }

  /** @returns what removes the receiver again. */
  add(filter: Filter, receiver: Receiver): () => void {
    const key = JSON.stringify(this.#facets.map((facet) => sortedOnce(facet.asked(filter))));
    const interest = this.#interests.get(key) ?? this.#enter(key, filter);
    interest.receivers.add(receiver);
    return () => {
      interest.receivers.delete(receiver);
      if (interest.receivers.size === 0) this.#leave(key, interest, filter);
    };
  }

  /** What each group of receivers wants of these events, in their order; those of one group want the same. */
  wanted(events: readonly Event[]): Map<ReadonlySet<Receiver>, Event[]> {
    const wanted = new Map<ReadonlySet<Receiver>, Event[]>();
    for (const event of events) {
      for (const { of, interests } of this.#places) {
        if (interests.size > 0) collect(wanted, interests.get(of(event)), event);
      }
      if (this.#inEverything.size > 0) collect(wanted, this.#inEverything, event);
    }
    return wanted;
  }

  #enter(key: string, filter: Filter): Interest<Event, Receiver> {
    const found = this.#facetOf(filter);
    const rest = this.#facets.filter((_, at) => at !== found);
    const interest = { wants: wantedBy(rest, filter), receivers: new Set<Receiver>() };
    this.#interests.set(key, interest);
    const place = this.#places[found];
    if (!place) this.#inEverything.add(interest);
    for (const value of this.#facets[found]?.asked(filter) ?? []) {
      const interests = place?.interests.get(value) ?? new Set();
      interests.add(interest);
      place?.interests.set(value, interests);
    }
    return interest;
  }

  #leave(key: string, interest: Interest<Event, Receiver>, filter: Filter): void {
    this.#interests.delete(key);
    this.#inEverything.delete(interest);
    const found = this.#facetOf(filter);
    for (const value of this.#facets[found]?.asked(filter) ?? []) {
      const interests = this.#places[found]?.interests;
      interests?.get(value)?.delete(interest);
      if (interests?.get(value)?.size === 0) interests.delete(value);
    }
  }

  /** -1: the filter asks for everything. */
  #facetOf(filter: Filter): number {
    return this.#facets.findIndex(({ asked }) => asked(filter) !== undefined);
  }
}

/** Whether a filter wants an event. */
export function wantedBy<Filter, Event>(
  facets: readonly Facet<Filter, Event>[],
  filter: Filter,
): (event: Event) => boolean {
  const tests = facets.flatMap(({ asked, of }) => {
    const values = asked(filter);
    if (!values) return [];
    const [only] = values;
    if (values.length === 1) return [(event: Event) => of(event) === only];
    const among = new Set(values);
    return [(event: Event) => among.has(of(event))];
  });
  return tests.length > 1 ? (event) => tests.every((test) => test(event)) : (tests[0] ?? (() => true));
}

interface Interest<Event, Receiver> {
  /** What the place in the index does not say yet. */
  readonly wants: (event: Event) => boolean;
  readonly receivers: Set<Receiver>;
}

interface Place<Event, Receiver> {
  readonly of: (event: Event) => string;
  readonly interests: Map<string, Set<Interest<Event, Receiver>>>;
}

function collect<Event, Receiver>(
  wanted: Map<ReadonlySet<Receiver>, Event[]>,
  interests: Iterable<Interest<Event, Receiver>> | undefined,
  event: Event,
): void {
  if (!interests) return;
  for (const { wants, receivers } of interests) {
    if (!wants(event)) continue;
    const events = wanted.get(receivers);
    if (events) events.push(event);
    else wanted.set(receivers, [event]);
  }
}

function sortedOnce(values: readonly string[] | undefined): readonly string[] | undefined {
  return values && [...new Set(values)].sort();
}
