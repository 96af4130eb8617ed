import { Temporal } from 'temporal-polyfill';
import { eastern, publishedAt, STAND_IN_REPORTS, type StandInNode, type StandInReport } from './pjm-report.ts';

const ROWS_MAX = 50_000;

/** What a request asks for, once it is found to be one. */
export interface Asked {
  readonly report: StandInReport;
  /** From 1. */
  readonly startRow: number;
  readonly rowCount: number;
  readonly nodes: readonly StandInNode[];
  /** Starts of the intervals that are published, milliseconds UTC. */
  readonly starts: readonly number[];
  /** `row_is_current=all` asks for replaced versions too. */
  readonly allVersions: boolean;
}

/** Field, message, details: an entry of PJM's `errors`. */
export interface Refusal {
  readonly field: string;
  readonly message: string;
  readonly detail?: readonly string[];
}

const PARAMETERS = ['startRow', 'rowCount', 'datetime_beginning_ept', 'row_is_current', 'pnode_id'];

/** Checks a request by PJM's rules. */
export function asked(
  report: StandInReport,
  query: URLSearchParams,
  all: readonly StandInNode[],
  now: number,
): Asked | Refusal {
  const unknown = [...query.keys()].filter((name) => !parametersOf(report).includes(name));
  if (unknown.length > 0) return { field: 'Filters', message: 'Unknown attribute(s)', detail: unknown };
  const startRow = Number(query.get('startRow') ?? Number.NaN);
  const rowCount = Number(query.get('rowCount') ?? Number.NaN);
  if (!(startRow >= 1)) return { field: 'StartRow', message: 'startRow is required and begins with 1' };
  if (!(rowCount >= 1 && rowCount <= ROWS_MAX))
    return { field: 'RowCount', message: `rowCount must be 1 to ${ROWS_MAX}` };
  const range = rangeFrom(query.get('datetime_beginning_ept'));
  if (!range) return { field: 'Filters', message: 'A datetime is missing', detail: ['datetime_filter'] };
  const ids = query.get('pnode_id')?.split(';').map(Number);
  const refusal = refusalOf(report, range, ids, now);
  if (refusal) return refusal;
  const nodes = ids ? all.filter(({ id }) => ids.includes(id)) : all;
  const starts = startsIn(report, range, now);
  return { report, startRow, rowCount, nodes, starts, allVersions: query.get('row_is_current') === 'all' };
}

function parametersOf({ verified }: StandInReport): readonly string[] {
  return verified ? PARAMETERS : PARAMETERS.filter((name) => name !== 'row_is_current');
}

/** Eastern times by the clock, both included. */
interface EasternRange {
  readonly from: Temporal.PlainDateTime;
  readonly to: Temporal.PlainDateTime;
}

function rangeFrom(text: string | null): EasternRange | undefined {
  const [from, to] = (text ?? '').split('to').map(easternFrom);
  return from && to && Temporal.PlainDateTime.compare(from, to) <= 0 ? { from, to } : undefined;
}

function easternFrom(text: string): Temporal.PlainDateTime | undefined {
  const parts = /^(\d{2})\/(\d{2})\/(\d{4}) (\d{2}):(\d{2})$/.exec(text);
  if (!parts) return undefined;
  const [month = 0, day = 0, year = 0, hour = 0, minute = 0] = parts.slice(1).map(Number);
  return Temporal.PlainDateTime.from({ year, month, day, hour, minute });
}

function refusalOf(
  report: StandInReport,
  { from, to }: EasternRange,
  ids: readonly number[] | undefined,
  now: number,
): Refusal | undefined {
  const filters = (message: string, ...detail: string[]): Refusal => ({ field: 'Filters', message, detail });
  if (from.until(to).total({ unit: 'days' }) >= 366) return filters('Error: Date range cannot exceed 366 days.');
  if (from.year !== to.year) return filters('Data date range must be within same calendar year.');
  if (report.archiveDays === null) return undefined;
  const standard = eastern(now).startOfDay().subtract({ days: report.archiveDays }).toPlainDateTime();
  if (Temporal.PlainDateTime.compare(from, standard) >= 0) return undefined;
  if (Temporal.PlainDateTime.compare(to, standard) >= 0) {
    return filters('Date range in the API request spans over archived and standard data. Please update the request.');
  }
  return ids && filters('The API request contains invalid attribute(s) for archived data - Pnode_Id.', 'pnode_id');
}

function startsIn(report: StandInReport, { from, to }: EasternRange, now: number): readonly number[] {
  const stepMs = report.intervalMinutes * 60_000;
  const first = from.toZonedDateTime('America/New_York', { disambiguation: 'earlier' }).epochMilliseconds;
  const last = to.toZonedDateTime('America/New_York', { disambiguation: 'later' }).epochMilliseconds;
  const keptFrom = report.keptDays === null ? Number.NEGATIVE_INFINITY : now - report.keptDays * 86_400_000;
  const starts: number[] = [];
  for (let at = Math.ceil(first / stepMs) * stepMs; at <= last; at += stepMs) {
    if (at >= keptFrom && publishedAt(report, at) <= now && isBetween(eastern(at).toPlainDateTime(), from, to))
      starts.push(at);
  }
  return starts;
}

/** By the clock: of a range within the repeated hour both passes are in it, and what lies between by UTC may not be. */
function isBetween(at: Temporal.PlainDateTime, from: Temporal.PlainDateTime, to: Temporal.PlainDateTime): boolean {
  return Temporal.PlainDateTime.compare(at, from) >= 0 && Temporal.PlainDateTime.compare(at, to) <= 0;
}

export function reportOfPath(pathname: string): StandInReport | undefined {
  return STAND_IN_REPORTS.find(({ name }) => pathname === `/api/v1/${name}`);
}
