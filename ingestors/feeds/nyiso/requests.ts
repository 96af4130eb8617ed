import { type CalendarDate, daysIn, startOfDate, startOfDay } from '../../../domain/calendar.ts';
import { BusbarError } from '../../../domain/errors.ts';
import { DAY_MS } from '../../../domain/instant.ts';
import { marketOf } from '../../../domain/market.ts';
import type { ChunkRange } from '../../feed.ts';
import type { ReportRequest } from '../../sources/report-poller.ts';
import { EASTERN, REPORTS, type ReportName } from './reports.ts';

/** The files of single days are there for some 10 days; after a week the month's archive is asked for. */
const DAY_FILES_MS = 7 * DAY_MS;

/** What a request asks for: the file of one day, alone or as a member of its month's archive. */
export interface FileAsked {
  /** Relative to the base URL. */
  readonly path: string;
  /** Undefined: the file lies there by itself. */
  readonly member: string | undefined;
  readonly day: CalendarDate;
}

/**
 * The requests for a range: one file an operating day, as text
 *
 *   damlbmp/20240703damlbmp_zone.csv                                          the day's own file
 *   damlbmp/20240701damlbmp_zone_csv.zip#20240703damlbmp_zone.csv             its file in the month's archive
 *
 * A file holds all nodes of its kind, so that nodes need not be named.
 * @param now milliseconds UTC: decides which of the two there is.
 * @throws BusbarError `BAD_USER_INPUT` for nodes of another market.
 */
export function nyisoRequests(name: ReportName, { from, to, nodes = [] }: ChunkRange, now: number): ReportRequest[] {
  const stranger = nodes.find((node) => marketOf(node).id !== 'NYISO');
  if (stranger)
    throw new BusbarError('BAD_USER_INPUT', `${stranger} is no node of NYISO: name nodes as in NYISO:N.Y.C.`);
  if (to <= from) return [];
  return daysIn(EASTERN, from, to).map((day) => ({
    from: day.from,
    to: day.to,
    request: isArchived(day, now) ? archivedFile(name, day) : dayFile(name, day),
  }));
}

/** @returns undefined where the text is not what this feed itself would ask for the report. */
export function fileAsked(name: ReportName, request: string): FileAsked | undefined {
  const digits = /(\d{4})(\d{2})(\d{2})\w+\.csv$/.exec(request);
  if (!digits) return undefined;
  const [year = 0, month = 0, dayOfMonth = 0] = digits.slice(1).map(Number);
  const day = { year, month, day: dayOfMonth };
  if (!exists(day) || (request !== dayFile(name, day) && request !== archivedFile(name, day))) return undefined;
  const [path = '', member] = request.split('#');
  return { path, member, day };
}

/** Whether a day is so long ago that it is found in its month's archive. */
export function isArchived(day: CalendarDate, now: number): boolean {
  return startOfDay(EASTERN, startOfDate(EASTERN, day), 1) < now - DAY_FILES_MS;
}

export function archivedFile(name: ReportName, day: CalendarDate): string {
  return `${REPORTS[name].folder}/${compact({ ...day, day: 1 })}${name}_csv.zip#${compact(day)}${name}.csv`;
}

function dayFile(name: ReportName, day: CalendarDate): string {
  return `${REPORTS[name].folder}/${compact(day)}${name}.csv`;
}

function compact({ year, month, day }: CalendarDate): string {
  return `${String(year).padStart(4, '0')}${String(month).padStart(2, '0')}${String(day).padStart(2, '0')}`;
}

function exists(day: CalendarDate): boolean {
  try {
    startOfDate(EASTERN, day);
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}
