import type { Block } from '../../domain/blocks.ts';
import type { NodeName } from '../../domain/market.ts';
import { intervalMinutesOf, type MarketRun } from '../../domain/market-run.ts';
import type { Range, Resolution } from '../../schema/context.ts';
import { holidayDays, inBlock, JOIN_PEAK } from './block-hours.ts';
import {
  HOUR_START,
  type PartParameters,
  partsFromDays,
  partsFromHours,
  partsFromPrices,
  prices,
} from './lmp-parts.ts';
import { askedSeries, seriesColumn, seriesOf } from './node-series.ts';
import type { Rollups } from './rollups.ts';
import type { Statement } from './statement.ts';

/** What is asked of every node. */
export interface SeriesQuestion {
  readonly run: MarketRun;
  readonly range: Range;
  /** Not finer than the run's interval. */
  readonly resolution: Resolution;
  /** What was known at this instant, milliseconds UTC; undefined: what is known now. */
  readonly asOf: number | undefined;
  readonly block: Block;
}

export const SERIES_COLUMNS = ['lmp', 'energy', 'congestion', 'loss', 'min', 'max', 'open', 'close'] as const;

export type SeriesColumn = (typeof SERIES_COLUMNS)[number];

/** Some columns of the points, as the texts of JSON arrays. */
export interface SeriesShape {
  readonly columns: readonly SeriesColumn[];
  /** Of the columns, short: a statement's name has 63 characters. */
  readonly name: string;
}

/**
 * One statement for all nodes, whatever they are.
 * @param bounds of each node's points.
 * @param rowsMax how many points a node may have; one more is read of those that have more.
 * @param shape without it, all columns as JSON arrays, which the driver parses.
 */
export function seriesStatement(
  nodes: readonly NodeName[],
  bounds: readonly Range[],
  { run, range, resolution, asOf, block }: SeriesQuestion,
  rollups: Rollups,
  rowsMax: number,
  shape?: SeriesShape,
): Statement {
  const values = [...askedSeries(nodes, bounds), run, rowsMax + 1];
  const placed = (value: unknown) => `$${values.push(value)}`;
  const source = asOf !== undefined ? 'as-of' : readsRollups({ run, resolution, asOf }) ? rollups : 'computed';
  const parts: PartParameters = {
    run: '= $6::market_run',
    asOf: asOf === undefined ? undefined : placed(new Date(asOf)),
  };
  const hours: Hours = block === 'ATC' ? undefined : { block, holidays: placed(holidayDays(range)) };
  const name = ['lmp-series', resolution, source, block, ...(shape ? [shape.name] : [])].join('-');
  const text = texts.get(name) ?? textOf({ resolution, source, parts, hours, shape });
  texts.set(name, text);
  return { name, text, values };
}

/**
 * Whether points are made of rollups, where the store keeps them. Hours of hourly prices are the prices: as many rows either way,
 * and these follow a correction at once.
 */
export function readsRollups({ run, resolution, asOf }: Pick<SeriesQuestion, 'run' | 'resolution' | 'asOf'>): boolean {
  if (asOf !== undefined || resolution === 'RAW' || resolution === 'FIFTEEN_MINUTES') return false;
  return resolution !== 'HOUR' || intervalMinutesOf(run) !== 60;
}

/** Texts by the names of their statements, of which there are only so many. */
const texts = new Map<string, string>();

type Bucketed = Exclude<Resolution, 'RAW'>;

/** Undefined: all hours. */
type Hours = { readonly block: Exclude<Block, 'ATC'>; readonly holidays: string } | undefined;

interface Text {
  readonly resolution: Resolution;
  readonly source: Rollups | 'as-of';
  readonly parts: PartParameters;
  readonly hours: Hours;
  readonly shape: SeriesShape | undefined;
}

const EXTREMES: ReadonlySet<SeriesColumn> = new Set(['min', 'max', 'open', 'close']);

function textOf(text: Text): string {
  const { resolution, hours, shape } = text;
  const points = resolution === 'RAW' ? rawPoints(text) : bucketPoints({ ...text, resolution });
  const as = shape ? 'text' : 'json';
  const columns = (shape?.columns ?? SERIES_COLUMNS).map((name) =>
    resolution === 'RAW' && EXTREMES.has(name) ? `NULL AS ${name}` : seriesColumn(name, name, as),
  );
  return seriesOf({ points: `${points} ORDER BY starts_at LIMIT $7`, columns, join: hours ? JOIN_PEAK : '', as });
}

function rawPoints({ parts, hours }: Text): string {
  return `
    SELECT interval_start AS starts_at, lmp, energy, congestion, loss
    FROM (${prices(parts)}) AS price ${onlyIn(hours, 'interval_start')}`;
}

function onlyIn(hours: Hours, startsAt: string): string {
  return hours ? `WHERE ${inBlock(hours.block, startsAt, hours.holidays)}` : '';
}

const STARTS_AT: Readonly<Record<Bucketed, string>> = {
  FIFTEEN_MINUTES: `date_bin(INTERVAL '15 minutes', bucket, TIMESTAMPTZ '2000-01-01 00:00:00+00')`,
  HOUR: HOUR_START,
  DAY: 'operating_day::timestamp AT TIME ZONE asked.zone',
  MONTH: `date_trunc('month', operating_day::timestamp) AT TIME ZONE asked.zone`,
};

type BucketText = Text & { readonly resolution: Bucketed };

/** A row a point that has prices, unordered, beside an `asked (lo, hi, zone)` and the node `n`. */
export function bucketPoints(text: Omit<BucketText, 'shape'>): string {
  return `
    SELECT ${STARTS_AT[text.resolution]} AS starts_at,
      sum(lmp_sum) / sum(weight) AS lmp,
      sum(energy_sum) / sum(energy_weight) AS energy,
      sum(congestion_sum) / sum(congestion_weight) AS congestion,
      sum(loss_sum) / sum(loss_weight) AS loss,
      min(lmp_min) AS min, max(lmp_max) AS max,
      (array_agg(lmp_open ORDER BY bucket))[1] AS open, (array_agg(lmp_close ORDER BY bucket DESC))[1] AS close
    FROM (${partsOf(text)}) AS part ${onlyIn(text.hours, 'bucket')}
    GROUP BY 1`;
}

function partsOf({ resolution, source, parts, hours }: Omit<BucketText, 'shape'>): string {
  if (source !== 'kept' || resolution === 'FIFTEEN_MINUTES') return partsFromPrices(parts);
  // A day holds hours of several blocks, an hour only of one.
  return resolution === 'HOUR' || hours ? partsFromHours(parts) : partsFromDays(parts);
}
