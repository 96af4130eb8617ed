/** Rows of `position` and `position_checkpoint`, and the trades behind them. */
import type { NodeName } from '../../../domain/market.ts';
import { decimalFrom } from '../../../domain/money.ts';
import { type CostMethod, type Position, type PositionJson, positionFromJson } from '../../../domain/position.ts';
import type { Trade, TradeKey } from '../../../domain/trade.ts';
import { ms } from '../../../prisma/instants.ts';
import type { Queryable } from '../../../prisma/queryable.ts';

export interface PositionId {
  readonly account: string;
  readonly nodeId: number;
}

export interface StoredPosition extends PositionId {
  readonly node: NodeName;
  /** Grows with each change. */
  readonly seq: number;
  readonly position: Position;
}

/**
 * Locks positions for the rest of the transaction, in an order that all who lock several keep. Those that are not there are
 * made, by their account's cost method; so are accounts.
 * @param ids each once.
 */
export async function lockPositions(client: Queryable, ids: readonly PositionId[]): Promise<StoredPosition[]> {
  const keys = [ids.map(({ account }) => account), ids.map(({ nodeId }) => nodeId)];
  const lock = async () => {
    const { rows } = await client.query<PositionTexts>({ name: 'lock-positions', text: LOCK_POSITIONS, values: keys });
    return rows.map(storedFrom);
  };
  const there = await lock();
  if (there.length === ids.length) return there;
  await client.query({ name: 'make-accounts', text: MAKE_ACCOUNTS, values: [keys[0]] });
  await client.query({ name: 'make-positions', text: MAKE_POSITIONS, values: keys });
  return lock();
}

const MAKE_ACCOUNTS = `
  INSERT INTO account (id) SELECT id FROM unnest($1::text[]) AS t(id) GROUP BY id ORDER BY id COLLATE "C" ON CONFLICT DO NOTHING`;

/** The shared lock on the account lets nobody change its method between here and the commit. */
const MAKE_POSITIONS = `
  WITH method AS MATERIALIZED (
    SELECT id, cost_method FROM account WHERE id = ANY($1::text[]) ORDER BY id FOR SHARE
  )
  INSERT INTO position (account, node_id, method)
  SELECT t.account, t.node_id, method.cost_method
  FROM unnest($1::text[], $2::int4[]) AS t(account, node_id) JOIN method ON method.id = t.account
  ORDER BY t.account COLLATE "C", t.node_id
  ON CONFLICT DO NOTHING`;

const COLUMNS = `
  p.account, p.node_id AS "nodeId", (SELECT market_id || ':' || name FROM pricing_node WHERE id = p.node_id) AS node,
  p.seq, p.method, trim_scale(p.quantity) AS quantity, trim_scale(p.cost) AS cost,
  trim_scale(p.realized) AS realized, p.lots, p.trades, ${ms('p.last_ts')} AS "lastTs", p.last_trade_id AS "lastTradeId"`;

/** All or none: whoever held some while it makes others would not keep the order. */
const LOCK_POSITIONS = `
  WITH asked AS MATERIALIZED (SELECT account, node_id FROM unnest($1::text[], $2::int4[]) AS t(account, node_id))
  SELECT ${COLUMNS} FROM position p
  WHERE (p.account, p.node_id) IN (SELECT account, node_id FROM asked) AND NOT EXISTS (
    SELECT FROM asked WHERE NOT EXISTS (
      SELECT FROM position q WHERE q.account = asked.account AND q.node_id = asked.node_id))
  ORDER BY p.account, p.node_id FOR UPDATE`;

/** Positions that ever had a trade, after one, by account and node: locked, so that no trade moves them until they are kept. */
export async function pageOfPositions(client: Queryable, after: PositionId, max: number): Promise<StoredPosition[]> {
  const { rows } = await client.query<PositionTexts>({
    name: 'page-of-positions',
    text: `SELECT ${COLUMNS} FROM position p WHERE (p.account, p.node_id) > ($1, $2) AND p.seq > 0
           ORDER BY p.account, p.node_id LIMIT $3 FOR SHARE`,
    values: [after.account, after.nodeId, max],
  });
  return rows.map(storedFrom);
}

