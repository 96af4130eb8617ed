import type { StoredLmp } from '../../domain/lmp.ts';

/**
 * The live bus carries what was committed to whoever listens now.
 *
 * - A **channel** is one ordered stream of entries (`lmp`).
 * - An **entry** has an id that the bus assigns, ever growing within the channel. The id is the cursor.
 * - A **source** is who announces: one (feed, partition). Its announcements carry a growing sequence, and the bus takes each
 *   source's ids in growing order only. Announcing one twice is therefore without effect, which is what lets a
 *   restarted ingestor announce again whatever it is not sure of.
 * - The bus keeps a bounded **window** of entries. A cursor that fell out of it is answered with `CURSOR_EXPIRED`.
 */
export interface LiveBus {
  /**
   * Appends the entries of one announcement, all or none, in order.
   * @returns false where this source has announced this sequence, or a later one, before.
   */
  announce(channel: Channel, announcement: Announcement): Promise<boolean>;

  /** The last sequence the bus holds from a source; undefined where it never heard of it (or was wiped). */
  lastAnnounced(channel: Channel, source: string): Promise<number | undefined>;

  /**
   * Entries after a cursor, then new ones as they come, until the signal aborts. Entries come in arrays as the bus
   * hands them over. `after: undefined` begins at the present end.
   * @throws BusbarError `CURSOR_EXPIRED` where entries after the cursor may have left the window (also later, to a reader that fell behind the window),
   *   `BAD_USER_INPUT` where the cursor is not one of this bus, `UNAVAILABLE` where the bus cannot be reached.
   */
  read(channel: Channel, after: string | undefined, signal: AbortSignal): AsyncIterable<readonly LiveEntry[]>;

  /** The id of the newest entry: where "now" is. A reader given this cursor sees exactly what comes later. */
  tail(channel: Channel): Promise<string>;

  /** Resolves while the bus answers. @throws BusbarError `UNAVAILABLE` */
  ping(): Promise<void>;

  close(): Promise<void>;
}

export type Channel = 'lmp';

export interface Announcement {
  readonly source: string;
  /** Grows with each announcement of the source; the announcer makes it from ledger ids. */
  readonly sequence: number;
  /** What becomes one entry each. */
  readonly batches: readonly (readonly LmpTick[])[];
}

export interface LiveEntry {
  readonly id: string;
  readonly ticks: readonly LmpTick[];
}

/** One committed price as it travels on the bus. */
export type LmpTick = StoredLmp;

/** How much of a channel the bus keeps; whichever bound is reached first. */
export interface Window {
  readonly entriesMax: number;
  readonly ageMsMax: number;
}
