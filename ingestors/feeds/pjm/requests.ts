import { daysIn, instantsAt, startOfDate, startOfDay, wallTimeAt } from '../../../domain/calendar.ts';
import { DAY_MS } from '../../../domain/instant.ts';
import type { DeliveryRange } from '../../feed.ts';
import { intervalMsOf, type ReportRequest } from '../../sources/report-poller.ts';
import { EASTERN, type PjmReport, REPORTS, type ReportName } from './reports.ts';

/** The most rows of a page, and so what a request is best kept to. */
const PAGE_ROWS = 50_000;

/** PJM sets no limit to them, but is not known to take a URL of more than 2,000 characters. */
const NODES_MAX = 100;

/** PJM takes 366 days. */
const WINDOW_DAYS_MAX = 365;

/** What requests are made for, beside the range of intervals that start in it. */
export interface Asking {
  readonly report: ReportName;
  readonly pnodeIds: readonly string[];
  /** Decides what is archived, milliseconds UTC. */
  readonly now: number;
}

/**
 * The requests of a poll. What is published by days is asked for by whole days: then the request of a day, and with it the
 * answer, stays the same until there is something new, and "published" and "not yet" never meet in one answer.
 */
export function pollRequests(asking: Asking, { from, to }: DeliveryRange): readonly ReportRequest[] {
  if (!REPORTS[asking.report].byDay) return backfillRequests(asking, { from, to });
  return daysIn(EASTERN, from, to).flatMap((day) => backfillRequests(asking, day));
}

/** The requests of a backfill: as few as PJM's limits allow, with a page or so each. */
export function backfillRequests(asking: Asking, { from, to }: DeliveryRange): readonly ReportRequest[] {
  const intervalMs = intervalMsOf(REPORTS[asking.report]);
  const end = roundedUp(to, intervalMs);
  const requests: ReportRequest[] = [];
  for (let start = roundedUp(from, intervalMs); start < end; ) {
    const archived = isArchived(asking, start);
    const window = { from: start, to: Math.min(end, windowEnd(asking, start, archived)) };
    // The archive is asked without nodes, and so for all of them at once.
    const groups = archived ? [asking.pnodeIds] : groupsOf(asking.pnodeIds);
    requests.push(...groups.map((ids) => ({ ...window, request: textOf(asking.report, window, ids, archived) })));
    start = window.to;
  }
  return requests;
}

/**
 * Whether the text is what this feed would ask the report for. It is kept in the store until it is asked, and nothing else
 * may get through.
 */
export function isRequest(report: ReportName, text: string): boolean {
  const time = String.raw`\d{2}/\d{2}/\d{4}%20\d{2}:\d{2}`;
  const current = REPORTS[report].verified ? '&row_is_current=true' : '';
  const fixed = String.raw`${report}\?startRow=1&rowCount=${PAGE_ROWS}&datetime_beginning_ept=${time}to${time}${current}`;
  return new RegExp(String.raw`^${fixed}[&#]pnode_id=[1-9]\d{0,11}(?:;[1-9]\d{0,11})*$`).test(text);
}

export interface Question {
  /** Path and query, relative to the base URL. */
  readonly path: string;
  /** Undefined: PJM picks the nodes. Else the archive answers with the whole market, and these are kept. */
  readonly kept: ReadonlySet<string> | undefined;
}

/** What to send. The fragment of a URL is never sent: there the request of an archived range names its nodes. */
export function questionOf(request: string): Question {
  const [path = '', fragment] = request.split('#');
  const ids = fragment?.slice('pnode_id='.length).split(';');
  return { path, kept: ids && new Set(ids) };
}

function textOf(report: ReportName, range: DeliveryRange, pnodeIds: readonly string[], archived: boolean): string {
  const { verified } = REPORTS[report];
  const current = verified ? '&row_is_current=true' : '';
  const nodes = `${archived ? '#' : '&'}pnode_id=${pnodeIds.join(';')}`;
  const times = easternRange(range, intervalMsOf(REPORTS[report])).replaceAll(' ', '%20');
  return `${report}?startRow=1&rowCount=${PAGE_ROWS}&datetime_beginning_ept=${times}${current}${nodes}`;
}

/**
 * `03/10/2024 00:00to03/10/2024 23:00`: the starts of the first and the last interval, both included. An Eastern time of the
 * hour that is repeated in autumn does not say which of the two is meant, and the second pass begins before the first one
 * ends by the clock: a range that begins or ends there takes in all of both.
 */
function easternRange({ from, to }: DeliveryRange, intervalMs: number): string {
  const first = wallTimeAt(EASTERN, from);
  const last = wallTimeAt(EASTERN, to - intervalMs);
  const firstMinute = instantsAt(EASTERN, first).length > 1 ? 0 : first.minute;
  const lastMinute = instantsAt(EASTERN, last).length > 1 ? 59 : last.minute;
  return `${easternText({ ...first, minute: firstMinute })}to${easternText({ ...last, minute: lastMinute })}`;
}

function easternText({ year, month, day, hour, minute }: ReturnType<typeof wallTimeAt>): string {
  const two = (part: number) => String(part).padStart(2, '0');
  return `${two(month)}/${two(day)}/${String(year).padStart(4, '0')} ${two(hour)}:${two(minute)}`;
}

/** A request crosses neither the end of a calendar year nor the beginning of what is not archived. */
function windowEnd(asking: Asking, start: number, archived: boolean): number {
  const report = REPORTS[asking.report];
  const nextYear = startOfDate(EASTERN, { year: wallTimeAt(EASTERN, start).year + 1, month: 1, day: 1 });
  if (!archived || !report.archive) return Math.min(nextYear, start + windowDays(report, asking.pnodeIds) * DAY_MS);
  return Math.min(nextYear, archivedBefore(report.archive.afterDays, asking.now), start + report.archive.windowMs);
}

function windowDays(report: PjmReport, pnodeIds: readonly string[]): number {
  const rowsADay = (Math.min(pnodeIds.length, NODES_MAX) * DAY_MS) / intervalMsOf(report);
  return Math.min(WINDOW_DAYS_MAX, Math.max(1, Math.floor(PAGE_ROWS / rowsADay)));
}

function isArchived({ report, now }: Asking, start: number): boolean {
  const { archive } = REPORTS[report];
  return archive !== null && start < archivedBefore(archive.afterDays, now);
}

function archivedBefore(days: number, now: number): number {
  return startOfDay(EASTERN, now, -days);
}

function groupsOf(ids: readonly string[]): readonly (readonly string[])[] {
  const groups: (readonly string[])[] = [];
  for (let at = 0; at < ids.length; at += NODES_MAX) groups.push(ids.slice(at, at + NODES_MAX));
  return groups;
}

function roundedUp(instantMs: number, stepMs: number): number {
  return Math.ceil(instantMs / stepMs) * stepMs;
}
