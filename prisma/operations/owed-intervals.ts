import { BusbarError } from '../../domain/errors.ts';
import type { MarketRun } from '../../domain/market-run.ts';
import type { Queryable } from '../queryable.ts';
import { findFeed, partitionsOf, requireRange } from './jobs.ts';

/** Delivery intervals that start in `[from, to)`, in milliseconds UTC. */
export interface CompletenessQuestion {
  /** A feed's id, or a stream's name. */
  readonly feed: string;
  /** Undefined: all of them. */
  readonly partitions?: readonly string[] | undefined;
  /** `MARKET:NAME`; undefined: every one that is owed. */
  readonly nodes?: readonly string[] | undefined;
  /** At most nodes of these, and partitions that owe any of theirs; undefined: of any. */
  readonly markets?: readonly string[] | undefined;
  readonly from: number;
  readonly to: number;
}

/** What a partition owes: `count` intervals on the grid from `first` on, for each of the nodes. Milliseconds UTC. */
export interface OwedIntervals {
  readonly partition: string;
  readonly run: MarketRun;
  readonly intervalMs: number;
  readonly dueMs: number;
  readonly first: number;
  readonly count: number;
  readonly nodes: readonly OwedNode[];
}

export interface OwedNode {
  /** `MARKET:NAME`. */
  readonly name: string;
  /** Null: never seen. */
  readonly id: number | null;
}

type Expectation = Omit<OwedIntervals, 'first' | 'count'>;

/**
 * What is due by `now`, by partition: intervals on the grid of UTC, which a market's days of 23 and 25 hours do not bend.
 *
 * A partition that owes "the nodes that have prices" owes those that have one in the range: where nothing at all came
 * of a node, that is no gap, and `nodes: []` says so.
 * @returns null where the partitions asked for owe nothing that could be told.
 * @throws BusbarError `NOT_FOUND`; `BAD_USER_INPUT` for an empty range; `LIMIT_EXCEEDED` for too many
 *   node-intervals, with both numbers.
 */
export async function readOwedIntervals(
  db: Queryable,
  asked: CompletenessQuestion,
  now: number,
  nodeIntervalsMax: number,
): Promise<OwedIntervals[] | null> {
  requireRange(asked);
  const part = await findFeed(db, asked.feed);
  const { rows } = await db.query<Expectation>({
    name: 'owed-intervals',
    text: EXPECTATIONS,
    values: [
      part.feed,
      partitionsOf(part, asked.partitions) ?? null,
      asked.nodes ?? null,
      new Date(asked.from),
      new Date(asked.to),
      asked.markets ?? null,
    ],
  });
  if (rows.length === 0) return null;
  const owed = rows.map((row) => ({ ...row, ...dueIntervals(row, asked, now) }));
  requireWithin(owed, nodeIntervalsMax);
  return owed;
}

/** The market's nodes are probed one by one, an index lookup each, rather than all prices of the range read. */
const EXPECTATIONS = `
  SELECT e.partition, e.run, e.interval_ms AS "intervalMs", e.due_ms AS "dueMs", owed.nodes
  FROM feed_expectation AS e
  CROSS JOIN LATERAL (
    SELECT coalesce(json_agg(json_build_object('name', name, 'id', id) ORDER BY name COLLATE "C"), '[]') AS nodes
    FROM (
      SELECT DISTINCT named.name, n.id
      FROM unnest(e.nodes) AS named (name)
      LEFT JOIN pricing_node AS n
        ON n.market_id = split_part(named.name, ':', 1) AND n.name = substr(named.name, strpos(named.name, ':') + 1)
      UNION ALL
      SELECT n.market_id || ':' || n.name, n.id
      FROM pricing_node AS n
      CROSS JOIN LATERAL (
        SELECT FROM lmp
        WHERE node_id = n.id AND run = e.run AND interval_start >= $4 AND interval_start < $5
        LIMIT 1
      ) AS priced
      WHERE n.market_id = e.market_id AND coalesce(cardinality(e.nodes), 0) = 0
    ) AS node
    WHERE ($3::text[] IS NULL OR name = ANY($3)) AND ($6::text[] IS NULL OR split_part(name, ':', 1) = ANY($6))
  ) AS owed
  WHERE e.feed_id = $1 AND ($2::text[] IS NULL OR e.partition = ANY($2)) AND ($6::text[] IS NULL OR e.market_id = ANY($6))
  ORDER BY e.partition COLLATE "C"`;

function dueIntervals(
  { intervalMs, dueMs }: Expectation,
  { from, to }: CompletenessQuestion,
  now: number,
): { first: number; count: number } {
  const first = Math.ceil(from / intervalMs) * intervalMs;
  // Due at `now` sharp is due.
  const end = Math.min(to, now - dueMs + 1);
  return { first, count: Math.max(0, Math.ceil((end - first) / intervalMs)) };
}

function requireWithin(owed: readonly OwedIntervals[], max: number): void {
  const asked = owed.reduce((sum, { nodes, count }) => sum + nodes.length * count, 0);
  if (asked <= max) return;
  const message = `node-intervals: ${asked} asked for, at most ${max}; ask for a shorter range or fewer nodes`;
  throw new BusbarError('LIMIT_EXCEEDED', message, { details: { limit: 'nodeIntervals', max, asked } });
}
