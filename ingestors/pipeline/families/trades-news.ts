import type pg from 'pg';
import type { CostMethod } from '../../../domain/position.ts';
import { ms } from '../../../prisma/instants.ts';
import type { PositionEvent, TradeEvent } from '../../../runtime/live-bus/live-bus.ts';
import type { NewsArchive } from '../news.ts';

/**
 * Trades, read back as a commit wrote them, and the positions that it was the last to change: of the others a later commit
 * tells. Positions first, so that whoever hears of a trade can have seen what it made of its position.
 */
export const tradesArchive: NewsArchive = {
  channels: ['positions', 'trades'],
  read: async (pool, ledgerId) => ({
    positions: await readPositions(pool, ledgerId),
    trades: await readTrades(pool, ledgerId),
  }),
};

async function readTrades(pool: pg.Pool, ledgerId: number): Promise<TradeEvent[]> {
  const { rows } = await pool.query<TradeEvent>(
    `SELECT t.trade_id AS "tradeId", t.version, ${ms('t.ts')} AS ts, t.account, n.market_id || ':' || n.name AS node, t.side,
            trim_scale(t.mw)::text AS mw, trim_scale(t.price)::text AS price, t.minutes, t.status, t.ledger_id AS "ledgerId",
            ${ms('t.recorded_at')} AS "recordedAt"
     FROM trade t JOIN pricing_node n ON n.id = t.node_id
     WHERE t.ledger_id = $1 AND t.ts >= (SELECT event_from FROM ledger_entry WHERE id = $1)
       AND t.ts <= (SELECT event_to FROM ledger_entry WHERE id = $1)
     ORDER BY t.trade_id, t.version`,
    [ledgerId],
  );
  return rows;
}

interface PositionTexts extends Omit<PositionEvent, 'position'> {
  readonly method: CostMethod;
  readonly quantity: string;
  readonly cost: string;
  readonly realized: string;
  readonly trades: number;
  readonly lastTs: number | null;
  readonly lastTradeId: string | null;
}

async function readPositions(pool: pg.Pool, ledgerId: number): Promise<PositionEvent[]> {
  const { rows } = await pool.query<PositionTexts>(
    `SELECT p.account, n.market_id || ':' || n.name AS node, p.seq, p.method, trim_scale(p.quantity)::text AS quantity,
            trim_scale(p.cost)::text AS cost, trim_scale(p.realized)::text AS realized, p.trades,
            ${ms('p.last_ts')} AS "lastTs", p.last_trade_id AS "lastTradeId", p.ledger_id AS "ledgerId",
            ${ms('p.recorded_at')} AS "recordedAt"
     FROM position p JOIN pricing_node n ON n.id = p.node_id
     WHERE p.ledger_id = $1 ORDER BY p.account, p.node_id`,
    [ledgerId],
  );
  return rows.map(({ account, node, seq, ledgerId: entry, recordedAt, lastTs, lastTradeId, ...state }) => {
    const last = lastTs === null || lastTradeId === null ? null : { ts: lastTs, tradeId: lastTradeId };
    return { account, node, seq, position: { ...state, last }, ledgerId: entry, recordedAt };
  });
}
