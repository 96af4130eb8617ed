import { marketOf, type NodeName } from '../../domain/market.ts';
import type { Range } from '../../schema/question.ts';
import { askedNodes } from './asked-nodes.ts';
import { epochMs } from './lmp-parts.ts';

/** `$1` to `$5` of a statement of series: nodes, their time zones and the bounds of their points. */
export function askedSeries(nodes: readonly NodeName[], bounds: readonly Range[]): unknown[] {
  const { markets, names } = askedNodes(nodes);
  const zones = nodes.map((node) => marketOf(node).timeZone);
  return [markets, names, zones, bounds.map(({ from }) => new Date(from)), bounds.map(({ to }) => new Date(to))];
}

interface Series {
  /** A row a point, with `starts_at`, beside `asked (market, name, zone, lo, hi)` and the node `n`, which may be null. */
  readonly points: string;
  /** Of a row a node: SQL of an aggregate of `point`, and a name. */
  readonly columns: readonly string[];
  /** What else the points are beside. */
  readonly join?: string;
  /** Arrays of which kind: JSON, which the driver parses, or its text. */
  readonly as?: 'json' | 'text';
}

/** One row a node in the order asked, a column a JSON array: the answer is parsed natively, and no object is made for a point. */
export function seriesOf({ points, columns, join = '', as = 'json' }: Series): string {
  return `
    SELECT asked.market || ':' || asked.name AS node, series.*
    FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::timestamptz[])
      WITH ORDINALITY AS asked (market, name, zone, lo, hi, place)
    ${join}
    LEFT JOIN pricing_node AS n ON n.market_id = asked.market AND n.name = asked.name
    CROSS JOIN LATERAL (
      SELECT ${[seriesColumn(epochMs('starts_at'), 'start', as), ...columns].join(', ')}
      FROM (${points}) AS point
    ) AS series
    ORDER BY asked.place`;
}

/** A column of `seriesOf`. @param values SQL of a point's value. */
export function seriesColumn(values: string, name: string, as: 'json' | 'text' = 'json'): string {
  return `coalesce(array_to_json(array_agg(${values})), '[]')::${as} AS "${name}"`;
}
