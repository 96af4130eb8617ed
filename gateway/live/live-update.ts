/** Events that belong together, with the cursor to go on after them. */
export interface LiveUpdate {
  readonly cursor: string;
}

/** How updates of one kind are put together and taken apart; each kind has a name of its own for its events. */
export interface UpdateShape<Event, Update extends LiveUpdate> {
  readonly update: (cursor: string, events: readonly Event[]) => Update;
  readonly eventsIn: (update: Update) => readonly Event[];
}
