import { HOUR_MS, MINUTE_MS } from '../../domain/instant.ts';
import { type Market, marketOf, type NodeName } from '../../domain/market.ts';
import { LIMITS, limitExceeded } from '../../schema/limits.ts';
import type { Range, Resolution } from '../../schema/question.ts';
import { requireFewPoints } from '../../schema/resolution.ts';
import type { PnlSeriesRow, PositionFilter } from '../../schema/trading-rows.ts';
import { nodeName, nodeNames } from './asked-nodes.ts';
import { HOUR_START } from './lmp-parts.ts';
import { askedSeries, seriesColumn, seriesOf } from './node-series.ts';
import type { Rollups } from './rollups.ts';
import { type Axis, calendarAxis, gridAxis, layOut } from './series-axis.ts';
import type { Queryable, Statement } from './statement.ts';

export interface PnlQuestion extends PositionFilter {
  readonly account: string;
  readonly range: Range;
  readonly resolution: Resolution;
}

type Bucketed = Exclude<Resolution, 'RAW'>;
type Columns = Pick<PnlSeriesRow, 'positionMw' | 'lastPrice' | 'realized' | 'unrealized' | 'total'>;
type Extremes = Pick<PnlSeriesRow, 'totalMin' | 'totalMax'>;
type StoredSeries = Columns & Extremes & { readonly node: NodeName; readonly start: readonly number[] };

/**
 * What positions of an account were worth, one series each by node, in two statements.
 * @param now milliseconds UTC: where the future begins, which is not a gap.
 * @throws BusbarError `LIMIT_EXCEEDED` where there are more points than an answer may have, or more snapshots of one position
 *   than its share of them.
 */
export async function readPnlSeries(
  db: Queryable,
  rollups: Rollups,
  question: PnlQuestion,
  now: number,
): Promise<PnlSeriesRow[]> {
  const { account, range, resolution } = question;
  const nodes = question.node === undefined ? await readNodesOf(db, question) : [nodeName(question.node)];
  // Snapshots come at any time, as ticks do.
  requireFewPoints(nodes.length, 'SPOT', range, resolution);
  const axes = resolution === 'RAW' ? undefined : axesOf(range, resolution);
  const rowsMax = Math.floor(LIMITS.points / Math.max(1, nodes.length));
  const { rows } = await db.query<StoredSeries>(statementOf(nodes, question, rollups, axes, rowsMax));
  return rows.map((stored) => {
    const { node, start } = stored;
    if (start.length > rowsMax) throw limitExceeded('points', start.length, `${node} alone may have ${rowsMax} here`);
    return { account, node, resolution, ...laidOut(stored, axes?.(marketOf(node)), now) };
  });
}

/** `$1`: the account; `$2`: at most nodes of these markets, null: of any. */
export const NODES_OF_ACCOUNT = `
  SELECT n.market_id || ':' || n.name AS node
  FROM position AS p JOIN pricing_node AS n ON n.id = p.node_id
  WHERE p.account = $1 AND ($2::text[] IS NULL OR n.market_id = ANY($2))
  ORDER BY n.market_id COLLATE "C", n.name COLLATE "C"`;

async function readNodesOf(db: Queryable, { account, markets }: PnlQuestion): Promise<NodeName[]> {
  const { rows } = await db.query<{ node: string }>({
    name: 'nodes-of-account',
    text: NODES_OF_ACCOUNT,
    values: [account, markets],
  });
  return nodeNames(rows.map(({ node }) => node));
}

/** Days and months differ by time zone. */
export function axesOf(range: Range, resolution: Bucketed): (market: Market) => Axis {
  if (resolution === 'DAY' || resolution === 'MONTH') {
    const unit = resolution === 'DAY' ? 'days' : 'months';
    return ({ timeZone }) => calendarAxis(range, unit, timeZone);
  }
  const axis = gridAxis(range, resolution === 'HOUR' ? HOUR_MS : 15 * MINUTE_MS);
  return () => axis;
}

function laidOut(
  { node: _, start, totalMin, totalMax, ...columns }: StoredSeries,
  axis: Axis | undefined,
  now: number,
): Columns & Extremes & { start: readonly number[] } {
  if (!axis) return { start, ...columns, totalMin, totalMax };
  const points = axis.starts(now, start.at(-1));
  const extremes = totalMin && totalMax && layOut({ totalMin, totalMax }, start, points);
  return {
    start: points,
    ...layOut<keyof Columns, string>(columns, start, points),
    ...(extremes ?? { totalMin, totalMax }),
  };
}

