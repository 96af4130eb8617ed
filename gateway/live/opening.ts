/**
 * What a subscriber is told first, where a subscription begins with how things stand, and which of the events that are passed to it
 * from its joining on are in that already.
 */
export interface Opening {
  /** The first event. Its cursor lies before everything that it may not hold. */
  readonly event: object;
  /** @returns the event itself where nothing of it was told by the first; less of it, or undefined, where something was. */
  beyond(event: unknown): unknown;
}

/** A source of events whose every subscriber begins with an opening. */
export interface OpeningSource {
  /** To be asked when the subscriber is given events already. Askers of the same moment may get the same opening. */
  opening(): Promise<Opening>;
}

export function isOpeningSource(source: object): source is OpeningSource {
  return 'opening' in source && typeof source.opening === 'function';
}