/** Those of an account that are kept by another method than it has now. */
export async function positionsOfOtherMethod(client: Queryable, account: string): Promise<PositionId[]> {
  const { rows } = await client.query<PositionId>(
    `SELECT p.account, p.node_id AS "nodeId" FROM position p JOIN account a ON a.id = p.account
     WHERE a.id = $1 AND p.method <> a.cost_method ORDER BY p.account, p.node_id`,
    [account],
  );
  return rows;
}

interface PositionTexts extends PositionId {
  readonly node: NodeName;
  readonly seq: number;
  readonly method: CostMethod;
  readonly quantity: string;
  readonly cost: string;
  readonly realized: string;
  readonly lots: PositionJson['lots'] | null;
  readonly trades: number;
  readonly lastTs: number | null;
  readonly lastTradeId: string | null;
}

function storedFrom({
  account,
  nodeId,
  node,
  seq,
  lots,
  lastTs,
  lastTradeId,
  ...state
}: PositionTexts): StoredPosition {
  const last = lastTs === null || lastTradeId === null ? null : { ts: lastTs, tradeId: lastTradeId };
  const own = lots ?? (state.method === 'FIFO' ? [] : undefined);
  return { account, nodeId, node, seq, position: positionFromJson({ ...state, last, ...(own && { lots: own }) }) };
}

/** Writes positions back that `lockPositions` gave. */
export async function savePositions(
  client: Queryable,
  positions: readonly StoredPosition[],
  { ledgerId, now }: { readonly ledgerId: number; readonly now: number },
): Promise<void> {
  await client.query({
    name: 'save-positions',
    text: SAVE_POSITIONS,
    values: [
      ledgerId,
      positions.map(({ account }) => account),
      positions.map(({ nodeId }) => nodeId),
      positions.map(({ seq }) => seq),
      positions.map(({ position }) => position.method),
      positions.map(({ position }) => String(position.quantity)),
      positions.map(({ position }) => String(position.cost)),
      positions.map(({ position }) => String(position.realized)),
      positions.map(({ position }) => position.lots && JSON.stringify(position.lots)),
      positions.map(({ position }) => position.trades),
      positions.map(({ position }) => position.last?.ts),
      positions.map(({ position }) => position.last?.tradeId),
      now,
    ],
  });
}

const SAVE_POSITIONS = `
  UPDATE position p SET seq = t.seq, method = t.method, quantity = t.quantity, cost = t.cost, realized = t.realized,
    lots = t.lots, trades = t.trades, last_ts = to_timestamp(t.last_ts / 1000.0), last_trade_id = t.last_trade_id,
    recorded_at = to_timestamp($13::float8 / 1000.0), ledger_id = $1
  FROM unnest($2::text[], $3::int4[], $4::int8[], $5::cost_method[], $6::numeric[], $7::numeric[], $8::numeric[],
              $9::jsonb[], $10::int4[], $11::float8[], $12::text[])
       AS t(account, node_id, seq, method, quantity, cost, realized, lots, trades, last_ts, last_trade_id)
  WHERE p.account = t.account AND p.node_id = t.node_id`;

/** Where a position is worked out from. */
export interface Place extends PositionId {
  readonly at: TradeKey;
}

/** Of each position the last checkpoint before a trade, in the order asked; those from there on are forgotten. */
export async function takeCheckpointsBefore(
  client: Queryable,
  places: readonly Place[],
): Promise<(Position | undefined)[]> {
  const values = placesOf(places);
  await client.query({ name: 'forget-checkpoints', text: FORGET_CHECKPOINTS, values });
  const { rows } = await client.query<{ place: number; state: PositionJson }>({
    name: 'take-checkpoints',
    text: LAST_CHECKPOINTS,
    values,
  });
  const states = new Map(rows.map(({ place, state }) => [place, state]));
  return places.map((_, index) => {
    const state = states.get(index + 1);
    return state && positionFromJson(state);
  });
}

function placesOf(places: readonly (PositionId & { readonly at: TradeKey | null })[]): unknown[] {
  return [
    places.map(({ account }) => account),
    places.map(({ nodeId }) => nodeId),
    places.map(({ at }) => at?.ts ?? null),
    places.map(({ at }) => at?.tradeId ?? null),
  ];
}