function statementOf(
  nodes: readonly NodeName[],
  { account, range, resolution }: PnlQuestion,
  rollups: Rollups,
  axes: ((market: Market) => Axis) | undefined,
  rowsMax: number,
): Statement {
  const bounds = nodes.map((node) => axes?.(marketOf(node)).bounds ?? range);
  return {
    name: `pnl-series-${resolution}-${rollups}`,
    text: textOf(resolution, rollups),
    values: [...askedSeries(nodes, bounds), account, rowsMax + 1],
  };
}

/** Decimals travel as text: a number in JSON would come back as a double. */
function textOf(resolution: Resolution, rollups: Rollups): string {
  const column = (from: string, name: string) => seriesColumn(`trim_scale(${from})::text`, name);
  const extreme = (from: string, name: string) => (resolution === 'RAW' ? `NULL AS "${name}"` : column(from, name));
  const columns = [
    column('position_mw', 'positionMw'),
    column('last_price', 'lastPrice'),
    column('realized_pnl', 'realized'),
    column('unrealized_pnl', 'unrealized'),
    column('total_pnl', 'total'),
    extreme('total_min', 'totalMin'),
    extreme('total_max', 'totalMax'),
  ];
  return seriesOf({ points: `${pnlPoints(resolution, rollups, '$6')} LIMIT $7`, columns });
}

/**
 * A row a point that has snapshots, in their order, beside an `asked (lo, hi, zone)` and the node `n`.
 * @param account the account's place in the statement.
 */
export function pnlPoints(resolution: Resolution, rollups: Rollups, account: string): string {
  const where = `account = ${account} AND node_id = n.id`;
  return resolution === 'RAW' ? rawPoints(where) : bucketPoints(resolution, rollups, where);
}

/** An instant of microseconds belongs to the millisecond that it lies in, and is not rounded out of the range. */
const rawPoints = (where: string) => `
  SELECT date_trunc('milliseconds', at) AS starts_at, position_mw, last_price, realized_pnl, unrealized_pnl, total_pnl
  FROM positions_pnl
  WHERE ${where} AND at >= asked.lo AND at < asked.hi
  ORDER BY at, seq`;

const snapshotParts = (where: string) => `
  SELECT at AS bucket, seq, position_mw, last_price, realized_pnl, unrealized_pnl, total_pnl,
    total_pnl AS total_min, total_pnl AS total_max
  FROM positions_pnl
  WHERE ${where} AND at >= asked.lo AND at < asked.hi`;

const hourParts = (where: string) => `
  SELECT bucket, 0 AS seq, position_mw, last_price, realized_pnl, unrealized_pnl, total_pnl, total_min, total_max
  FROM pnl_hour
  WHERE ${where} AND bucket >= asked.lo AND bucket < asked.hi`;

const localStart = (unit: 'day' | 'month') =>
  `date_trunc('${unit}', bucket AT TIME ZONE asked.zone) AT TIME ZONE asked.zone`;

const STARTS_AT: Readonly<Record<Bucketed, string>> = {
  FIFTEEN_MINUTES: `date_bin(INTERVAL '15 minutes', bucket, TIMESTAMPTZ '2000-01-01 00:00:00+00')`,
  HOUR: HOUR_START,
  DAY: localStart('day'),
  MONTH: localStart('month'),
};

/**
 * A point is how things stood in its last part. Days are of the market's own zone, which begin at whole hours: they are made of
 * the hours that are kept, where these are kept (see `Rollups`), and not of days of UTC.
 */
function bucketPoints(resolution: Bucketed, rollups: Rollups, where: string): string {
  const last = (column: string) => `(array_agg(${column} ORDER BY bucket DESC, seq DESC))[1] AS ${column}`;
  const columns = ['position_mw', 'last_price', 'realized_pnl', 'unrealized_pnl', 'total_pnl'].map(last).join(', ');
  const partsOf = rollups === 'kept' && resolution !== 'FIFTEEN_MINUTES' ? hourParts : snapshotParts;
  return `
    SELECT ${STARTS_AT[resolution]} AS starts_at, ${columns}, min(total_min) AS total_min, max(total_max) AS total_max
    FROM (${partsOf(where)}) AS part
    GROUP BY 1
    ORDER BY 1`;
}
