import type { MarketRun } from '../../domain/market-run.ts';
import type { LmpRow } from '../../schema/context.ts';
import { askedNodes, nodeNames } from './asked-nodes.ts';
import { LMP_COLUMNS, lmpRowFrom, type StoredLmp } from './lmp-row.ts';
import type { Queryable } from './statement.ts';

/**
 * One step down the primary key a node, however long its history is. The nodes are `$1` (markets) and `$2` (names), the run `$3`.
 * @param columns of `lmp AS l`, and of `asked (market, name, place)`: the nodes, counted from 1.
 */
export function latestLmpText(columns: string): string {
  return `
    SELECT ${columns}
    FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS asked (market, name, place)
    JOIN pricing_node AS n ON n.market_id = asked.market AND n.name = asked.name
    CROSS JOIN LATERAL (
      SELECT * FROM lmp WHERE node_id = n.id AND run = $3::market_run ORDER BY interval_start DESC LIMIT 1
    ) AS l
    ORDER BY asked.place`;
}

const TEXT = latestLmpText(LMP_COLUMNS);

/**
 * The price of the newest delivery interval of each node.
 * @returns in the order asked; nodes without prices are left out.
 */
export async function readLatestLmp(db: Queryable, nodes: readonly string[], run: MarketRun): Promise<LmpRow[]> {
  const { markets, names } = askedNodes(nodeNames(nodes));
  const { rows } = await db.query<StoredLmp>({ name: 'latest-lmp', text: TEXT, values: [markets, names, run] });
  return rows.map(lmpRowFrom);
}