const PLACES = `
  (SELECT account, node_id, to_timestamp(ts / 1000.0) AS ts, trade_id, place::int4
   FROM unnest($1::text[], $2::int4[], $3::float8[], $4::text[]) WITH ORDINALITY AS t(account, node_id, ts, trade_id, place)) AS asked`;

const FORGET_CHECKPOINTS = `
  DELETE FROM position_checkpoint c USING ${PLACES}
  WHERE c.account = asked.account AND c.node_id = asked.node_id
    AND (c.last_ts, c.last_trade_id) >= (asked.ts, asked.trade_id COLLATE "C")`;

const LAST_CHECKPOINTS = `
  SELECT asked.place, last.state
  FROM ${PLACES}
  CROSS JOIN LATERAL (
    SELECT state FROM position_checkpoint c
    WHERE c.account = asked.account AND c.node_id = asked.node_id
      AND (c.last_ts, c.last_trade_id) < (asked.ts, asked.trade_id COLLATE "C")
    ORDER BY c.last_ts DESC, c.last_trade_id DESC LIMIT 1
  ) AS last`;

export interface Checkpoint extends PositionId {
  readonly position: Position;
}

export async function saveCheckpoints(client: Queryable, checkpoints: readonly Checkpoint[]): Promise<void> {
  if (checkpoints.length === 0) return;
  await client.query({
    name: 'save-checkpoints',
    text: `INSERT INTO position_checkpoint (account, node_id, last_ts, last_trade_id, state)
           SELECT account, node_id, to_timestamp(last_ts / 1000.0), last_trade_id, state
           FROM unnest($1::text[], $2::int4[], $3::float8[], $4::text[], $5::jsonb[]) AS t(account, node_id, last_ts, last_trade_id, state)`,
    values: [
      checkpoints.map(({ account }) => account),
      checkpoints.map(({ nodeId }) => nodeId),
      checkpoints.map(({ position }) => position.last?.ts),
      checkpoints.map(({ position }) => position.last?.tradeId),
      checkpoints.map(({ position }) => JSON.stringify(position)),
    ],
  });
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
    const pages = await pagesOfTrades(client, open);
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

async function pagesOfTrades(
  client: Queryable,
  places: readonly (PositionId & { readonly at: TradeKey | null })[],
): Promise<Map<number, Trade[]>> {
  const { rows } = await client.query<TradeTexts>({
    name: 'trades-after',
    text: TRADES_AFTER,
    values: placesOf(places),
  });
  const pages = new Map<number, Trade[]>();
  for (const { place, mw, price, ...trade } of rows) {
    const page = pages.get(place) ?? [];
    page.push({ ...trade, mw: decimalFrom(mw), price: decimalFrom(price) });
    pages.set(place, page);
  }
  return pages;
}

interface TradeTexts extends Omit<Trade, 'mw' | 'price'> {
  /** Of the position asked for, from 1. */
  readonly place: number;
  readonly mw: string;
  readonly price: string;
  readonly node: NodeName;
}

const TRADES_AFTER = `
  SELECT asked.place, counted.*
  FROM ${PLACES}
  CROSS JOIN LATERAL (
    SELECT t.trade_id AS "tradeId", t.version, ${ms('t.ts')} AS ts, t.account, n.market_id || ':' || n.name AS node, t.side,
           trim_scale(t.mw) AS mw, trim_scale(t.price) AS price, t.minutes, t.status
    FROM trade t
    JOIN trade_head h ON h.trade_id = t.trade_id AND h.version = t.version AND h.ts = t.ts
    JOIN pricing_node n ON n.id = t.node_id
    WHERE t.account = asked.account AND t.node_id = asked.node_id AND t.status = 'ACTIVE'
      AND (asked.ts IS NULL OR (t.ts, t.trade_id) > (asked.ts, asked.trade_id COLLATE "C"))
    ORDER BY t.ts, t.trade_id LIMIT ${PAGE_TRADES}
  ) AS counted
  ORDER BY asked.place, counted.ts, counted."tradeId" COLLATE "C"`;
