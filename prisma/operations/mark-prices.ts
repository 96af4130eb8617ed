import type pg from 'pg';
import { markableStarts, markPriceOf, type RunPrice } from '../../domain/mark-price.ts';
import type { MarketRun } from '../../domain/market-run.ts';
import { ms } from '../instants.ts';

interface Queryable {
  query<Row extends pg.QueryResultRow>(statement: {
    readonly name: string;
    readonly text: string;
    readonly values: unknown[];
  }): Promise<{ rows: Row[] }>;
}

/** The newest price of a node in a run. */
export interface StoredRunPrice extends RunPrice {
  readonly nodeId: number;
  /** `MARKET:NAME`. */
  readonly node: string;
}

/** Market and local name of each, in columns of equal length. */
interface NamedNodes {
  readonly markets: readonly string[];
  readonly names: readonly string[];
}

/** Which nodes: by their ids, or by their names. */
export type AskedNodes = { readonly ids: readonly number[] } | NamedNodes;

/**
 * Of each node the newest price of each run that marks now, in any order: `markPriceOf` chooses among them.
 * @param now milliseconds UTC.
 */
export async function readRunPrices(
  db: Queryable,
  asked: AskedNodes,
  runs: readonly MarketRun[],
  now: number,
): Promise<StoredRunPrice[]> {
  const { after, upTo } = markableStarts(now);
  const values = [runs, new Date(after), new Date(upTo)];
  const query =
    'ids' in asked
      ? { name: 'run-prices-by-id', text: NEWEST_BY_ID, values: [...values, asked.ids] }
      : { name: 'run-prices-by-name', text: NEWEST_BY_NAME, values: [...values, asked.markets, asked.names] };
  const { rows } = await db.query<StoredRunPrice>(query);
  return rows;
}

/**
 * Of each node and run the earliest prices that do not mark yet, in any order.
 * @param now milliseconds UTC.
 * @param max of one node and run.
 */
export async function readRunPricesAhead(
  db: Queryable,
  { markets, names }: NamedNodes,
  runs: readonly MarketRun[],
  now: number,
  max: number,
): Promise<StoredRunPrice[]> {
  const values = [runs, new Date(markableStarts(now).upTo), max, markets, names];
  const { rows } = await db.query<StoredRunPrice>({ name: 'run-prices-ahead', text: AHEAD_BY_NAME, values });
  return rows;
}

/** By node id. */
export type MarkPrices = ReadonlyMap<number, StoredRunPrice>;

/** The prices that positions are marked at. */
export async function readMarkPrices(
  db: Queryable,
  nodeIds: readonly number[],
  runs: readonly MarketRun[],
  now: number,
): Promise<MarkPrices> {
  const byNode = new Map<number, StoredRunPrice[]>(nodeIds.map((id) => [id, []]));
  for (const price of await readRunPrices(db, { ids: [...byNode.keys()] }, runs, now)) {
    byNode.get(price.nodeId)?.push(price);
  }
  const marks = new Map<number, StoredRunPrice>();
  for (const [id, prices] of byNode) {
    const mark = markPriceOf(prices, runs, now);
    if (mark) marks.set(id, mark);
  }
  return marks;
}

/**
 * Steps along the primary key for each node and run.
 * @param nodes SQL that joins `pricing_node AS n` with those asked for.
 * @param picked SQL: which prices of one node and run.
 */
const pricesOf = (nodes: string, picked: string) => `
  SELECT n.id AS "nodeId", n.market_id || ':' || n.name AS node, l.*
  FROM ${nodes}
  CROSS JOIN unnest($1::market_run[]) AS wanted (run)
  CROSS JOIN LATERAL (
    SELECT run, ${ms('interval_start')} AS "startAt", revision, lmp, ${ms('published_at')} AS "publishedAt" FROM lmp
    WHERE node_id = n.id AND run = wanted.run AND ${picked}
  ) AS l`;

const NEWEST = 'interval_start > $2 AND interval_start <= $3 ORDER BY interval_start DESC LIMIT 1';
const AHEAD = 'interval_start > $2 ORDER BY interval_start LIMIT $3';

const NAMED_NODES = `unnest($4::text[], $5::text[]) AS asked (market, name)
   JOIN pricing_node AS n ON n.market_id = asked.market AND n.name = asked.name`;

const NEWEST_BY_ID = pricesOf('unnest($4::int4[]) AS asked (id) JOIN pricing_node AS n ON n.id = asked.id', NEWEST);
const NEWEST_BY_NAME = pricesOf(NAMED_NODES, NEWEST);
const AHEAD_BY_NAME = pricesOf(NAMED_NODES, AHEAD);
