import { localNameOf, marketOf } from '../../domain/market.ts';
import type { Slice } from '../../schema/question.ts';
import type { PositionTradesRequest, TradeRow } from '../../schema/trading-rows.ts';
import { nodeNames } from './asked-nodes.ts';
import { sliceFrom } from './slice.ts';
import type { Queryable } from './statement.ts';
import { IS_HEAD, type StoredTrade, TRADE_COLUMNS, TRADE_ORDER, tradeRowFrom } from './trade-row.ts';

/** Each position gives at most a page, from its own place in the key of trades by account and node. */
const TEXT = `
  SELECT asked.place::int AS place, trades.*
  FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::text[], $6::int[])
    WITH ORDINALITY AS asked (account, market, name, ts, trade_id, rows, place)
  JOIN pricing_node AS n ON n.market_id = asked.market AND n.name = asked.name
  CROSS JOIN LATERAL (
    SELECT ${TRADE_COLUMNS}
    FROM trade AS t
    WHERE t.account = asked.account AND t.node_id = n.id AND t.status = 'ACTIVE' AND ${IS_HEAD}
      AND t.ts <= asked.ts AND (t.ts, t.trade_id) < (asked.ts, asked.trade_id)
    ORDER BY ${TRADE_ORDER}
    LIMIT asked.rows
  ) AS trades
  ORDER BY asked.place, trades.ts DESC, trades.trade_id DESC`;

/** A page of the trades that count in each position, newest first, in the order asked: one statement however many. */
export async function readPositionTrades(
  db: Queryable,
  requests: readonly PositionTradesRequest[],
): Promise<Slice<TradeRow>[]> {
  const nodes = nodeNames(requests.map(({ node }) => node));
  const values = [
    requests.map(({ account }) => account),
    nodes.map((node) => marketOf(node).id),
    nodes.map(localNameOf),
    requests.map(({ page: { after } }) => (after ? new Date(after.ts) : 'infinity')),
    requests.map(({ page: { after } }) => after?.tradeId ?? ''),
    requests.map(({ page: { first } }) => first + 1),
  ];
  const { rows } = await db.query<StoredTrade & { place: number }>({ name: 'position-trades', text: TEXT, values });
  const pages: TradeRow[][] = requests.map(() => []);
  for (const row of rows) pages[row.place - 1]?.push(tradeRowFrom(row));
  return requests.map(({ page }, place) => sliceFrom(pages[place] ?? [], page));
}
