/** The lots of positions by FIFO: of the trades that are kept those that are still open. */
import type { Decimal } from '../../../domain/money.ts';
import { lotsOf, type OpenLots } from '../../../domain/open-lots.ts';
import { mostClosedBy, type Position } from '../../../domain/position.ts';
import { compareTrades, type Trade, type TradeKey } from '../../../domain/trade.ts';
import type { Queryable } from '../../../prisma/queryable.ts';
import { COUNTED, type CountedTexts, countedFrom, PLACES, type PositionId, placesOf } from './counted-trades.ts';

/** Most trades close part of a lot or a few; whatever closes more reads on by the thousand. */
const FIRST_PAGE = 20;
const PAGE = 2_000;

/** A position to which trades are to be applied, and what is at hand of its lots. */
export interface Closing extends PositionId {
  readonly position: Position;
  readonly trades: readonly Trade[];
  readonly lots: OpenLots;
}

/** Brings as many lots to hand as the trades need. Positions by average cost need none. */
export async function bringLots(client: Queryable, closings: readonly Closing[]): Promise<void> {
  const wanting = closings.map((each) => new Want(each)).filter((each) => each.isOpen);
  for (let open = wanting, page = FIRST_PAGE; open.length > 0; open = open.filter((each) => each.isOpen), page = PAGE) {
    const pages = await pagesOfLots(client, open, page);
    for (const [index, each] of open.entries()) each.bring(pages.get(index + 1) ?? []);
  }
}

class Want {
  readonly closing: Closing;
  readonly #most: Decimal;

  constructor(closing: Closing) {
    this.closing = closing;
    this.#most = mostClosedBy(closing.trades, closing.position);
  }

  /** More than what is closed has to be at hand, or all there is. */
  get isOpen(): boolean {
    const { position, lots } = this.closing;
    if (!position.oldest || this.#most.sign === 0 || lots.held.minus(position.quantity).sign === 0) return false;
    return lots.held.abs().minus(this.#most).sign <= 0;
  }

  /** The trade that more lots are looked for from. */
  get from(): TradeKey | null {
    return this.closing.lots.newest ?? this.closing.position.oldest ?? null;
  }

  /** @param trades from there on, the first of them the one that is at hand already where any is. */
  bring(trades: readonly Trade[]): void {
    const { lots, position } = this.closing;
    const { newest } = lots;
    const further = newest ? trades.filter((trade) => compareTrades(trade, newest) > 0) : trades;
    if (!position.oldest || further.length === 0) {
      throw new TypeError(`a position of ${position.quantity} has lots of ${lots.held}`);
    }
    for (const lot of lotsOf(position.oldest, further)) lots.add(lot);
  }
}

async function pagesOfLots(client: Queryable, wants: readonly Want[], page: number): Promise<Map<number, Trade[]>> {
  const closings = wants.map(({ closing }) => closing);
  const { rows } = await client.query<CountedTexts>({
    name: 'lots-at-hand',
    text: LOTS,
    values: [
      ...placesOf(wants.map(({ closing, from }) => ({ ...closing, at: from }))),
      closings.map(({ position }) => position.last?.ts),
      closings.map(({ position }) => position.last?.tradeId),
      closings.map(({ position }) => (position.quantity.sign > 0 ? 'BUY' : 'SELL')),
      page,
    ],
  });
  return countedFrom(rows);
}

/** No trade behind the last that was applied: while a position is worked out anew, later ones are there already. */
const LOTS = `
  SELECT asked.place, lot.*
  FROM (
    SELECT asked.*, to_timestamp(last_ts / 1000.0) AS last_ts, last_trade_id, side
    FROM ${PLACES}
    JOIN unnest($5::float8[], $6::text[], $7::trade_side[]) WITH ORDINALITY AS u(last_ts, last_trade_id, side, place) USING (place)
  ) AS asked
  CROSS JOIN LATERAL (
    ${COUNTED} AND t.side = asked.side AND (t.ts, t.trade_id) >= (asked.ts, asked.trade_id COLLATE "C")
      AND (t.ts, t.trade_id) <= (asked.last_ts, asked.last_trade_id COLLATE "C")
    ORDER BY t.ts, t.trade_id LIMIT $8
  ) AS lot
  ORDER BY asked.place, lot.ts, lot."tradeId" COLLATE "C"`;
