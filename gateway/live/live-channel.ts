import type { Channel, Channels } from '../../runtime/live-bus/live-bus.ts';
import type { Sameness } from './conflation.ts';
import type { Facet } from './interest-index.ts';
import type { LiveUpdate, UpdateShape } from './live-update.ts';

/** What the hub has to know of a channel of the bus to serve it. */
export interface LiveChannel<C extends Channel, Filter, Update extends LiveUpdate>
  extends UpdateShape<Channels[C], Update> {
  readonly channel: C;
  /** How filters ask for events, the most selective first; those that a filter asks by combine. */
  readonly facets: readonly Facet<Filter, Channels[C]>[];
  /** For LATEST; a channel without has EVERY only. */
  readonly sameness?: Sameness<Channels[C]>;
}
