/**
 * Positions worked out by Postgres in `numeric`, by other ways than `domain/position.ts` and without a line of it.
 *
 * Average cost is the textbook's four cases, one trade after the other. FIFO follows no trade at all: the n-th unit
 * bought is matched with the n-th unit sold, so the units below the smaller of both sums are closed, the others open.
 */
import type { CostMethod } from '../../domain/position.ts';
import type { Trade } from '../../domain/trade.ts';
import type { Queryable } from '../../prisma/queryable.ts';

/** Numbers are text without trailing zeros: equal or not. Units as in `Position`. */
export interface SqlPosition {
  readonly account: string;
  readonly node: string;
  readonly quantity: string;
  readonly cost: string;
  readonly realized: string;
  readonly trades: number;
  /** FIFO only: `<quantity> @ <price>`, oldest first. */
  readonly lots: readonly string[] | null;
}

/**
 * By account and node, in code-point order. A million trades take 6 s by average cost, 7 s by FIFO.
 * @param source a query for versions of trades: account, node, trade_id, version, ts (of any type that has an order),
 *   side, mw, price, minutes and status, the numbers as `numeric` or `integer`.
 * @param client functions are made in its session, and end with it.
 */
export async function sqlPositions(client: Queryable, method: CostMethod, source: string): Promise<SqlPosition[]> {
  await client.query(method === 'FIFO' ? FIFO : `${ROUNDED_QUOTIENT}; ${AVERAGE_COST}`);
  const { rows } = await client.query<SqlPosition>(
    `SELECT account, node, trim_scale(quantity)::text AS quantity, trim_scale(cost)::text AS cost,
            trim_scale(realized)::text AS realized, trades, lots
     FROM pg_temp.${method === 'FIFO' ? 'fifo' : 'average_cost'}($1)
     ORDER BY account COLLATE "C", node COLLATE "C"`,
    [source],
  );
  return rows;
}

/** Where `storeVersions` keeps them, for the session. */
export const STORED_VERSIONS = 'TABLE pg_temp.trade_version';

const BATCH = 10_000;

/** Into a temporary table of the session, a batch at a time. */
export async function storeVersions(client: Queryable, versions: Iterable<Trade>): Promise<void> {
  await client.query(
    `CREATE TEMP TABLE IF NOT EXISTS trade_version (account text, node text, trade_id text, version integer, ts bigint,
       side text, mw numeric, price numeric, minutes integer, status text)`,
  );
  let batch: Trade[] = [];
  for (const version of versions) {
    batch.push(version);
    if (batch.length < BATCH) continue;
    await storeBatch(client, batch);
    batch = [];
  }
  await storeBatch(client, batch);
}

async function storeBatch(client: Queryable, batch: readonly Trade[]): Promise<void> {
  await client.query(
    `INSERT INTO pg_temp.trade_version
     SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::integer[], $5::bigint[],
                          $6::text[], $7::numeric[], $8::numeric[], $9::integer[], $10::text[])`,
    [
      batch.map(({ account }) => account),
      batch.map(({ node }) => node),
      batch.map(({ tradeId }) => tradeId),
      batch.map(({ version }) => version),
      batch.map(({ ts }) => ts),
      batch.map(({ side }) => side),
      batch.map(({ mw }) => mw.toString()),
      batch.map(({ price }) => price.toString()),
      batch.map(({ minutes }) => minutes),
      batch.map(({ status }) => status),
    ],
  );
}

/** `%s` is the source. */
const CURRENT = `
  SELECT account, node, ts, trade_id, side, mw * minutes AS size, price
  FROM (SELECT DISTINCT ON (trade_id) * FROM (%s) AS source ORDER BY trade_id, version DESC) AS newest
  WHERE status = 'ACTIVE'`;

const RETURNED = `
  TABLE (account text, node text, quantity numeric, cost numeric, realized numeric, trades integer, lots text[])`;

