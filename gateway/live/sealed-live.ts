import { BusbarError, isBusbarError } from '../../domain/errors.ts';
import { type Rights, rightsKey } from '../../domain/rights.ts';
import type { Live, LmpUpdate } from '../../schema/context.ts';
import type { Seal } from '../cursors/cursor-seal.ts';
import { filterKey } from './filter-key.ts';
import type { LiveHub } from './hub.ts';
import type { LiveUpdate, Placed } from './live-update.ts';
import { lmpOpening } from './lmp-opening.ts';
import type { Opening, OpeningSource } from './opening.ts';
import type { PlacedSnapshot, ReadSnapshot } from './snapshots.ts';
import type { Subscription } from './subscription.ts';

/**
 * The hub as clients of certain rights may ask it. Its cursors are places on the bus: what leaves here is sealed for the field, the
 * filter and the rights, and what comes back is opened. All who share their rights share their events, and so their cursors. How it is delivered is not bound: whoever fell behind may go on with LATEST.
 * @throws BusbarError `BAD_USER_INPUT` where a cursor was not given out for this.
 */
export function createSealedLive(
  hub: LiveHub,
  seal: Seal,
  readSnapshot: ReadSnapshot,
  rights: Rights,
): Pick<Live, 'lmp' | 'trades' | 'forecasts' | 'pnl'> {
  const boundTo = (field: string, filter: object) => seal.boundTo(cursorBinding(rights, field, filter));
  return {
    lmp(filter, delivery, after, snapshot) {
      const bound = boundTo('lmp', filter);
      const updates = hub.lmp(filter, delivery, after === undefined ? undefined : bound.open(after));
      if (!snapshot || after !== undefined) return new SealedUpdates(updates, bound.seal);
      return new OpeningUpdates(updates, bound.seal, () => readSnapshot(filter));
    },
    trades(filter, after) {
      const bound = boundTo('trades', filter);
      return new SealedUpdates(hub.trades(filter, after === undefined ? undefined : bound.open(after)), bound.seal);
    },
    forecasts(filter, delivery, after) {
      const bound = boundTo('forecasts', filter);
      const opened = after === undefined ? undefined : bound.open(after);
      return new SealedUpdates(hub.forecasts(filter, delivery, opened), bound.seal);
    },
    pnl(filter, delivery, after) {
      const bound = boundTo('pnl', filter);
      const opened = after === undefined ? undefined : bound.open(after);
      return new SealedUpdates(hub.pnl(filter, delivery, opened), bound.seal);
    },
  };
}

/** What a cursor is good for. */
export function cursorBinding(rights: Rights, field: string, filter: object): string {
  return [rightsKey(rights), field, filterKey(filter)].join(' ');
}

/** The hub's updates under cursors for the client. Errors that tell where to resume tell it so too. */
class SealedUpdates<Update extends LiveUpdate> implements AsyncIterableIterator<Update, undefined>, Placed {
  readonly #place: Partial<Placed>;
  readonly #updates: AsyncIterator<Update, undefined>;
  readonly #seal: (cursor: string) => string;

  constructor(updates: AsyncIterable<Update, undefined> & Partial<Placed>, seal: (cursor: string) => string) {
    this.#place = updates;
    this.#updates = updates[Symbol.asyncIterator]();
    this.#seal = seal;
  }

  get beginning(): string | undefined {
    const { beginning } = this.#place;
    return beginning && this.#seal(beginning);
  }

  get isCatchingUp(): boolean {
    return this.#place.isCatchingUp ?? false;
  }

  get isUpToDate(): boolean {
    return this.#place.isUpToDate ?? false;
  }

  get head(): string | undefined {
    const { head } = this.#place;
    return head && this.#seal(head);
  }

  async next(): Promise<IteratorResult<Update, undefined>> {
    try {
      const { done, value } = await this.#updates.next();
      if (done) return { done, value: undefined };
      return { done: false, value: { ...value, cursor: this.#seal(value.cursor) } };
    } catch (error) {
      throw this.#sealed(error);
    }
  }

  async return(): Promise<IteratorResult<Update, undefined>> {
    await this.#updates.return?.();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #sealed(error: unknown): unknown {
    if (!isBusbarError(error) || typeof error.details.cursor !== 'string') return error;
    const details = { ...error.details, cursor: this.#seal(error.details.cursor) };
    return new BusbarError(error.code, error.message, { cause: error, details });
  }
}

/** Prices whose every subscriber begins with how they stand. */
class OpeningUpdates extends SealedUpdates<LmpUpdate> implements OpeningSource {
  readonly #read: () => Promise<PlacedSnapshot>;
  readonly #sealHead: (cursor: string) => string;
  /** Whoever was given the same snapshot is given the same opening. */
  readonly #openings = new WeakMap<PlacedSnapshot, Opening>();
  readonly #given: Subscription<LmpUpdate, LmpUpdate>;

  constructor(
    updates: Subscription<LmpUpdate, LmpUpdate>,
    seal: (cursor: string) => string,
    read: () => Promise<PlacedSnapshot>,
  ) {
    super(updates, seal);
    this.#given = updates;
    this.#read = read;
    this.#sealHead = seal;
  }

  async opening(): Promise<Opening> {
    const placed = await this.#read();
    const opening = this.#openings.get(placed) ?? lmpOpening(placed, this.#sealHead(placed.head));
    this.#openings.set(placed, opening);
    return opening;
  }

  drained(): Promise<boolean> {
    return this.#given.stream.drained();
  }
}
