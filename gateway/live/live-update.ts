/** Events that belong together, with the cursor to go on after them. */
export interface LiveUpdate {
  readonly cursor: string;
}

/** Updates that follow a place. */
export interface Placed {
  /** The cursor for whoever has been given none of them; undefined where there is no such place, or not yet. */
  readonly beginning: string | undefined;
  /** Whether those are given that came before somebody asked, as fast as they are taken. */
  readonly isCatchingUp: boolean;
  /** Whether all there is of them has been given: what is given next is yet to come. */
  readonly isUpToDate: boolean;
  /**
   * The cursor for whoever has been given all of them, and waits for more: it may lie far behind the last update, behind everything
   * that concerned others since. Undefined where more is on its way.
   */
  readonly head: string | undefined;
}

export function isPlaced(source: object): source is Placed {
  return 'beginning' in source;
}

/** How updates of one kind are put together and taken apart; each kind has a name of its own for its events. */
export interface UpdateShape<Event, Update extends LiveUpdate> {
  readonly update: (cursor: string, events: readonly Event[]) => Update;
  readonly eventsIn: (update: Update) => readonly Event[];
}
