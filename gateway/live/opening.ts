/** What a subscriber is told first, where a subscription begins with how things stand. */
export interface Opening {
  /** The first event. Its cursor lies before everything that it may not hold. */
  readonly event: object;
  /** It is kept for longer than the event, which may be large. */
  readonly told: Told;
}

/** Which of the events that are passed to a subscriber from its joining on were told by the first. */
export interface Told {
  /** @returns the event itself where nothing of it was told by the first; less of it, or undefined, where something was. */
  beyond(event: unknown): unknown;
  /**
   * @param then called when the source has been given everything that the first told: what it is given later is all beyond.
   * @returns what takes it back.
   */
  whenPassed(then: () => void): () => void;
}

/** A source of events whose every subscriber begins with an opening. */
export interface OpeningSource {
  /** To be asked when the subscriber is given events already. Askers of the same moment may get the same opening. */
  opening(): Promise<Opening>;
  /** Resolves when all that the source has been given was taken from it, and more is asked for; with false where it ended. */
  drained(): Promise<boolean>;
}

export function isOpeningSource(source: object): source is OpeningSource {
  return 'opening' in source && typeof source.opening === 'function';
}
