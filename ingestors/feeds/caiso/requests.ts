import { DAY_MS, parseInstant } from '../../../domain/instant.ts';
import { operatingDayStart } from './pacific.ts';
import { CORRECTIONS, intervalMsOf, type PartitionName, REPORTS, type Report, type ReportName } from './reports.ts';

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

/** The URL of a request; it holds no secret and can be opened by a person. */
export function urlOf(base: string, path: string): string {
  return `${base.replace(/\/$/, '')}/${path}`;
}

/** The request as text, relative to the base URL of OASIS. */
export function pathOf({ report, nodes, start, end }: OasisRequest): string {
  return pathFrom('SingleZip', [
    ['queryname', report.name],
    ['version', String(report.version)],
    ['resultformat', '6'],
    ['startdatetime', oasisTime(start)],
    ['enddatetime', oasisTime(end)],
    ...(report.marketRunParameter === null ? [] : [['market_run_id', report.marketRunParameter] as const]),
    ['node', nodes.join(',')],
  ]);
}

/** The request for what was corrected of one trade date, likewise. */
export function correctionsPathOf({ start, end }: Window): string {
  return pathFrom('GroupZip', [
    ['groupid', CORRECTIONS],
    ['version', '1'],
    ['resultformat', '6'],
    ['startdatetime', oasisTime(start)],
    ['enddatetime', oasisTime(end)],
  ]);
}

/**
 * Whether the text is what this feed itself would ask for the partition. It is read, written again and compared, so that
 * nothing else gets through: a request is kept in the store until it is asked.
 */
export function isRequestOf(partition: PartitionName, text: string): boolean {
  const parameters = parametersOf(text);
  const start = instantFrom(parameters.get('startdatetime'));
  const end = instantFrom(parameters.get('enddatetime'));
  if (start === undefined || end === undefined || end <= start) return false;
  if (partition === CORRECTIONS) return text === correctionsPathOf({ start, end });
  const nodes = (parameters.get('node') ?? '').split(',');
  if (nodes.length > NODES_MAX || !nodes.every(isOasisNode)) return false;
  return text === pathOf({ report: REPORTS[partition], nodes, start, end });
}

/** A node as OASIS names it, as in TH_NP15_GEN-APND. */
export function isOasisNode(name: string): boolean {
  return /^[\w.-]{1,200}$/.test(name);
}

function pathFrom(form: string, parameters: readonly (readonly [string, string])[]): string {
  return `${form}?${parameters.map((pair) => pair.join('=')).join('&')}`;
}

function parametersOf(path: string): ReadonlyMap<string, string> {
  const pairs = path.slice(path.indexOf('?') + 1).split('&');
  return new Map(
    pairs.map((pair): [string, string] => {
      const at = pair.indexOf('=');
      return [pair.slice(0, at), pair.slice(at + 1)];
    }),
  );
}

/** `20240101T07:00-0000`; seconds are dropped. */
function oasisTime(instantMs: number): string {
  const iso = new Date(instantMs).toISOString();
  return `${iso.slice(0, 10).replaceAll('-', '')}${iso.slice(10, 16)}-0000`;
}

function instantFrom(text: string | undefined): number | undefined {
  const parts = /^(\d{4})(\d{2})(\d{2})T(\d{2}:\d{2})-0000$/.exec(text ?? '');
  return parts ? parseInstant(`${parts[1]}-${parts[2]}-${parts[3]}T${parts[4]}Z`) : undefined;
}
