import { daysIn, type ZonedDay } from '../../../domain/calendar.ts';
import { BusbarError } from '../../../domain/errors.ts';
import { HOUR_MS, MINUTE_MS } from '../../../domain/instant.ts';
import { localNameOf, marketOf, type NodeName } from '../../../domain/market.ts';
import type { ChunkRange } from '../../feed.ts';
import type { ReportRequest } from '../../sources/report-poller.ts';
import { dayText, EST, startOfMisoDay } from './eastern-standard.ts';
import { REPORTS, type ReportName } from './reports.ts';

/**
 * A request as text is a path at one of MISO's three hosts, and behind `#` what is taken of the answer, which MISO cannot be
 * asked for: the nodes (none named: all), and the day that a display tells of at the time.
 *
 *   marketreports/20251102_da_expost_lmp.csv#nodes=INDIANA.HUB,MINN.HUB
 *   api/MarketPricing/GetRealTimeFiveMinExPost/Current
 *   api/MarketPricing/GetRealTimeFiveMinExPost/Rolling#day=2025-11-02&nodes=INDIANA.HUB
 *   pricing/v1/real-time/2025-11-02/lmp-expost?preliminaryFinal=Final&timeResolution=5min#nodes=INDIANA.HUB
 *
 * The pricing API takes one node a request, and so is asked once for each, and once for each of their pages.
 */
export interface MisoRequest {
  readonly path: string;
  /** Undefined: all. */
  readonly nodes: readonly string[] | undefined;
  /** Of a display that tells of a day. */
  readonly day: string | undefined;
}

type Nodes = readonly string[] | undefined;

const DISPLAY = 'api/MarketPricing/GetRealTimeFiveMinExPost';

/** So often a poll asks for the whole day (up to 47 MB) instead of the newest interval alone, lest one was passed over. */
const SWEEP_MS = 4 * HOUR_MS;

/** Polls that were interrupted for longer have passed over intervals for sure. */
const BEHIND_MS = 10 * MINUTE_MS;

/** What a poll asks for. @param nodes those configured. */
export function pollRequests(report: ReportName, nodes: Nodes, { from, to }: ChunkRange): readonly ReportRequest[] {
  if (report !== 'GetRealTimeFiveMinExPost') return daysIn(EST, from, to).map((day) => ofDay(report, nodes, day));
  if (from >= to) return [];
  const settled = to - REPORTS[report].settlesAfterMs;
  const newest = { from, to, request: textOf({ path: `${DISPLAY}/Current`, nodes, day: undefined }) };
  const isBehind = settled - from > BEHIND_MS || sweepAt(from) < sweepAt(settled);
  return isBehind ? displayed(nodes, { from, to }, to) : [newest];
}

/**
 * What a backfill asks for.
 * @param nodes those configured, for a range that names none.
 * @throws BusbarError `BAD_USER_INPUT` where there are no nodes, one is not of MISO, or the display no longer tells of any
 *   of the range.
 */
export function chunkRequests(
  report: ReportName,
  nodes: Nodes,
  asked: ChunkRange,
  now: number,
): readonly ReportRequest[] {
  const wanted = asked.nodes === undefined ? nodes : [...new Set(asked.nodes.map(misoNodeOf))];
  if (wanted?.length === 0)
    throw refused('no nodes to ask for: name some, as in MISO:INDIANA.HUB, or set MISO_NODES to names or ALL');
  if (report === 'lmp-expost' && wanted === undefined)
    throw refused('the pricing API is asked for one node at a time: name nodes');
  if (report !== 'GetRealTimeFiveMinExPost')
    return daysIn(EST, asked.from, asked.to).map((day) => ofDay(report, wanted, day));
  const requests = displayed(wanted, asked, now);
  if (requests.length > 0) return requests;
  throw refused(`${report} tells of today and yesterday alone: ask lmp-expost for days before, or another report`);
}

