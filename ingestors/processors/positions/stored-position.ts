/** Rows of `position` and `position_checkpoint`. */
import type { NodeName } from '../../../domain/market.ts';
import { type CostMethod, type Position, type PositionJson, positionFromJson } from '../../../domain/position.ts';
import type { TradeKey } from '../../../domain/trade.ts';
import { ms } from '../../../prisma/instants.ts';
import type { Queryable } from '../../../prisma/queryable.ts';
import { PLACES, type PositionId, placesOf } from './counted-trades.ts';

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
  trim_scale(p.realized) AS realized, p.trades, ${ms('p.last_ts')} AS "lastTs", p.last_trade_id AS "lastTradeId",
  ${ms('p.oldest_ts')} AS "oldestTs", p.oldest_trade_id AS "oldestTradeId", trim_scale(p.oldest_quantity) AS "oldestQuantity"`;

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
  readonly trades: number;
  readonly lastTs: number | null;
  readonly lastTradeId: string | null;
  readonly oldestTs: number | null;
  readonly oldestTradeId: string | null;
  readonly oldestQuantity: string | null;
}

function storedFrom(texts: PositionTexts): StoredPosition {
  const { account, nodeId, node, seq, method, quantity, cost, realized, trades, lastTs, lastTradeId } = texts;
  const last = lastTs === null || lastTradeId === null ? null : { ts: lastTs, tradeId: lastTradeId };
  const state = { method, quantity, cost, realized, trades, last };
  const position = positionFromJson(method === 'FIFO' ? { ...state, oldest: oldestFrom(texts) } : state);
  return { account, nodeId, node, seq, position };
}

function oldestFrom({ oldestTs, oldestTradeId, oldestQuantity }: PositionTexts): (PositionJson['oldest'] & {}) | null {
  if (oldestTs === null || oldestTradeId === null || oldestQuantity === null) return null;
  return { ts: oldestTs, tradeId: oldestTradeId, quantity: oldestQuantity };
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
      positions.map(({ position }) => position.trades),
      positions.map(({ position }) => position.last?.ts),
      positions.map(({ position }) => position.last?.tradeId),
      positions.map(({ position }) => position.oldest?.ts),
      positions.map(({ position }) => position.oldest?.tradeId),
      positions.map(({ position }) => position.oldest && String(position.oldest.quantity)),
      now,
    ],
  });
}

const SAVE_POSITIONS = `
  UPDATE position p SET seq = t.seq, method = t.method, quantity = t.quantity, cost = t.cost, realized = t.realized,
    trades = t.trades, last_ts = to_timestamp(t.last_ts / 1000.0), last_trade_id = t.last_trade_id,
    oldest_ts = to_timestamp(t.oldest_ts / 1000.0), oldest_trade_id = t.oldest_trade_id, oldest_quantity = t.oldest_quantity,
    recorded_at = to_timestamp($15::float8 / 1000.0), ledger_id = $1
  FROM unnest($2::text[], $3::int4[], $4::int8[], $5::cost_method[], $6::numeric[], $7::numeric[], $8::numeric[],
              $9::int4[], $10::float8[], $11::text[], $12::float8[], $13::text[], $14::numeric[])
       AS t(account, node_id, seq, method, quantity, cost, realized, trades, last_ts, last_trade_id, oldest_ts, oldest_trade_id,
            oldest_quantity)
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
