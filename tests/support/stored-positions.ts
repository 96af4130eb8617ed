import type { Trade } from '../../domain/trade.ts';
import type { Queryable } from '../../prisma/queryable.ts';
import type { SqlPosition } from './sql-positions.ts';

/** What the ingestors have made of trades, in the form and the order in which `sqlPositions` gives it. */
export async function storedPositions(db: Queryable): Promise<SqlPosition[]> {
  const { rows } = await db.query<SqlPosition>(
    `SELECT account, n.market_id || ':' || n.name AS node, trim_scale(quantity)::text AS quantity,
            trim_scale(cost)::text AS cost, trim_scale(realized)::text AS realized, trades,
            CASE WHEN method = 'FIFO' THEN coalesce(
              (SELECT array_agg(lot.quantity || ' @ ' || trim_scale(lot.price) ORDER BY lot.ts, lot.trade_id)
               FROM (SELECT t.ts, t.trade_id, t.price, trim_scale(
                       CASE WHEN (t.ts, t.trade_id) = (oldest_ts, oldest_trade_id) THEN oldest_quantity
                            ELSE sign(p.quantity) * t.mw * t.minutes END) AS quantity
                     FROM trade t JOIN trade_head h USING (trade_id, version, ts)
                     WHERE t.account = p.account AND t.node_id = p.node_id AND t.status = 'ACTIVE'
                       AND t.side = CASE WHEN p.quantity > 0 THEN 'BUY' ELSE 'SELL' END::trade_side
                       AND (t.ts, t.trade_id) >= (oldest_ts, oldest_trade_id)) AS lot), '{}') END AS lots
     FROM position p JOIN pricing_node n ON n.id = node_id
     WHERE trades > 0
     ORDER BY account COLLATE "C", n.market_id || ':' || n.name COLLATE "C"`,
  );
  return rows;
}

/** A version of a trade as a producer writes it to the topic. */
export function tradeRecord({ tradeId, ts, node, mw, price, ...trade }: Trade): string {
  const { account, side, version, status, minutes } = trade;
  return JSON.stringify({
    trade_id: tradeId,
    ts: new Date(ts).toISOString(),
    account,
    hub: node,
    side,
    mw: String(mw),
    price_mwh: String(price),
    version,
    status,
    minutes,
  });
}

/** Adds the nodes of trades to the reference data. */
export async function addNodesOf(db: Queryable, trades: Iterable<Trade>): Promise<void> {
  const nodes = [...new Set([...trades].map(({ node }) => node))];
  await db.query(
    `INSERT INTO pricing_node (market_id, name)
     SELECT split_part(node, ':', 1), substr(node, strpos(node, ':') + 1) FROM unnest($1::text[]) AS t(node)
     ON CONFLICT DO NOTHING`,
    [nodes],
  );
}
