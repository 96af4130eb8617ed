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
 * Each node gives at most a page, from its own place in its key; the pages are then merged and cut to one.
 * @param columns of `lmp AS l`, and of `asked (market, name, start_min, place)`: the nodes of `lmpsValues`, counted from 1.
 */
export function lmpsText(columns: string): string {
  return `
    SELECT ${columns}
    FROM unnest($1::text[], $2::text[], $3::timestamptz[]) WITH ORDINALITY AS asked (market, name, start_min, place)
    JOIN pricing_node AS n ON n.market_id = asked.market AND n.name = asked.name
    CROSS JOIN LATERAL (
      SELECT * FROM lmp
      WHERE node_id = n.id AND run = $4::market_run AND interval_start >= asked.start_min AND interval_start < $5
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
  const startsMin = sorted.map((node) => new Date(startMin(node, range, page.after)));
  return { nodes: sorted, values: [markets, names, startsMin, run, new Date(range.to), page.first + 1] };
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

/** Interval starts are whole milliseconds in the store, so that "later than" is "from the next millisecond on". */
function startMin(node: string, { from }: Range, after: LmpPosition | undefined): number {
  if (after === undefined) return from;
  return Math.max(from, node > after.node ? after.startAt : after.startAt + 1);
}
