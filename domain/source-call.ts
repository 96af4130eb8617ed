/** How a call to a source ended, as operators tell troubles apart. */
export const CALL_OUTCOMES = [
  /** It brought what was asked for. */
  'OK',
  /** The source has nothing there, or not yet, and says so. Not a failure. */
  'NO_DATA',
  /** The source asks us to slow down. */
  'THROTTLED',
  /** It does not know us, or no longer: key, password, token. */
  'AUTH',
  /** It refuses the request for another reason: a 4xx that a further try would meet as well. */
  'REFUSED',
  /** What came is not in the format it promises: a page with status 200, half of a file, other columns. */
  'MALFORMED',
  /** No whole answer within the time it is given. */
  'TIMEOUT',
  /** It says itself that it failed: a 5xx. */
  'SERVER_ERROR',
  /** No connection, or one that broke. */
  'NETWORK',
] as const;

export type CallOutcome = (typeof CALL_OUTCOMES)[number];

/** Whom the feeds ask, as people say it, by name. */
export const SOURCES: readonly string[] = ['CAISO', 'CKW', 'ERCOT', 'ISO-NE', 'MISO', 'NYISO', 'PJM', 'SPP'];

/** The same for a source however it is written, and for every feed that asks it: `isone` of `ISO-NE` and of the feed `isone-lmp`. */
export function sourceKey(source: string): string {
  return source.toLowerCase().replace(/[^a-z0-9]/g, '');
}

/** The key of the source that a feed asks: its id begins with it. */
export function sourceKeyOfFeed(feed: string): string {
  return sourceKey(feed.split('-', 1)[0] ?? feed);
}

/** One try of one request to a source. */
export interface SourceCall {
  /** Whose it is, as people say it: `PJM`. */
  readonly source: string;
  /** What of the source was asked, without what differs from call to call: `da_hrl_lmps`, `login`. */
  readonly endpoint: string;
  /** When it was asked, milliseconds UTC. */
  readonly at: number;
  /** From asking to the last byte, or to giving up. Waiting for a turn is not part of it. */
  readonly latencyMs: number;
  readonly outcome: CallOutcome;
  /** The HTTP status; undefined where none came. */
  readonly status: number | undefined;
  /** The length of the body, as far as it came. */
  readonly bytes: number;
  /** One line for people, without secrets; undefined where it is `OK` or `NO_DATA`. */
  readonly error: string | undefined;
}

/** Whether the source did its part: "no data" is an answer, too. */
export function isAnswered(outcome: CallOutcome): boolean {
  return outcome === 'OK' || outcome === 'NO_DATA';
}
