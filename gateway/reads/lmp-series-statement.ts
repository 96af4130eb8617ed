import type { Block } from '../../domain/blocks.ts';
import { marketOf, type NodeName } from '../../domain/market.ts';
import type { MarketRun } from '../../domain/market-run.ts';
import type { Range, Resolution } from '../../schema/context.ts';
import { askedNodes } from './asked-nodes.ts';
import { holidayDays, inBlock, JOIN_PEAK } from './block-hours.ts';
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

/**
 * One statement for all nodes, whatever they are.
 * @param bounds of each node's points.
 * @param rowsMax how many points a node may have; one more is read of those that have more.
 */
export function seriesStatement(
  nodes: readonly NodeName[],
  bounds: readonly Range[],
  { run, range, resolution, asOf, block }: SeriesQuestion,
  rollups: Rollups,
  rowsMax: number,
): Statement {
  const { markets, names } = askedNodes(nodes);
  const zones = nodes.map((node) => marketOf(node).timeZone);
  const from = bounds.map((each) => new Date(each.from));
  const to = bounds.map((each) => new Date(each.to));
  const values: unknown[] = [markets, names, zones, from, to, run, rowsMax + 1];
  const placed = (value: unknown) => `$${values.push(value)}`;
  const source = asOf === undefined ? rollups : 'as-of';
  const parts: PartParameters = {
    run: '= $6::market_run',
    asOf: asOf === undefined ? undefined : placed(new Date(asOf)),
  };
  const hours: Hours = block === 'ATC' ? undefined : { block, holidays: placed(holidayDays(range)) };
  const text = textOf({ resolution, source, parts, hours });
  return { name: `lmp-series-${resolution}-${source}-${block}`, text, values };
}

type Bucketed = Exclude<Resolution, 'RAW'>;

/** Undefined: all hours. */
type Hours = { readonly block: Exclude<Block, 'ATC'>; readonly holidays: string } | undefined;

interface Text {
  readonly resolution: Resolution;
  readonly source: Rollups | 'as-of';
  readonly parts: PartParameters;
  readonly hours: Hours;
}

/** One row a node, a column a JSON array: the answer is parsed natively, and no object is made for a point. */
function textOf(text: Text): string {
  const { resolution, hours } = text;
  const points = resolution === 'RAW' ? rawPoints(text) : bucketPoints({ ...text, resolution });
  const column = (name: string) => `coalesce(json_agg(${name}), '[]') AS ${name}`;
  const extremes = ['min', 'max', 'open', 'close'].map((name) =>
    resolution === 'RAW' ? `NULL AS ${name}` : column(name),
  );
  return `
    SELECT asked.market || ':' || asked.name AS node, series.*
    FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::timestamptz[])
      WITH ORDINALITY AS asked (market, name, zone, lo, hi, place)
    ${hours ? JOIN_PEAK : ''}
    LEFT JOIN pricing_node AS n ON n.market_id = asked.market AND n.name = asked.name
    CROSS JOIN LATERAL (
      SELECT coalesce(json_agg(${epochMs('starts_at')}), '[]') AS start,
        ${['lmp', 'energy', 'congestion', 'loss'].map(column).join(', ')}, ${extremes.join(', ')}
      FROM (${points} ORDER BY starts_at LIMIT $7) AS point
    ) AS series
    ORDER BY asked.place`;
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

function bucketPoints(text: BucketText): string {
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

function partsOf({ resolution, source, parts, hours }: BucketText): string {
  if (source !== 'kept' || resolution === 'FIFTEEN_MINUTES') return partsFromPrices(parts);
  // A day holds hours of several blocks, an hour only of one.
  return resolution === 'HOUR' || hours ? partsFromHours(parts) : partsFromDays(parts);
}