/** To ten decimals, half away from zero. \`round(a / b, 10)\` would round twice: the quotient of numerics is rounded too. */
const ROUNDED_QUOTIENT = `
CREATE OR REPLACE FUNCTION pg_temp.rounded_quotient(dividend numeric, divisor numeric) RETURNS numeric
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  units numeric := div(abs(dividend) * 1e10, abs(divisor));
BEGIN
  IF 2 * (abs(dividend) * 1e10 - units * abs(divisor)) >= abs(divisor) THEN
    units := units + 1;
  END IF;
  RETURN sign(dividend) * sign(divisor) * units * 1e-10;
END $$`;

const AVERAGE_COST = `
CREATE OR REPLACE FUNCTION pg_temp.average_cost(source text) RETURNS ${RETURNED}
LANGUAGE plpgsql AS $$
DECLARE
  trade record;
  share numeric;
BEGIN
  FOR trade IN EXECUTE format('SELECT * FROM (${CURRENT.replaceAll("'", "''")}) AS t
    ORDER BY account COLLATE "C", node COLLATE "C", ts, trade_id COLLATE "C"', source)
  LOOP
    IF (account, node) IS DISTINCT FROM (trade.account, trade.node) THEN
      IF account IS NOT NULL THEN
        RETURN NEXT;
      END IF;
      account := trade.account;
      node := trade.node;
      quantity := 0;
      cost := 0;
      realized := 0;
      trades := 0;
    END IF;
    trades := trades + 1;
    IF trade.side = 'BUY' AND quantity >= 0 THEN
      quantity := quantity + trade.size;
      cost := cost + trade.size * trade.price;
    ELSIF trade.side = 'SELL' AND quantity <= 0 THEN
      quantity := quantity - trade.size;
      cost := cost - trade.size * trade.price;
    ELSIF trade.size < abs(quantity) THEN
      share := pg_temp.rounded_quotient(cost * trade.size, abs(quantity));
      cost := cost - share;
      IF trade.side = 'SELL' THEN
        quantity := quantity - trade.size;
        realized := realized + trade.size * trade.price - share;
      ELSE
        quantity := quantity + trade.size;
        realized := realized - trade.size * trade.price - share;
      END IF;
    ELSE
      realized := realized + quantity * trade.price - cost;
      quantity := quantity + CASE trade.side WHEN 'BUY' THEN trade.size ELSE -trade.size END;
      cost := quantity * trade.price;
    END IF;
  END LOOP;
  IF account IS NOT NULL THEN
    RETURN NEXT;
  END IF;
END $$`;

const FIFO = `
CREATE OR REPLACE FUNCTION pg_temp.fifo(source text) RETURNS ${RETURNED}
LANGUAGE plpgsql AS $$
BEGIN
  RETURN QUERY EXECUTE format('
    WITH unit AS (
      SELECT t.*, CASE side WHEN ''BUY'' THEN 1 ELSE -1 END AS way,
             sum(size) OVER (PARTITION BY account, node, side ORDER BY ts, trade_id COLLATE "C"
                             ROWS UNBOUNDED PRECEDING) AS upto,
             least(coalesce(sum(size) FILTER (WHERE side = ''BUY'') OVER book, 0),
                   coalesce(sum(size) FILTER (WHERE side = ''SELL'') OVER book, 0)) AS matched
      FROM (${CURRENT.replaceAll("'", "''")}) AS t
      WINDOW book AS (PARTITION BY account, node)
    ), split AS (
      SELECT unit.*, upto - greatest(upto - size, least(upto, matched)) AS open,
             greatest(upto - size, least(upto, matched)) - (upto - size) AS closed
      FROM unit
    )
    SELECT account, node, sum(way * open), sum(way * open * price), sum(-way * closed * price), count(*)::integer,
           coalesce(array_agg(trim_scale(way * open) || '' @ '' || trim_scale(price) ORDER BY ts, trade_id COLLATE "C")
                      FILTER (WHERE open > 0), ''{}'')
    FROM split GROUP BY account, node', source);
END $$`;
