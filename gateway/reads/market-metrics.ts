import { HOUR_MS } from '../../domain/instant.ts';
import { localNameOf } from '../../domain/market.ts';
import { MARKET_RUNS, type MarketRun } from '../../domain/market-run.ts';
import { LIMITS, limitExceeded } from '../../schema/limits.ts';
import type {
  DartStatistics,
  MarketMetricRow,
  MarketMetricsQuestion,
  MetricWindow,
} from '../../schema/trading-rows.ts';
import { nodeName } from './asked-nodes.ts';
import { epochMs, HOUR_START, WEIGHT } from './lmp-parts.ts';
import { gridAxis } from './series-axis.ts';
import type { Queryable } from './statement.ts';

/** Numbers of the day-ahead run's spread are null where no hour has both prices. */
interface StoredMetric {
  readonly node: string | null;
  /** Null in the one row there is where there are no statistics. */
  readonly run: MarketRun | null;
  readonly starts_at: number;
  readonly ends_at: number;
  readonly count: number;
  readonly average: number;
  readonly min: number;
  readonly max: number;
  readonly deviation: number | null;
  readonly volatility: number | null;
  readonly hours: number | null;
  readonly spread_average: number;
  readonly spread_min: number;
  readonly spread_max: number;
  readonly spread_deviation: number | null;
  readonly positive_share: number;
  readonly prices_read: number;
}

/** Each window as `[starts_at, ends_at)` of an interval that starts at `interval_start` on its `operating_day`. */
const WINDOWS: Readonly<Record<MetricWindow, { start: string; end: string }>> = {
  RANGE: { start: '$3::timestamptz', end: '$4::timestamptz' },
  HOUR: hourWindow(),
  DAY: { start: localMidnight('operating_day'), end: localMidnight('operating_day + 1') },
  MONTH: {
    start: localMidnight(`date_trunc('month', operating_day)`),
    end: localMidnight(`date_trunc('month', operating_day) + INTERVAL '1 month'`),
  },
};

function hourWindow() {
  const start = `date_bin(INTERVAL '1 hour', interval_start, TIMESTAMPTZ '2000-01-01 00:00:00+00')`;
  return { start, end: `${start} + INTERVAL '1 hour'` };
}

function localMidnight(day: string): string {
  return `(${day})::timestamp AT TIME ZONE m.time_zone`;
}

/** What an hourly spread is made of, as in `dartSpread`. */
const DART_RUNS: readonly MarketRun[] = ['DAY_AHEAD_HOURLY', 'REAL_TIME_HOURLY', 'REAL_TIME_5_MIN', 'REAL_TIME_15_MIN'];

/**
 * Statistics of each node, or of all together, by run and window, in one statement.
 *
 * The prices are read once, at most one more than may be, which tells that there are too many.
 * @throws BusbarError `LIMIT_EXCEEDED`.
 */
export async function readMarketMetrics(
  db: Queryable,
  question: MarketMetricsQuestion,
  pricesMax: number = LIMITS.metricPrices,
): Promise<MarketMetricRow[]> {
  const { market, node, run, from, to, window, by } = question;
  const shown = run ? [run] : MARKET_RUNS;
  const hasDart = shown.includes('DAY_AHEAD_HOURLY');
  const read = hasDart ? [...new Set([...shown, ...DART_RUNS])] : shown;
  // Hours of the spread that start in the range are whole, as in `dartSpread`.
  const end = hasDart ? gridAxis({ from, to }, HOUR_MS).bounds.to : to;
  const name = node === undefined ? null : localNameOf(nodeName(node));
  const instants = [from, to, end].map((instant) => new Date(instant));
  const values = [market, name, ...instants, read, shown, DART_RUNS, pricesMax + 1];
  const { rows } = await db.query<StoredMetric>({
    name: `market-metrics-${window}-${by}`,
    text: textOf(window, by),
    values,
  });
  const pricesRead = rows.at(0)?.prices_read ?? 0;
  if (pricesRead > pricesMax)
    throw limitExceeded('metricPrices', pricesRead, 'ask for a shorter range, a node or a run');
  return rows.flatMap((stored) => metricsFrom(market, stored));
}

