import type pg from 'pg';
import { type Price, type Prices, priceKey, priceText } from './price-series.ts';

interface StoredRow extends Price {
  readonly node: string;
  readonly startAt: number;
  readonly revision: number;
}

/** Every version the table and its history hold, a node at a time: a million at once would not fit an answer. */
export async function storedPrices(pool: pg.Pool): Promise<Prices> {
  const prices = new Map<string, string>();
  const { rows: nodes } = await pool.query<{ id: number }>('SELECT id FROM pricing_node ORDER BY id');
  for (const { id } of nodes) {
    const { rows } = await pool.query<StoredRow>({ name: 'stored-prices', text: VERSIONS_OF_NODE, values: [id] });
    for (const row of rows) prices.set(priceKey(row.node, row.startAt, row.revision), priceText(row));
  }
  return prices;
}

const VERSIONS_OF_NODE = `
  SELECT n.market_id || ':' || n.name AS node, (extract(epoch FROM interval_start) * 1000)::float8 AS "startAt",
         revision, lmp, energy, congestion, loss
  FROM (SELECT node_id, interval_start, revision, lmp, energy, congestion, loss FROM lmp
        UNION ALL SELECT node_id, interval_start, revision, lmp, energy, congestion, loss FROM lmp_revision) AS version
  JOIN pricing_node AS n ON n.id = node_id
  WHERE node_id = $1`;

/** @returns how many prices are missing, differ, or should not be there. */
export function wrongPrices(stored: Prices, oracle: Prices): number {
  let wrong = 0;
  for (const [key, price] of oracle) if (stored.get(key) !== price) wrong += 1;
  for (const key of stored.keys()) if (!oracle.has(key)) wrong += 1;
  return wrong;
}
