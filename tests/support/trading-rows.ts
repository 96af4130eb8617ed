import type pg from 'pg';
import { parseNodeName } from '../../domain/market.ts';
import { decimalFrom } from '../../domain/money.ts';
import { type CostMethod, foldTrades, type Position } from '../../domain/position.ts';
import { currentTrades, type Trade } from '../../domain/trade.ts';
import { storeNodes } from './lmp-rows.ts';

/** A version of a trade as a test writes it down; what it does not say is ordinary. */
export interface TradeSpec {
  readonly id: string;
  readonly version?: number;
  /** ISO 8601 with zone. */
  readonly ts: string;
  readonly account: string;
  /** `MARKET:NAME`; registered where it is new. */
  readonly node: string;
  readonly side: Trade['side'];
  readonly mw: number | string;
  readonly price: number | string;
  readonly minutes?: number;
  readonly status?: Trade['status'];
  readonly ledgerId?: number;
  /** ISO 8601; when it was traded by default. */
  readonly recordedAt?: string;
}

/**
 * Stores versions of trades, which of them counts, and the positions that follow from all trades of the store: what the
 * ingestors leave, by another way.
 */
export async function storeTrades(
  pool: pg.Pool,
  specs: readonly TradeSpec[],
  method: CostMethod = 'AVERAGE_COST',
): Promise<void> {
  await storeNodes(
    pool,
    specs.map(({ node }) => node),
  );
  const rows = specs.map((spec) => ({
    version: 1,
    minutes: 60,
    status: 'ACTIVE',
    ledgerId: 1,
    recordedAt: spec.ts,
    ...spec,
    mw: String(spec.mw),
    price: String(spec.price),
  }));
  await pool.query(
    `INSERT INTO trade (trade_id, version, ts, account, node_id, side, mw, price, minutes, status, recorded_at, ledger_id)
     SELECT r.id, r.version, r.ts, r.account, n.id, r.side, r.mw, r.price, r.minutes, r.status, r."recordedAt", r."ledgerId"
     FROM jsonb_to_recordset($1) AS r (id text, version int, ts timestamptz, account text, node text, side trade_side,
            mw numeric, price numeric, minutes int, status trade_status, "recordedAt" timestamptz, "ledgerId" bigint)
     JOIN pricing_node AS n ON n.market_id || ':' || n.name = r.node`,
    [JSON.stringify(rows)],
  );
  await pool.query(`
    INSERT INTO trade_head (trade_id, version, ts, account, node_id, status)
    SELECT DISTINCT ON (trade_id) trade_id, version, ts, account, node_id, status FROM trade ORDER BY trade_id, version DESC
    ON CONFLICT (trade_id) DO UPDATE SET version = EXCLUDED.version, ts = EXCLUDED.ts, account = EXCLUDED.account,
      node_id = EXCLUDED.node_id, status = EXCLUDED.status`);
  await storePositions(pool, method);
}

async function storePositions(pool: pg.Pool, method: CostMethod): Promise<void> {
  const trades = await allTrades(pool);
  const places = new Map<string, Trade[]>(trades.map(({ account, node }) => [`${account}\n${node}`, []]));
  for (const trade of currentTrades(trades)) places.get(`${trade.account}\n${trade.node}`)?.push(trade);
  for (const [place, counted] of places) {
    const [account = '', node = ''] = place.split('\n');
    const recordedAt = Math.max(...trades.filter((each) => each.account === account).map(({ recorded }) => recorded));
    await storePosition(pool, account, node, foldTrades(method, counted), new Date(recordedAt));
  }
}

async function storePosition(
  pool: pg.Pool,
  account: string,
  node: string,
  { method, quantity, cost, realized, trades, last }: Position,
  recordedAt: Date,
): Promise<void> {
  await pool.query('INSERT INTO account (id, cost_method) VALUES ($1, $2) ON CONFLICT DO NOTHING', [account, method]);
  await pool.query(
    `INSERT INTO position (account, node_id, seq, method, quantity, cost, realized, trades, last_ts, last_trade_id,
                           recorded_at, ledger_id)
     SELECT $1, id, $7::int, $3, $4, $5, $6, $7::int, $8, $9, $10, 1 FROM pricing_node WHERE market_id || ':' || name = $2
     ON CONFLICT (account, node_id) DO UPDATE SET seq = position.seq + 1, method = EXCLUDED.method,
       quantity = EXCLUDED.quantity, cost = EXCLUDED.cost, realized = EXCLUDED.realized, trades = EXCLUDED.trades,
       last_ts = EXCLUDED.last_ts, last_trade_id = EXCLUDED.last_trade_id, recorded_at = EXCLUDED.recorded_at`,
    [
      account,
      node,
      method,
      String(quantity),
      String(cost),
      String(realized),
      trades,
      last && new Date(last.ts),
      last?.tradeId,
      recordedAt,
    ],
  );
}

async function allTrades(pool: pg.Pool): Promise<(Trade & { recorded: number })[]> {
  const { rows } = await pool.query(
    `SELECT t.*, n.market_id || ':' || n.name AS node FROM trade AS t JOIN pricing_node AS n ON n.id = t.node_id`,
  );
  return rows.flatMap((row) => {
    const node = parseNodeName(row.node);
    if (!node) return [];
    return {
      tradeId: row.trade_id,
      version: row.version,
      ts: row.ts.getTime(),
      account: row.account,
      node,
      side: row.side,
      mw: decimalFrom(row.mw),
      price: decimalFrom(row.price),
      minutes: row.minutes,
      status: row.status,
      recorded: row.recorded_at.getTime(),
    };
  });
}

/** What a position was worth at an instant, as a test writes it down. */
export interface SnapshotSpec {
  readonly account: string;
  /** `MARKET:NAME`; registered where it is new. */
  readonly node: string;
  /** ISO 8601 with zone, up to the microsecond. */
  readonly at: string;
  readonly seq?: number;
  readonly cause?: 'TRADE' | 'CADENCE';
  readonly positionMw: string;
  readonly lastPrice: string | null;
  readonly realized: string;
  readonly unrealized: string | null;
  readonly total: string | null;
}

/** Also a position of no trades, where there is none: series are of positions. */
export async function storeSnapshots(pool: pg.Pool, specs: readonly SnapshotSpec[]): Promise<void> {
  await storeNodes(
    pool,
    specs.map(({ node }) => node),
  );
  const rows = JSON.stringify(specs.map((spec) => ({ seq: 1, cause: 'CADENCE', ...spec })));
  await pool.query(
    `INSERT INTO position (account, node_id, method)
     SELECT DISTINCT r.account, n.id, 'AVERAGE_COST'::cost_method
     FROM jsonb_to_recordset($1) AS r (account text, node text)
     JOIN pricing_node AS n ON n.market_id || ':' || n.name = r.node
     ON CONFLICT DO NOTHING`,
    [rows],
  );
  await pool.query(
    `INSERT INTO positions_pnl (account, node_id, at, seq, cause, position_mw, avg_price, last_price, realized_pnl,
                                unrealized_pnl, total_pnl)
     SELECT r.account, n.id, r.at, r.seq, r.cause, r."positionMw", 0, r."lastPrice", r.realized, r.unrealized, r.total
     FROM jsonb_to_recordset($1) AS r (account text, node text, at timestamptz, seq bigint, cause snapshot_cause,
            "positionMw" numeric, "lastPrice" numeric, realized numeric, unrealized numeric, total numeric)
     JOIN pricing_node AS n ON n.market_id || ':' || n.name = r.node`,
    [rows],
  );
}