function metricsFrom(market: string, stored: StoredMetric): MarketMetricRow[] {
  const { node, run, count, average, min, max, deviation, volatility } = stored;
  if (run === null) return [];
  const metric = {
    market,
    node: node === null ? null : `${market}:${node}`,
    run,
    startAt: stored.starts_at,
    endAt: stored.ends_at,
    count,
    average,
    min,
    max,
    deviation,
    volatility,
    dart: dartFrom(stored),
  };
  return [metric];
}

function dartFrom({ hours, ...stored }: StoredMetric): DartStatistics | null {
  if (hours === null) return null;
  return {
    hours,
    average: stored.spread_average,
    min: stored.spread_min,
    max: stored.spread_max,
    deviation: stored.spread_deviation,
    positiveShare: stored.positive_share,
  };
}

function textOf(window: MetricWindow, by: MarketMetricsQuestion['by']): string {
  const { start, end } = WINDOWS[window];
  const ofNode = by === 'NODE' ? 'node_id' : 'NULL::int';
  return `
    WITH price AS MATERIALIZED (
      SELECT n.id AS node_id, l.run, l.interval_start, l.lmp, l.weight,
        greatest(${start}, $3) AS starts_at, least(${end}, $4) AS ends_at
      FROM pricing_node AS n
      JOIN market AS m ON m.id = n.market_id
      CROSS JOIN LATERAL (
        SELECT run, interval_start, operating_day, lmp, ${WEIGHT} AS weight FROM lmp
        WHERE node_id = n.id AND run = ANY($6::market_run[]) AND interval_start >= $3 AND interval_start < $5
          AND (interval_start < $4 OR run = ANY($8::market_run[]))
      ) AS l
      WHERE n.market_id = $1 AND ($2::text IS NULL OR n.name = $2)
      LIMIT $9
    ),
    metric AS (
      SELECT ${ofNode} AS of_node, run, starts_at, ends_at, count(*)::int AS count,
        sum(lmp * weight) / sum(weight) AS average, min(lmp), max(lmp),
        stddev_samp(lmp) AS deviation, stddev_samp((lmp - previous) / nullif(abs(previous), 0)) AS volatility
      FROM (
        SELECT *, lag(lmp) OVER (PARTITION BY node_id, run ORDER BY interval_start) AS previous
        FROM price WHERE run = ANY($7::market_run[]) AND interval_start < $4
      ) AS stepped
      GROUP BY 1, 2, 3, 4
    ),
    dart AS (
      SELECT ${ofNode} AS of_node, starts_at, count(*)::int AS hours, avg(spread) AS spread_average,
        min(spread) AS spread_min, max(spread) AS spread_max, stddev_samp(spread) AS spread_deviation,
        avg((spread > 0)::int)::float8 AS positive_share
      FROM (
        SELECT node_id, starts_at, ${HOURLY_SPREAD} AS spread
        FROM (SELECT *, interval_start AS bucket FROM price) AS part
        GROUP BY node_id, starts_at, ${HOUR_START}
      ) AS hourly
      WHERE spread IS NOT NULL
      GROUP BY 1, 2
    )
    SELECT n.name AS node, run, ${epochMs('metric.starts_at')} AS starts_at, ${epochMs('ends_at')} AS ends_at, count, average,
      min, max, deviation, volatility, hours, spread_average, spread_min, spread_max, spread_deviation, positive_share,
      prices_read
    FROM (SELECT count(*) AS prices_read FROM price) AS total
    LEFT JOIN metric ON true
    LEFT JOIN dart
      ON run = 'DAY_AHEAD_HOURLY' AND dart.starts_at = metric.starts_at AND dart.of_node IS NOT DISTINCT FROM metric.of_node
    LEFT JOIN pricing_node AS n ON n.id = metric.of_node
    ORDER BY n.name COLLATE "C", run, metric.starts_at`;
}

const HOURLY_SPREAD = `${hourly('DAY_AHEAD_HOURLY')} - coalesce(${['REAL_TIME_HOURLY', 'REAL_TIME_5_MIN', 'REAL_TIME_15_MIN'].map(hourly).join(', ')})`;

function hourly(run: string): string {
  return `sum(lmp * weight) FILTER (WHERE run = '${run}') / sum(weight) FILTER (WHERE run = '${run}')`;
}
