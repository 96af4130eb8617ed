import { type CalendarDate, dateAt, daysIn, wallTimeAt } from '../../../domain/calendar.ts';
import { HOUR_MS } from '../../../domain/instant.ts';
import type { DeliveryRange } from '../../feed.ts';
import type { ReportRequest } from '../../sources/report-poller.ts';
import { CENTRAL, REPORTS, type ReportName } from './reports.ts';

/**
 * What is asked of ERCOT, as text without secrets:
 *
 *   np4-190-cd/dam_stlmnt_pnt_prices?deliveryDateFrom=2025-11-02&deliveryDateTo=2025-11-02&settlementPoint=HB_NORTH,LZ_WEST
 *   np6-788-cd/lmp_node_zone_hub?SCEDTimestampFrom=2025-11-02T00:00:00&SCEDTimestampTo=2025-11-02T00:59:59&settlementPoint=HB_NORTH
 *
 * One text has all nodes, since the position passes its range once it is answered; ERCOT takes one settlement point a
 * request, so a text becomes as many of them (`pathsOf`), each with its pages. Both bounds are inclusive, and Central.
 */
export function ercotRequests(
  report: ReportName,
  nodes: readonly string[],
  from: number,
  to: number,
): readonly ReportRequest[] {
  if (from >= to) return [];
  const windows =
    REPORTS[report].range === 'deliveryDate' ? dayWindows(report, from, to) : hourWindows(report, from, to);
  return windows.map((window) => ({ ...window, request: textOf(report, nodes, ...boundsOf(report, window)) }));
}

/** Whether the text is what `ercotRequests` would ask for the report: it is kept in the store until it is asked. */
export function isRequestOf(report: ReportName, text: string): boolean {
  const [, first, last, nodes] = REQUEST.exec(text) ?? [];
  if (first === undefined || last === undefined || nodes === undefined || first > last) return false;
  const points = nodes.split(',');
  if (first.length !== (REPORTS[report].range === 'deliveryDate' ? 10 : 19)) return false;
  return points.every(isSettlementPoint) && text === textOf(report, points, first, last);
}

/** The paths that a text stands for, one a settlement point. */
export function pathsOf(text: string): readonly string[] {
  const at = text.lastIndexOf('=') + 1;
  return text
    .slice(at)
    .split(',')
    .map((node) => `${text.slice(0, at)}${node}`);
}

/** A settlement point as ERCOT names it, as in HB_NORTH. */
export function isSettlementPoint(name: string): boolean {
  return /^[\w.-]{1,100}$/.test(name);
}

const BOUND = String.raw`\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}:\d{2})?`;
const REQUEST = new RegExp(`\\?[A-Za-z]+From=(${BOUND})&[A-Za-z]+To=(${BOUND})&settlementPoint=([^&=]+)$`);

function textOf(report: ReportName, nodes: readonly string[], first: string, last: string): string {
  const { endpoint, range } = REPORTS[report];
  return `${report}/${endpoint}?${range}From=${first}&${range}To=${last}&settlementPoint=${nodes.join(',')}`;
}

/**
 * The last day stands alone: a poll asks for a day-ahead market that may not be there yet, and the days before it are
 * complete without it.
 */
function dayWindows(report: ReportName, from: number, to: number): readonly DeliveryRange[] {
  const days = daysIn(CENTRAL, from, to);
  const windows: DeliveryRange[] = [];
  for (let i = 0; i < days.length; ) {
    const count = Math.max(1, Math.min(REPORTS[report].requestDays, days.length - 1 - i));
    const [first, last] = [days[i], days[i + count - 1]];
    if (first && last) windows.push({ from: first.from, to: last.to });
    i += count;
  }
  return windows;
}

/**
 * Whole hours, because the clock shows 01:10 after 01:50 in the night it is set back: a range by minutes would be empty
 * there. The repeated hour is asked for whole, both times together.
 */
function hourWindows(report: ReportName, from: number, to: number): readonly DeliveryRange[] {
  const windows: DeliveryRange[] = [];
  const end = Math.ceil(to / HOUR_MS) * HOUR_MS;
  for (let start = Math.floor(from / HOUR_MS) * HOUR_MS; start < end; ) {
    const next = Math.min(end, start + REPORTS[report].requestDays * 24 * HOUR_MS);
    windows.push({ from: start, to: next });
    start = next;
  }
  return windows;
}

function boundsOf(report: ReportName, { from, to }: DeliveryRange): readonly [string, string] {
  if (REPORTS[report].range === 'deliveryDate')
    return [dateText(dateAt(CENTRAL, from)), dateText(dateAt(CENTRAL, to - 1))];
  return [`${hourText(from)}:00:00`, `${hourText(to - 1)}:59:59`];
}

function hourText(instant: number): string {
  const wall = wallTimeAt(CENTRAL, instant);
  return `${dateText(wall)}T${two(wall.hour)}`;
}

function dateText({ year, month, day }: CalendarDate): string {
  return `${year}-${two(month)}-${two(day)}`;
}

function two(part: number): string {
  return String(part).padStart(2, '0');
}
