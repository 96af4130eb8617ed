import { HOUR_MS, MINUTE_MS } from '../../domain/instant.ts';
import { type Market, marketOf, type NodeName } from '../../domain/market.ts';
import { intervalMinutesOf, type MarketRun } from '../../domain/market-run.ts';
import type { LmpSeriesRow, Range, Resolution } from '../../schema/context.ts';
import { LIMITS, limitExceeded } from '../../schema/limits.ts';
import { askedNodes, nodeNames } from './asked-nodes.ts';
import {
  epochMs,
  HOUR_START,
  type PartParameters,
  partsFromDays,
  partsFromHours,
  partsFromPrices,
  prices,
} from './lmp-parts.ts';
import type { Rollups } from './rollups.ts';
import { type Axis, calendarAxis, gridAxis, layOut } from './series-axis.ts';
import type { Queryable } from './statement.ts';

interface SeriesQuestion {
  readonly nodes: readonly string[];
  readonly run: MarketRun;
  readonly range: Range;
  /** Not finer than the run's interval. */
  readonly resolution: Resolution;
  /** What was known at this instant, milliseconds UTC; undefined: what is known now. */
  readonly asOf: number | undefined;
}

type Values = readonly (number | null)[];
type Bucketed = Exclude<Resolution, 'RAW'>;

interface StoredSeries {
  readonly start: readonly number[];
  readonly lmp: Values;
  readonly energy: Values;
  readonly congestion: Values;
  readonly loss: Values;
  readonly min: Values | null;
  readonly max: Values | null;
  readonly open: Values | null;
  readonly close: Values | null;
}

/**
 * One series a node in the order asked, in one statement; an unknown node has a series of gaps.
 * @param now milliseconds UTC: where the future begins, which is not a gap.
 * @throws BusbarError `LIMIT_EXCEEDED` where a node has more prices off the grid than its share of the points.
 */
export async function readLmpSeries(
  db: Queryable,
  rollups: Rollups,
  question: SeriesQuestion,
  now: number,
): Promise<LmpSeriesRow[]> {
  const nodes = nodeNames(question.nodes);
  const axes = axesOf(question);
  const rowsMax = Math.floor(LIMITS.points / Math.max(1, nodes.length));
  const { rows } = await db.query<StoredSeries & { node: NodeName }>(
    statementOf(nodes, question, rollups, axes, rowsMax),
  );
  return rows.map(({ node, ...stored }) => {
    if (stored.start.length > rowsMax) throw tooManyPrices(node, stored.start.length, rowsMax);
    const { run, resolution } = question;
    return { node, run, resolution, ...laidOut(stored, question, axes(marketOf(node)), now) };
  });
}

/** Days and months differ by time zone; each zone's axis is made once. */
function axesOf({ run, range, resolution }: SeriesQuestion): (market: Market) => Axis {
  if (resolution === 'DAY' || resolution === 'MONTH') {
    const unit = resolution === 'DAY' ? 'days' : 'months';
    const byZone = new Map<string, Axis>();
    return ({ timeZone }) => {
      const axis = byZone.get(timeZone) ?? calendarAxis(range, unit, timeZone);
      byZone.set(timeZone, axis);
      return axis;
    };
  }
  const axis = gridAxis(range, stepMsOf(run, resolution));
  return () => axis;
}

function stepMsOf(run: MarketRun, resolution: Resolution): number {
  if (resolution === 'HOUR') return HOUR_MS;
  if (resolution === 'FIFTEEN_MINUTES') return 15 * MINUTE_MS;
  // A tick has no grid; its axis is never laid out, only its bounds are read.
  return (intervalMinutesOf(run) ?? 1) * MINUTE_MS;
}

function laidOut(stored: StoredSeries, { run, resolution }: SeriesQuestion, axis: Axis, now: number): StoredSeries {
  const { start, lmp, energy, congestion, loss, min, max, open, close } = stored;
  if (resolution === 'RAW' && isOffGrid(run, start)) return stored;
  const points = axis.starts(now, start.at(-1));
  const components = layOut({ lmp, energy, congestion, loss }, start, points);
  const extremes = min && max && open && close && layOut({ min, max, open, close }, start, points);
  return { start: points, ...components, ...(extremes ?? { min, max, open, close }) };
}

