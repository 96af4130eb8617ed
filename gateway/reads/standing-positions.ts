import { localNameOf, marketOf } from '../../domain/market.ts';
import { decimalFrom } from '../../domain/money.ts';
import type { CostMethod } from '../../domain/position.ts';
import type { PositionFilter } from '../../schema/trading-rows.ts';
import type { StandingPosition } from '../positions/position-row.ts';
import { nodeName } from './asked-nodes.ts';
import { Conditions } from './conditions.ts';
import type { Queryable, Statement } from './statement.ts';

export interface PositionsQuestion extends PositionFilter {
  readonly market?: string;
}

interface StoredPosition {
  readonly account: string;
  readonly node: string;
  readonly seq: number;
  readonly method: CostMethod;
  readonly quantity: string;
  readonly cost: string;
  readonly realized: string;
  readonly trades: number;
  readonly last_ts: Date | null;
  readonly last_trade_id: string | null;
  readonly recorded_at: Date;
  readonly ledger_id: number;
}

/**
 * Positions as trades left them, by account and node.
 * @param rowsMax null: all there are.
 */
export async function readStandingPositions(
  db: Queryable,
  question: PositionsQuestion,
  rowsMax: number | null,
): Promise<StandingPosition[]> {
  const { rows } = await db.query<StoredPosition>(statementOf(question, rowsMax));
  return rows.map(standingFrom);
}

function statementOf(question: PositionsQuestion, rowsMax: number | null): Statement {
  const { account, accounts, node, market, markets } = question;
  const conditions = new Conditions([rowsMax]);
  if (accounts !== undefined) conditions.add('accounts', [accounts], (names) => `p.account = ANY(${names}::text[])`);
  if (markets !== undefined) conditions.add('markets', [markets], (ids) => `n.market_id = ANY(${ids}::text[])`);
  if (account !== undefined) conditions.add('account', [account], (name) => `p.account = ${name}`);
  if (market !== undefined) conditions.add('market', [market], (id) => `n.market_id = ${id}`);
  if (node !== undefined) {
    const name = nodeName(node);
    const values = [marketOf(name).id, localNameOf(name)];
    conditions.add('node', values, (id, local) => `n.market_id = ${id} AND n.name = ${local}`);
  }
  return {
    name: conditions.nameOf('positions'),
    text: `
      SELECT p.account, n.market_id || ':' || n.name AS node, p.seq, p.method, p.quantity, p.cost, p.realized, p.trades,
        p.last_ts, p.last_trade_id, p.recorded_at, p.ledger_id
      FROM position AS p JOIN pricing_node AS n ON n.id = p.node_id
      ${conditions.where}
      ORDER BY p.account, n.market_id COLLATE "C", n.name COLLATE "C"
      LIMIT $1`,
    values: conditions.values,
  };
}

function standingFrom(stored: StoredPosition): StandingPosition {
  const { last_ts: ts, last_trade_id: tradeId } = stored;
  return {
    account: stored.account,
    node: stored.node,
    seq: stored.seq,
    position: {
      method: stored.method,
      quantity: decimalFrom(stored.quantity),
      cost: decimalFrom(stored.cost),
      realized: decimalFrom(stored.realized),
      trades: stored.trades,
      last: ts && tradeId !== null ? { ts: ts.getTime(), tradeId } : null,
    },
    ledgerId: stored.ledger_id,
    recordedAt: stored.recorded_at.getTime(),
  };
}
