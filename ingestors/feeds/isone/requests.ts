import { type CalendarDate, daysIn } from '../../../domain/calendar.ts';
import { BusbarError } from '../../../domain/errors.ts';
import { parseInstant } from '../../../domain/instant.ts';
import type { ChunkRange } from '../../feed.ts';
import type { ReportPlan, ReportRequest } from '../../sources/report-poller.ts';
import { isLocationId, locationIdOf } from './locations.ts';
import { REPORTS, type ReportName, ZONE } from './reports.ts';
import type { IsoneSettings } from './settings.ts';

/** What ISO-NE can be asked for: a report, an operating day, a location. */
export function isonePlan(settings: IsoneSettings): ReportPlan<ReportName> {
  return {
    vendor: 'ISO-NE',
    reports: REPORTS,
    requestsFor: (report, asked) => requestsFor(report, locationsAsked(settings, asked), asked),
  };
}

/** Whether the text is what this feed itself would ask for: it is kept in the store until it is asked. */
export function isIsoneRequest(report: ReportName, text: string): boolean {
  const [, path, date = '', id = ''] = /^(.+)\/day\/(\d{8})\/location\/(\d+)$/.exec(text) ?? [];
  return path === REPORTS[report].path && isDate(date) && isLocationId(id);
}

/** @throws BusbarError `BAD_USER_INPUT` where they are not set. */
export function credentialsOf({ ISONE_USERNAME, ISONE_PASSWORD }: IsoneSettings): { user: string; password: string } {
  if (ISONE_USERNAME !== undefined && ISONE_PASSWORD !== undefined) {
    return { user: ISONE_USERNAME, password: ISONE_PASSWORD.reveal() };
  }
  throw new BusbarError('BAD_USER_INPUT', 'ISO-NE answers only those it knows: set ISONE_USERNAME and ISONE_PASSWORD');
}

function requestsFor(
  report: ReportName,
  ids: readonly string[],
  { from, to }: Pick<ChunkRange, 'from' | 'to'>,
): ReportRequest[] {
  if (to <= from) return [];
  return daysIn(ZONE, from, to).flatMap((day) =>
    ids.map((id) => ({
      from: day.from,
      to: day.to,
      request: `${REPORTS[report].path}/day/${compactDate(day)}/location/${id}`,
    })),
  );
}

function locationsAsked(settings: IsoneSettings, { nodes }: ChunkRange): readonly string[] {
  credentialsOf(settings);
  const known = settings.ISONE_NODES;
  const ids = nodes === undefined ? known.map(({ id }) => id) : nodes.map((node) => locationIdOf(node, known));
  if (ids.length > 0) return [...new Set(ids)];
  throw new BusbarError(
    'BAD_USER_INPUT',
    'no locations to ask for: name some, as in ISONE:.H.INTERNAL_HUB, or set ISONE_NODES',
  );
}

/** `20241103` */
function compactDate({ year, month, day }: CalendarDate): string {
  return `${year}${String(month).padStart(2, '0')}${String(day).padStart(2, '0')}`;
}

function isDate(compact: string): boolean {
  return parseInstant(`${compact.slice(0, 4)}-${compact.slice(4, 6)}-${compact.slice(6)}T00:00Z`) !== undefined;
}
