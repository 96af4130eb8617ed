import { HOUR_MS, MINUTE_MS } from '../../domain/instant.ts';
import { type Market, marketOf, type NodeName } from '../../domain/market.ts';
import { intervalMinutesOf, type MarketRun } from '../../domain/market-run.ts';
import type { LmpSeriesRow, Resolution } from '../../schema/context.ts';
import { LIMITS, limitExceeded } from '../../schema/limits.ts';
import { nodeNames } from './asked-nodes.ts';
import { blockAxis } from './block-hours.ts';
import { type SeriesQuestion, type SeriesShape, seriesStatement } from './lmp-series-statement.ts';
import type { Rollups } from './rollups.ts';
import { type Axis, calendarAxis, gridAxis, layOut } from './series-axis.ts';
import type { Queryable, Statement } from './statement.ts';

export interface Question extends SeriesQuestion {
  readonly nodes: readonly string[];
}

type Values = readonly (number | null)[];

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
  question: Question,
  now: number,
): Promise<LmpSeriesRow[]> {
  const { statement, axisOf, requireFew } = planSeries(question, rollups);
  const { rows } = await db.query<StoredSeries & { node: NodeName }>(statement);
  return rows.map(({ node, ...stored }) => {
    requireFew(node, stored.start.length);
    const { run, resolution } = question;
    return { node, run, resolution, ...laidOut(stored, question, axisOf(node), now) };
  });
}

interface SeriesPlan {
  readonly statement: Statement;
  readonly axisOf: (node: NodeName) => Axis;
  /** @throws BusbarError `LIMIT_EXCEEDED` where a node has more prices than its share of the points. */
  readonly requireFew: (node: NodeName, prices: number) => void;
}

/** How series are read and what they are laid out on. @param shape what is read of the points; without it, everything. */
export function planSeries(question: Question, rollups: Rollups, shape?: SeriesShape): SeriesPlan {
  const nodes = nodeNames(question.nodes);
  const axes = axesOf(question);
  // Raw prices off the grid may start before its first point.
  const bounds = nodes.map((node) => (question.resolution === 'RAW' ? question.range : axes(marketOf(node)).bounds));
  const rowsMax = Math.floor(LIMITS.points / Math.max(1, nodes.length));
  return {
    statement: seriesStatement(nodes, bounds, question, rollups, rowsMax, shape),
    axisOf: (node) => axes(marketOf(node)),
    requireFew: (node, prices) => {
      if (prices > rowsMax) throw tooManyPrices(node, prices, rowsMax);
    },
  };
}

function axesOf(question: SeriesQuestion): (market: Market) => Axis {
  const whole = wholeAxesOf(question);
  return (market) => blockAxis(whole(market), market, question.resolution, question.block);
}

/** Days and months differ by time zone; each zone's axis is made once. */
export function wholeAxesOf({ run, range, resolution }: SeriesQuestion): (market: Market) => Axis {
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
  if (isOffGrid(run, resolution, start)) return stored;
  const points = axis.starts(now, start.at(-1));
  const components = layOut({ lmp, energy, congestion, loss }, start, points);
  const extremes = min && max && open && close && layOut({ min, max, open, close }, start, points);
  return { start: points, ...components, ...(extremes ?? { min, max, open, close }) };
}

/**
 * Whether the points are the prices themselves: nulls between ticks at arbitrary times would say that something is missing, and
 * be most of the answer.
 */
export function isOffGrid(run: MarketRun, resolution: Resolution, starts: readonly number[]): boolean {
  if (resolution !== 'RAW') return false;
  const minutes = intervalMinutesOf(run);
  return minutes === null || starts.some((start) => start % (minutes * MINUTE_MS) !== 0);
}

function tooManyPrices(node: NodeName, asked: number, max: number) {
  return limitExceeded('points', asked, `${node} alone may have ${max} here: ask for a shorter range`);
}
