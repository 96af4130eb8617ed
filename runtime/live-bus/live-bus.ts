import type { ModelForecast } from '../../domain/forecast.ts';
import type { StoredLmp } from '../../domain/lmp.ts';
import type { MarketRun } from '../../domain/market-run.ts';
import type { PositionJson } from '../../domain/position.ts';
import type { Trade } from '../../domain/trade.ts';

/**
 * The live bus carries what was committed to whoever listens now.
 *
 * - A **channel** is one ordered stream of entries (`lmp`, `trades`, `positions`, `forecasts`), each with events of its one
 *   kind. Channels share nothing: neither ids nor sequences nor windows.
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
  announce<C extends Channel>(channel: C, announcement: Announcement<Channels[C]>): Promise<boolean>;

  /** The last sequence the bus holds from a source; undefined where it never heard of it (or was wiped). */
  lastAnnounced(channel: Channel, source: string): Promise<number | undefined>;

  /**
   * Told by an announcer what it knows from elsewhere: that the source has announced this sequence. Where the bus knows the
   * source but holds less of it, it came back from an older state: it begins anew, and every cursor given out expires. What
   * the bus itself has said it took in this process it checks without being told.
   */
  expectAnnounced(channel: Channel, source: string, sequence: number): Promise<void>;

  /**
   * Entries after a cursor, then new ones as they come, until the signal aborts. Entries come in arrays as the bus
   * hands them over. `after: undefined` begins at the present end.
   * @throws BusbarError `CURSOR_EXPIRED` where entries after the cursor may have left the window (also later, to a reader that fell behind the window),
   *   and for a cursor of another channel, `BAD_USER_INPUT` where the cursor is not one of this bus, `UNAVAILABLE` where the bus cannot be reached.
   */
  read<C extends Channel>(
    channel: C,
    after: string | undefined,
    signal: AbortSignal,
  ): AsyncIterable<readonly LiveEntry<Channels[C]>[]>;

  /** The id of the newest entry: where "now" is. A reader given this cursor sees exactly what comes later. */
  tail(channel: Channel): Promise<string>;

  /** Resolves while the bus answers. @throws BusbarError `UNAVAILABLE` */
  ping(): Promise<void>;

  close(): Promise<void>;
}

/** What travels on each channel. */
export interface Channels {
  readonly lmp: LmpTick;
  readonly trades: TradeEvent;
  readonly positions: PositionEvent;
  readonly forecasts: ForecastEvent;
}

export type Channel = keyof Channels;

export interface Announcement<Event> {
  readonly source: string;
  /** Grows with each announcement of the source; the announcer makes it from ledger ids. */
  readonly sequence: number;
  /** What becomes one entry each. */
  readonly batches: readonly (readonly Event[])[];
}

export interface LiveEntry<Event> {
  readonly id: string;
  readonly events: readonly Event[];
}

/** One committed price as it travels on the bus. */
export type LmpTick = StoredLmp;

/** One committed version of a trade as it travels on the bus. Decimals are exact, as text. */
export interface TradeEvent extends Omit<Trade, 'node' | 'mw' | 'price'> {
  /** `MARKET:NAME` */
  readonly node: string;
  readonly mw: string;
  readonly price: string;
  readonly ledgerId: number;
  /** When it was committed: milliseconds UTC. */
  readonly recordedAt: number;
}

/** A position as a commit left it. A trade that is amended to another account or node changes two. */
export interface PositionEvent {
  readonly account: string;
  /** `MARKET:NAME` */
  readonly node: string;
  /** Grows with each change of the position: the highest is how it stands, in whatever order they come. */
  readonly seq: number;
  readonly position: Omit<PositionJson, 'oldest'>;
  readonly ledgerId: number;
  /** When it was committed: milliseconds UTC. */
  readonly recordedAt: number;
}

/** What is forecast of the price that comes after one. */
export interface ForecastEvent {
  /** `MARKET:NAME` */
  readonly node: string;
  readonly run: MarketRun;
  /** Start of the interval of the last price, milliseconds UTC. */
  readonly lastAt: number;
  readonly lastPrice: number;
  readonly models: readonly ModelForecast[];
  readonly ledgerId: number;
}

/** How much of a channel the bus keeps; whichever bound is reached first. */
export interface Window {
  readonly entriesMax: number;
  readonly ageMsMax: number;
}
