import { HOUR_MS } from '../../domain/instant.ts';
import type { DartSeriesRow, Range } from '../../schema/context.ts';
import { askedNodes, nodeNames } from './asked-nodes.ts';
import { epochMs, HOUR_START, partsFromHours, partsFromPrices } from './lmp-parts.ts';
import type { Rollups } from './rollups.ts';
import { gridAxis, layOut } from './series-axis.ts';
import type { Queryable } from './statement.ts';

type Values = readonly (number | null)[];

interface StoredSpread {
  readonly node: string;
  readonly start: readonly number[];
  readonly dayAhead: Values;
  readonly realTime: Values;
  readonly spread: Values;
}

const average = (run: string) =>
  `sum(lmp_sum) FILTER (WHERE run = '${run}') / sum(weight) FILTER (WHERE run = '${run}')`;

const PARAMETERS = {
  run: `IN ('DAY_AHEAD_HOURLY', 'REAL_TIME_HOURLY', 'REAL_TIME_5_MIN', 'REAL_TIME_15_MIN')`,
};

/** An hourly price that was published is never replaced by a mean of shorter ones (RULES 7). */
const TEXT = (parts: string) => `
  SELECT named.market || ':' || named.name AS node, series.*
  FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS named (market, name, place)
  CROSS JOIN (SELECT $3::timestamptz AS lo, $4::timestamptz AS hi) AS asked
  LEFT JOIN pricing_node AS n ON n.market_id = named.market AND n.name = named.name
  CROSS JOIN LATERAL (
    SELECT coalesce(json_agg(${epochMs('starts_at')}), '[]') AS start,
      coalesce(json_agg(day_ahead), '[]') AS "dayAhead",
      coalesce(json_agg(real_time), '[]') AS "realTime",
      coalesce(json_agg(day_ahead - real_time), '[]') AS spread
    FROM (
      SELECT ${HOUR_START} AS starts_at,
        ${average('DAY_AHEAD_HOURLY')} AS day_ahead,
        coalesce(${average('REAL_TIME_HOURLY')}, ${average('REAL_TIME_5_MIN')}, ${average('REAL_TIME_15_MIN')}) AS real_time
      FROM (${parts}) AS part
      GROUP BY 1
      ORDER BY 1
    ) AS point
  ) AS series
  ORDER BY named.place`;

const TEXTS: Readonly<Record<Rollups, string>> = {
  kept: TEXT(partsFromHours(PARAMETERS)),
  computed: TEXT(partsFromPrices(PARAMETERS)),
};

/**
 * Day-ahead minus real-time, hour by hour (RULES 8), one series a node in the order asked.
 * @param range hours that start in it.
 * @param now milliseconds UTC: where the future begins, which is not a gap.
 */
export async function readDartSpread(
  db: Queryable,
  rollups: Rollups,
  nodes: readonly string[],
  range: Range,
  now: number,
): Promise<DartSeriesRow[]> {
  const { markets, names } = askedNodes(nodeNames(nodes));
  const axis = gridAxis(range, HOUR_MS);
  const values = [markets, names, new Date(axis.bounds.from), new Date(axis.bounds.to)];
  const { rows } = await db.query<StoredSpread>({ name: `dart-spread-${rollups}`, text: TEXTS[rollups], values });
  return rows.map(({ node, start, ...columns }) => {
    const points = axis.starts(now, start.at(-1));
    return { node, start: points, ...layOut(columns, start, points) };
  });
}