/** Nulls between ticks at arbitrary times would say that something is missing, and be most of the answer. */
function isOffGrid(run: MarketRun, starts: readonly number[]): boolean {
  const minutes = intervalMinutesOf(run);
  return minutes === null || starts.some((start) => start % (minutes * MINUTE_MS) !== 0);
}

function statementOf(
  nodes: readonly NodeName[],
  { run, range, resolution, asOf }: SeriesQuestion,
  rollups: Rollups,
  axes: (market: Market) => Axis,
  rowsMax: number,
) {
  const { markets, names } = askedNodes(nodes);
  const zones = nodes.map((node) => marketOf(node).timeZone);
  // Raw prices off the grid may start before its first point.
  const bounds = nodes.map((node) => (resolution === 'RAW' ? range : axes(marketOf(node)).bounds));
  const from = bounds.map((each) => new Date(each.from));
  const to = bounds.map((each) => new Date(each.to));
  const values = [markets, names, zones, from, to, run, rowsMax + 1];
  const parameters: PartParameters = { run: '= $6::market_run', asOf: asOf === undefined ? undefined : '$8' };
  const source = asOf === undefined ? rollups : 'as-of';
  return {
    name: `lmp-series-${resolution}-${source}`,
    text: textOf(resolution, source, parameters),
    values: asOf === undefined ? values : [...values, new Date(asOf)],
  };
}

/** One row a node, a column a JSON array: the answer is parsed natively, and no object is made for a point. */
function textOf(resolution: Resolution, source: Rollups | 'as-of', parameters: PartParameters): string {
  const points = resolution === 'RAW' ? rawPoints(parameters) : bucketPoints(resolution, source, parameters);
  const column = (name: string) => `coalesce(json_agg(${name}), '[]') AS ${name}`;
  const extremes = ['min', 'max', 'open', 'close'].map((name) =>
    resolution === 'RAW' ? `NULL AS ${name}` : column(name),
  );
  return `
    SELECT asked.market || ':' || asked.name AS node, series.*
    FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::timestamptz[])
      WITH ORDINALITY AS asked (market, name, zone, lo, hi, place)
    LEFT JOIN pricing_node AS n ON n.market_id = asked.market AND n.name = asked.name
    CROSS JOIN LATERAL (
      SELECT coalesce(json_agg(${epochMs('starts_at')}), '[]') AS start,
        ${['lmp', 'energy', 'congestion', 'loss'].map(column).join(', ')}, ${extremes.join(', ')}
      FROM (${points} ORDER BY starts_at LIMIT $7) AS point
    ) AS series
    ORDER BY asked.place`;
}

function rawPoints(parameters: PartParameters): string {
  return `SELECT interval_start AS starts_at, lmp, energy, congestion, loss FROM (${prices(parameters)}) AS price`;
}

const STARTS_AT: Readonly<Record<Bucketed, string>> = {
  FIFTEEN_MINUTES: `date_bin(INTERVAL '15 minutes', bucket, TIMESTAMPTZ '2000-01-01 00:00:00+00')`,
  HOUR: HOUR_START,
  DAY: 'operating_day::timestamp AT TIME ZONE asked.zone',
  MONTH: `date_trunc('month', operating_day::timestamp) AT TIME ZONE asked.zone`,
};

function bucketPoints(resolution: Bucketed, source: Rollups | 'as-of', parameters: PartParameters): string {
  return `
    SELECT ${STARTS_AT[resolution]} AS starts_at,
      sum(lmp_sum) / sum(weight) AS lmp,
      sum(energy_sum) / sum(energy_weight) AS energy,
      sum(congestion_sum) / sum(congestion_weight) AS congestion,
      sum(loss_sum) / sum(loss_weight) AS loss,
      min(lmp_min) AS min, max(lmp_max) AS max,
      (array_agg(lmp_open ORDER BY bucket))[1] AS open, (array_agg(lmp_close ORDER BY bucket DESC))[1] AS close
    FROM (${partsOf(resolution, source, parameters)}) AS part
    GROUP BY 1`;
}

function partsOf(resolution: Bucketed, source: Rollups | 'as-of', parameters: PartParameters): string {
  if (source !== 'kept' || resolution === 'FIFTEEN_MINUTES') return partsFromPrices(parameters);
  return resolution === 'HOUR' ? partsFromHours(parameters) : partsFromDays(parameters);
}

function tooManyPrices(node: NodeName, asked: number, max: number) {
  return limitExceeded('points', asked, `${node} alone may have ${max} here: ask for a shorter range`);
}
