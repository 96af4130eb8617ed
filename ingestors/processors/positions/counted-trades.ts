/** The trades that positions are made of. */
import type { NodeName } from '../../../domain/market.ts';
import { decimalFrom } from '../../../domain/money.ts';
import type { Trade, TradeKey } from '../../../domain/trade.ts';
import { ms } from '../../../prisma/instants.ts';
import type { Queryable } from '../../../prisma/queryable.ts';

export interface PositionId {
  readonly account: string;
  readonly nodeId: number;
}

/** Positions with a place among the trades of each. */
export const PLACES = `
  (SELECT account, node_id, to_timestamp(ts / 1000.0) AS ts, trade_id, place::int4
   FROM unnest($1::text[], $2::int4[], $3::float8[], $4::text[]) WITH ORDINALITY AS t(account, node_id, ts, trade_id, place)) AS asked`;

export function placesOf(places: readonly (PositionId & { readonly at: TradeKey | null })[]): unknown[] {
  return [
    places.map(({ account }) => account),
    places.map(({ nodeId }) => nodeId),
    places.map(({ at }) => at?.ts ?? null),
    places.map(({ at }) => at?.tradeId ?? null),
  ];
}

/** The trades `t` that count in the position `asked`: to be gone on with further conditions. */
export const COUNTED = `
  SELECT t.trade_id AS "tradeId", t.version, ${ms('t.ts')} AS ts, t.account, n.market_id || ':' || n.name AS node, t.side,
         trim_scale(t.mw) AS mw, trim_scale(t.price) AS price, t.minutes, t.status
  FROM trade t
  JOIN trade_head h ON h.trade_id = t.trade_id AND h.version = t.version AND h.ts = t.ts
  JOIN pricing_node n ON n.id = t.node_id
  WHERE t.account = asked.account AND t.node_id = asked.node_id AND t.status = 'ACTIVE'`;

export interface CountedTexts extends Omit<Trade, 'mw' | 'price'> {
  /** Of the position asked for, from 1. */
  readonly place: number;
  readonly mw: string;
  readonly price: string;
  readonly node: NodeName;
}

/** By the place of their position, in the order they came. */
export function countedFrom(rows: readonly CountedTexts[]): Map<number, Trade[]> {
  const byPlace = new Map<number, Trade[]>();
  for (const { place, mw, price, ...trade } of rows) {
    const trades = byPlace.get(place) ?? [];
    trades.push({ ...trade, mw: decimalFrom(mw), price: decimalFrom(price) });
    byPlace.set(place, trades);
  }
  return byPlace;
}

/** Of one position at a time: twice what lies between two checkpoints. */
const PAGE_TRADES = 2_000;

/**
 * The trades that count in positions, of each in their order, after a place; page by page, so that a long past needs no more
 * memory. `index` says of which of those asked.
 */
export async function* tradesAfter(
  client: Queryable,
  asked: readonly (PositionId & { readonly at: TradeKey | null })[],
): AsyncGenerator<{ readonly index: number; readonly trades: readonly Trade[] }> {
  for (let open = asked.map((each, index) => ({ ...each, index })); open.length > 0; ) {
    const { rows } = await client.query<CountedTexts>({ name: 'trades-after', text: AFTER, values: placesOf(open) });
    const pages = countedFrom(rows);
    const next: typeof open = [];
    for (const [place, each] of open.entries()) {
      const trades = pages.get(place + 1) ?? [];
      if (trades.length > 0) yield { index: each.index, trades };
      const last = trades.at(-1);
      if (last && trades.length === PAGE_TRADES) next.push({ ...each, at: last });
    }
    open = next;
  }
}

const AFTER = `
  SELECT asked.place, counted.*
  FROM ${PLACES}
  CROSS JOIN LATERAL (
    ${COUNTED} AND (asked.ts IS NULL OR (t.ts, t.trade_id) > (asked.ts, asked.trade_id COLLATE "C"))
    ORDER BY t.ts, t.trade_id LIMIT ${PAGE_TRADES}
  ) AS counted
  ORDER BY asked.place, counted.ts, counted."tradeId" COLLATE "C"`;
