/** What the parent of the bench and its servers and subscribers tell each other. */

/** To a server. */
export type ToServer = { readonly emit: number } | { readonly askMemory: true };

/** From a server. */
export type FromServer = { readonly port: number } | { readonly rssBytes: number };

/** To the subscribers: those that are to stall do; begin a measurement. */
export type ToSubscribers = { readonly stall: true } | { readonly measure: true };

/** From the subscribers. */
export type FromSubscribers =
  | { readonly subscribed: true }
  /** Every socket that reads has this update. */
  | { readonly have: number }
  | { readonly measured: Measured };

/** Since the last measurement, at the sockets that read. */
export interface Measured {
  readonly frames: number;
  readonly updates: number;
  readonly latenciesMs: readonly number[];
  /** Updates that a socket never had. */
  readonly missing: number;
  readonly closed: number;
}

export const TICKS = 10;

export const QUERY =
  'subscription { lmp(run: REAL_TIME_5_MIN) { cursor ticks { node { id } start revision lmp energy congestion loss } } }';

/** Update `number`, made now: its time stands in `start`, its number in `revision`. */
export function ticksOf(number: number, now: number) {
  return Array.from({ length: TICKS }, (_, at) => ({
    node: `PJM:NODE-${at}`,
    startAt: now,
    lmp: 30 + ((number * TICKS + at) % 1_000) / 100,
    revision: number,
  }));
}
