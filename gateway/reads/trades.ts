import { localNameOf, marketOf } from '../../domain/market.ts';
import { LIMITS, limitExceeded } from '../../schema/limits.ts';
import type { Page, Slice } from '../../schema/question.ts';
import type { DeskScope, TradeFilter, TradePlace, TradeRow } from '../../schema/trading-rows.ts';
import { nodeName } from './asked-nodes.ts';
import { Conditions } from './conditions.ts';
import { sliceFrom } from './slice.ts';
import type { Queryable, Statement } from './statement.ts';
import { IS_HEAD, type StoredTrade, TRADE_COLUMNS, TRADE_ORDER, tradeRowFrom } from './trade-row.ts';

/** A page of trades as they stand, newest first, in one statement. */
export async function readTrades(db: Queryable, filter: TradeFilter, page: Page<TradePlace>): Promise<Slice<TradeRow>> {
  const { rows } = await db.query<StoredTrade>(pageStatement(filter, page));
  return sliceFrom(rows.map(tradeRowFrom), page);
}

function pageStatement(filter: TradeFilter, { first, after }: Page<TradePlace>): Statement {
  const conditions = tradeConditions(filter, [first + 1]);
  // `ts` is bounded by itself too: a hypertable leaves out no chunks for a pair.
  if (after) {
    const place = [new Date(after.ts), after.tradeId];
    conditions.add('after', place, (ts, id) => `t.ts <= ${ts} AND (t.ts, t.trade_id) < (${ts}, ${id})`);
  }
  return {
    name: conditions.nameOf('trades'),
    text: `
      SELECT ${TRADE_COLUMNS}
      FROM (SELECT * FROM trade AS t ${conditions.where} ORDER BY ${TRADE_ORDER} LIMIT $1) AS t
      JOIN pricing_node AS n ON n.id = t.node_id
      ORDER BY ${TRADE_ORDER}`,
    values: conditions.values,
  };
}

/** @param values those that the statement has beside, `$1` first. */
export function tradeConditions(filter: TradeFilter, values: unknown[] = []): Conditions {
  const { account, accounts, node, markets, from, to, status } = filter;
  const conditions = new Conditions(values, [IS_HEAD]);
  if (accounts !== undefined) conditions.add('accounts', [accounts], (names) => `t.account = ANY(${names}::text[])`);
  if (markets !== undefined) conditions.add('markets', [markets], (ids) => `t.node_id IN (${nodesOf(ids)})`);
  if (account !== undefined) conditions.add('account', [account], (name) => `t.account = ${name}`);
  if (node !== undefined) {
    const name = nodeName(node);
    conditions.add(
      'node',
      [marketOf(name).id, localNameOf(name)],
      (market, local) => `t.node_id = (SELECT id FROM pricing_node WHERE market_id = ${market} AND name = ${local})`,
    );
  }
  if (from !== undefined) conditions.add('from', [new Date(from)], (instant) => `t.ts >= ${instant}`);
  if (to !== undefined) conditions.add('to', [new Date(to)], (instant) => `t.ts < ${instant}`);
  if (status !== undefined) conditions.add('status', [status], (name) => `t.status = ${name}::trade_status`);
  return conditions;
}

function nodesOf(markets: string): string {
  return `SELECT id FROM pricing_node WHERE market_id = ANY(${markets}::text[])`;
}

const VERSIONS = `
  SELECT ${TRADE_COLUMNS}
  FROM trade AS t JOIN pricing_node AS n ON n.id = t.node_id
  WHERE t.trade_id = ANY($1::text[])
    AND ($3::text[] IS NULL OR t.account = ANY($3)) AND ($4::text[] IS NULL OR n.market_id = ANY($4))
  ORDER BY t.trade_id, t.version DESC
  LIMIT $2`;

/**
 * Every version of each trade, the highest first, in the order asked; a trade nobody knows has none. One that an amendment moved may
 * have versions within the scope and others beyond it.
 * @throws BusbarError `LIMIT_EXCEEDED` where there are more than one answer may show.
 */
export async function readTradeVersions(
  db: Queryable,
  ids: readonly string[],
  { accounts, markets }: DeskScope = {},
  rowsMax: number = LIMITS.tradeVersions,
): Promise<TradeRow[][]> {
  const values = [ids, rowsMax + 1, accounts, markets];
  const { rows } = await db.query<StoredTrade>({ name: 'trade-versions', text: VERSIONS, values });
  if (rows.length > rowsMax) throw limitExceeded('tradeVersions', rows.length, 'ask for fewer trades');
  const versions = new Map<string, TradeRow[]>(ids.map((id) => [id, []]));
  for (const row of rows) versions.get(row.trade_id)?.push(tradeRowFrom(row));
  return ids.map((id) => versions.get(id) ?? []);
}
