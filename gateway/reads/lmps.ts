import type { NodeName } from '../../domain/market.ts';
import type { MarketRun } from '../../domain/market-run.ts';
import type { LmpRow, Page, Range, Slice } from '../../schema/context.ts';
import { askedNodes, nodeNames } from './asked-nodes.ts';
import { LMP_COLUMNS, lmpRowFrom, type StoredLmp } from './lmp-row.ts';
import { sliceFrom } from './slice.ts';
import type { Queryable } from './statement.ts';

/** Where a page ended. */
export interface LmpPosition {
  readonly startAt: number;
  readonly node: string;
}

export interface LmpsQuestion {
  readonly nodes: readonly string[];
  readonly run: MarketRun;
  readonly range: Range;
  readonly page: Page<LmpPosition>;
}

/**
 * Each node gives at most a page, from its place in its key; the pages are then merged and cut to one.
 *
 * Both bounds are the same for all nodes, so that the planner knows from the statistics how much lies between them, and walks the
 * key for a page of it. With a bound of each node's own it guessed 1 in 200 prices, which it fetched all and sorted: up to the
 * whole history, 513 ms at a million rows where a page takes 3.
 * @param columns of `lmp AS l`, and of `asked (market, name, place)`: the nodes of `lmpsValues`, counted from 1.
 */
export function lmpsText(columns: string): string {
  return `
    SELECT ${columns}
    FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS asked (market, name, place)
    JOIN pricing_node AS n ON n.market_id = asked.market AND n.name = asked.name
    CROSS JOIN LATERAL (
      SELECT * FROM lmp
      WHERE node_id = n.id AND run = $3::market_run AND interval_start >= $4 AND interval_start < $5
        AND (interval_start > $4 OR asked.place > $7)
      ORDER BY interval_start
      LIMIT $6
    ) AS l
    ORDER BY l.interval_start, asked.place
    LIMIT $6`;
}

/** One row more than the page holds: it only tells that there is more. */
export function lmpsValues({ nodes, run, range, page }: LmpsQuestion): { nodes: NodeName[]; values: unknown[] } {
  const sorted = nodeNames([...nodes].sort());
  const { markets, names } = askedNodes(sorted);
  const { startMin, nodesDone } = beginningOf(sorted, range, page.after);
  const values = [markets, names, run, new Date(startMin), new Date(range.to), page.first + 1, nodesDone];
  return { nodes: sorted, values };
}

const TEXT = lmpsText(LMP_COLUMNS);

/**
 * A page of prices by (interval start, node name). Prices that come in meanwhile move no page: each begins behind the
 * last row of the one before, not behind a number of rows.
 */
export async function readLmps(
  db: Queryable,
  nodes: readonly string[],
  run: MarketRun,
  range: Range,
  page: Page<LmpPosition>,
): Promise<Slice<LmpRow>> {
  const { values } = lmpsValues({ nodes, run, range, page });
  const { rows } = await db.query<StoredLmp>({ name: 'lmps', text: TEXT, values });
  return sliceFrom(rows.map(lmpRowFrom), page);
}

/** Where a page begins: of the first interval start, so many nodes were on the page before. */
function beginningOf(sorted: readonly NodeName[], { from }: Range, after: LmpPosition | undefined) {
  if (after === undefined || after.startAt < from) return { startMin: from, nodesDone: 0 };
  return { startMin: after.startAt, nodesDone: sorted.filter((node) => node <= after.node).length };
}
