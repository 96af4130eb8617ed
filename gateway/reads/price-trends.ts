import { HOUR_MS } from '../../domain/instant.ts';
import type { MarketRun } from '../../domain/market-run.ts';
import { LIMITS, limitExceeded } from '../../schema/limits.ts';
import type { Range } from '../../schema/question.ts';
import type { PriceTrendRow } from '../../schema/trading-rows.ts';
import { askedNodes, nodeNames } from './asked-nodes.ts';
import { epochMs } from './lmp-parts.ts';
import type { Queryable } from './statement.ts';

interface StoredTrend {
  readonly place: number;
  readonly run: MarketRun;
  readonly count: number;
  readonly first_at: number;
  readonly last_at: number;
  readonly first: number;
  readonly last: number;
  readonly magnitude: number;
  readonly slope: number | null;
  readonly fit: number | null;
  readonly prices_read: number;
}

/** The line is laid through hours since the range begins: seconds since the epoch, squared, would leave few digits for the slope. */
const TEXT = `
  WITH price AS MATERIALIZED (
    SELECT asked.place::int AS place, l.*
    FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS asked (market, name, place)
    JOIN pricing_node AS n ON n.market_id = asked.market AND n.name = asked.name
    CROSS JOIN LATERAL (
      SELECT run, interval_start, lmp FROM lmp
      WHERE node_id = n.id AND ($3::market_run IS NULL OR run = $3) AND interval_start >= $4 AND interval_start < $5
    ) AS l
    LIMIT $6
  )
  SELECT place, run, count(*)::int AS count, ${epochMs('min(interval_start)')} AS first_at,
    ${epochMs('max(interval_start)')} AS last_at,
    (array_agg(lmp ORDER BY interval_start))[1] AS first, (array_agg(lmp ORDER BY interval_start DESC))[1] AS last,
    avg(abs(lmp)) AS magnitude,
    CASE WHEN min(lmp) = max(lmp) AND count(*) > 1 THEN 0 ELSE regr_slope(lmp, hours) END AS slope,
    CASE WHEN min(lmp) < max(lmp) THEN regr_r2(lmp, hours) END AS fit,
    (SELECT count(*) FROM price) AS prices_read
  FROM (SELECT *, date_part('epoch', interval_start - $4) / 3600 AS hours FROM price) AS timed
  GROUP BY place, run
  ORDER BY place, run`;

/** A line that moves by no more of the mean absolute price is flat. */
const FLAT_SHARE = 0.01;

/**
 * In the order asked, then by run; a node without prices in the range is left out. One statement.
 * @throws BusbarError `LIMIT_EXCEEDED` where they would be made of too many prices.
 */
export async function readPriceTrends(
  db: Queryable,
  nodes: readonly string[],
  run: MarketRun | undefined,
  range: Range,
  pricesMax: number = LIMITS.metricPrices,
): Promise<PriceTrendRow[]> {
  const { markets, names } = askedNodes(nodeNames(nodes));
  const values = [markets, names, run ?? null, new Date(range.from), new Date(range.to), pricesMax + 1];
  const { rows } = await db.query<StoredTrend>({ name: 'price-trends', text: TEXT, values });
  const pricesRead = rows.at(0)?.prices_read ?? 0;
  if (pricesRead > pricesMax) throw limitExceeded('metricPrices', pricesRead, 'ask for a shorter range or fewer nodes');
  return rows.map((stored) => trendFrom(nodes[stored.place - 1] ?? '', stored));
}

function trendFrom(node: string, stored: StoredTrend): PriceTrendRow {
  const { run, count, first_at: firstAt, last_at: lastAt, first, last, slope, fit } = stored;
  const change = last - first;
  return {
    node,
    run,
    count,
    firstAt,
    lastAt,
    first,
    last,
    change,
    changePercent: first === 0 ? null : (change / Math.abs(first)) * 100,
    slopePerHour: slope,
    fit,
    direction: directionOf(stored),
  };
}

function directionOf({ slope, first_at, last_at, magnitude }: StoredTrend): PriceTrendRow['direction'] {
  const rise = (slope ?? 0) * ((last_at - first_at) / HOUR_MS);
  if (Math.abs(rise) <= FLAT_SHARE * magnitude) return 'FLAT';
  return rise > 0 ? 'RISING' : 'FALLING';
}