/** @returns undefined where the text is not what this feed itself would ask for the report. */
export function requestFrom(report: ReportName, text: string): MisoRequest | undefined {
  const [path = '', fragment = ''] = text.split('#');
  const parameters = new URLSearchParams(fragment);
  const nodes = parameters.get('nodes')?.split(',');
  const request = { path, nodes, day: parameters.get('day') ?? undefined };
  const isOurs = textOf(request) === text && isPathOf(report, request) && (nodes ?? []).every(isMisoNode);
  return isOurs ? request : undefined;
}

/** A node as MISO names it, as in INDIANA.HUB or AMIL.ALTW. */
export function isMisoNode(name: string): boolean {
  return /^[\w.-]{1,200}$/.test(name);
}

function ofDay(report: ReportName, nodes: Nodes, { from, to, ...date }: ZonedDay): ReportRequest {
  return { from, to, request: textOf({ path: pathOf(report, dayText(date)), nodes, day: undefined }) };
}

/** Yesterday and today, as far as the range has them. */
function displayed(nodes: Nodes, { from, to }: Pick<ChunkRange, 'from' | 'to'>, now: number): ReportRequest[] {
  const [today] = daysIn(EST, now, now + 1);
  const yesterday = today && daysIn(EST, today.from - 1, today.from)[0];
  const known = [
    { day: yesterday, form: 'Previous' },
    { day: today, form: 'Rolling' },
  ];
  return known.flatMap(({ day, form }) => {
    if (!day || day.to <= from || day.from >= to) return [];
    const request = textOf({ path: `${DISPLAY}/${form}`, nodes, day: dayText(day) });
    return [{ from: Math.max(from, day.from), to: Math.min(to, day.to), request }];
  });
}

/** Of a report that has a document for each day. */
function pathOf(report: ReportName, day: string): string {
  return REPORTS[report].kind === 'day-file'
    ? `marketreports/${day.replaceAll('-', '')}_${report}.csv`
    : `pricing/v1/real-time/${day}/${report}?preliminaryFinal=Final&timeResolution=5min`;
}

function isPathOf(report: ReportName, { path, day }: MisoRequest): boolean {
  if (report !== 'GetRealTimeFiveMinExPost') {
    const dated = dayIn(path);
    return day === undefined && dated !== undefined && path === pathOf(report, dated);
  }
  if (day === undefined) return path === `${DISPLAY}/Current`;
  return dayIn(day) === day && [`${DISPLAY}/Rolling`, `${DISPLAY}/Previous`].includes(path);
}

/** @returns undefined where there is no day in the text, or none that exists. */
function dayIn(text: string): string | undefined {
  const [year = 0, month = 0, day = 0] = /(\d{4})-?(\d{2})-?(\d{2})/.exec(text)?.slice(1).map(Number) ?? [];
  return startOfMisoDay({ year, month, day }) === undefined ? undefined : dayText({ year, month, day });
}

function textOf({ path, nodes, day }: MisoRequest): string {
  const fragment = [...(day === undefined ? [] : [`day=${day}`]), ...(nodes ? [`nodes=${nodes.join(',')}`] : [])];
  return fragment.length === 0 ? path : `${path}#${fragment.join('&')}`;
}

/** Counted from midnight, so that one of them ends with the day. */
function sweepAt(instantMs: number): number {
  const midnight = daysIn(EST, instantMs, instantMs + 1)[0]?.from ?? 0;
  return Math.floor((instantMs - midnight) / SWEEP_MS) + midnight;
}

function misoNodeOf(node: NodeName): string {
  const name = localNameOf(node);
  if (marketOf(node).id === 'MISO' && isMisoNode(name)) return name;
  throw refused(`${node} is no node of MISO: name nodes as in MISO:INDIANA.HUB`);
}

function refused(message: string): BusbarError {
  return new BusbarError('BAD_USER_INPUT', message);
}
