import { pacific, STAND_IN_REPORTS, type StandInReport } from './oasis-report.ts';

/** How the stand-in reads requests and what it refuses of them. */
export interface Asked {
  readonly report: StandInReport;
  readonly version: string;
  readonly nodes: readonly string[];
  readonly starts: readonly number[];
  readonly from: number;
  readonly to: number;
}

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;

/** @returns an error code where the request breaks a rule. */
export function reportAsked(parameters: URLSearchParams, nodes: readonly string[], now: number): Asked | number {
  const report = STAND_IN_REPORTS.find((each) => each.name === parameters.get('queryname'));
  if (!report) return 1005;
  const version = parameters.get('version') ?? '';
  if (!Object.hasOwn(report.versions, version)) return 1020;
  const from = instantFrom(parameters.get('startdatetime'));
  const to = instantFrom(parameters.get('enddatetime'));
  if (from === undefined || to === undefined || to <= from) return 1002;
  if (to - from > 31 * DAY_MS) return 1004;
  if (isTooOld(from, now)) return 1014;
  if (report.marketRunParameter !== null && parameters.get('market_run_id') !== report.marketRunParameter) return 1001;
  const askedNodes = nodesAsked(parameters, nodes, report, to - from);
  if (typeof askedNodes === 'number') return askedNodes;
  return { report, version, nodes: askedNodes, from, to, starts: publishedStarts(report, from, to, now) };
}

export interface TradeDate {
  readonly from: number;
  readonly to: number;
}

/** A request for the corrections of one trade date. @returns an error code where it breaks a rule. */
export function correctionsAsked(parameters: URLSearchParams, now: number): TradeDate | number {
  if (parameters.get('groupid') !== 'PRC_CORR_GRP') return 1016;
  if (parameters.get('version') !== '1') return 1020;
  const start = instantFrom(parameters.get('startdatetime'));
  if (start === undefined) return 1002;
  if (isTooOld(start, now)) return 1014;
  const day = pacific(start).startOfDay();
  const to = day.add({ days: 1 }).epochMilliseconds;
  // The end may be left out.
  const end = parameters.has('enddatetime') ? instantFrom(parameters.get('enddatetime')) : to;
  if (end === undefined || end <= start) return 1002;
  return end > to ? 1018 : { from: day.epochMilliseconds, to };
}

export function publishedStarts(report: StandInReport, from: number, to: number, now: number): number[] {
  const lengthMs = report.intervalMinutes * 60_000;
  const published = publishedUntil(report, now);
  const starts: number[] = [];
  for (let start = Math.ceil(from / lengthMs) * lengthMs; start < to && start < published; start += lengthMs)
    starts.push(start);
  return starts;
}

function nodesAsked(parameters: URLSearchParams, nodes: readonly string[], report: StandInReport, lengthMs: number) {
  const group = parameters.get('grp_type');
  if (group === 'ALL' || group === 'ALL_APNODES') {
    return lengthMs > (report.name === 'PRC_LMP' ? DAY_MS : HOUR_MS) ? 1018 : nodes;
  }
  const asked = (parameters.get('node') ?? '').split(',').filter(Boolean);
  if (group !== null || asked.length === 0) return 1016;
  return asked.length > 10 ? 1017 : asked.filter((node) => nodes.includes(node));
}

function isTooOld(instantMs: number, now: number): boolean {
  return instantMs < pacific(now).subtract({ months: 39 }).epochMilliseconds;
}

/** `20240101T07:00-0000` */
function instantFrom(text: string | null): number | undefined {
  const parts = /^(\d{4})(\d{2})(\d{2})T(\d{2}:\d{2})-0000$/.exec(text ?? '');
  const ms = parts ? Date.parse(`${parts[1]}-${parts[2]}-${parts[3]}T${parts[4]}Z`) : Number.NaN;
  return Number.isNaN(ms) ? undefined : ms;
}

/** Day-ahead: tomorrow from 13:00 Pacific on. Hour-ahead: to the end of the next hour. Real time: what has begun. */
function publishedUntil(report: StandInReport, now: number): number {
  if (report.name === 'PRC_HASP_LMP') return Math.floor(now / HOUR_MS) * HOUR_MS + 2 * HOUR_MS;
  if (report.name !== 'PRC_LMP') return now;
  const local = pacific(now);
  return local.startOfDay().add({ days: local.hour >= 13 ? 2 : 1 }).epochMilliseconds;
}
