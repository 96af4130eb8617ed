import { DAY_MS } from '../../../domain/instant.ts';
import { operatingDayStart } from './pacific.ts';
import { intervalMsOf, REPORTS, type Report, type ReportName } from './reports.ts';

/** OASIS takes ten nodes in a request. */
const NODES_MAX = 10;

/** One request to OASIS: intervals that start in `[start, end)`, milliseconds UTC. */
export interface OasisRequest {
  readonly report: Report;
  readonly nodes: readonly string[];
  readonly start: number;
  readonly end: number;
}

export interface Window {
  readonly start: number;
  readonly end: number;
}

/**
 * Splits a range into requests that OASIS will take, in the order of time and, within a window, of nodes. Day-ahead
 * windows end at operating days' starts, so that a day, which is published whole, is asked for whole. The range is
 * widened to whole intervals.
 */
export function oasisRequests(
  report: ReportName,
  nodes: readonly string[],
  start: number,
  end: number,
): OasisRequest[] {
  const lengthMs = intervalMsOf(REPORTS[report]);
  const windows = windowsOf(REPORTS[report], roundedDown(start, lengthMs), roundedUp(end, lengthMs));
  return windows.flatMap((window) => requestsFor(REPORTS[report], nodes, window));
}

/** The requests of one window, one for every ten nodes. */
export function requestsFor(report: Report, nodes: readonly string[], { start, end }: Window): OasisRequest[] {
  const chunks = Array.from({ length: Math.ceil(nodes.length / NODES_MAX) }, (_, i) =>
    nodes.slice(i * NODES_MAX, (i + 1) * NODES_MAX),
  );
  return chunks.map((chunk) => ({ report, nodes: chunk, start, end }));
}

/** Consecutive windows that cover `[start, end)`, none longer than the report's `requestDays`. */
export function windowsOf(report: Report, start: number, end: number): Window[] {
  const windows: Window[] = [];
  for (let from = start; from < end; ) {
    const to = Math.min(end, windowEnd(report, from));
    windows.push({ start: from, end: to });
    from = to;
  }
  return windows;
}

function windowEnd(report: Report, start: number): number {
  return report.realTime === null ? operatingDayStart(start, report.requestDays) : start + report.requestDays * DAY_MS;
}

export function roundedDown(instantMs: number, stepMs: number): number {
  return Math.floor(instantMs / stepMs) * stepMs;
}

export function roundedUp(instantMs: number, stepMs: number): number {
  return Math.ceil(instantMs / stepMs) * stepMs;
}

/** The request's URL; it holds no secret and can be opened by a person. */
export function urlOf(base: string, request: OasisRequest): string {
  const { report, nodes, start, end } = request;
  const parameters = [
    ['queryname', report.name],
    ['version', String(report.version)],
    ['resultformat', '6'],
    ['startdatetime', oasisTime(start)],
    ['enddatetime', oasisTime(end)],
    ...(report.marketRunParameter === null ? [] : [['market_run_id', report.marketRunParameter]]),
    ['node', nodes.map(encodeURIComponent).join(',')],
  ];
  return `${base.replace(/\/$/, '')}/SingleZip?${parameters.map((pair) => pair.join('=')).join('&')}`;
}

/** `20240101T07:00-0000`; seconds are dropped. */
function oasisTime(instantMs: number): string {
  const iso = new Date(instantMs).toISOString();
  return `${iso.slice(0, 10).replaceAll('-', '')}${iso.slice(10, 16)}-0000`;
}
