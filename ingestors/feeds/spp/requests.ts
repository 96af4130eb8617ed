import { type CalendarDate, daysIn } from '../../../domain/calendar.ts';
import { BusbarError } from '../../../domain/errors.ts';
import { HOUR_MS } from '../../../domain/instant.ts';
import { marketOf } from '../../../domain/market.ts';
import type { ChunkRange } from '../../feed.ts';
import type { ReportRequest } from '../../sources/report-poller.ts';
import { CENTRAL, INTERVAL_MS, intervalFolder, intervalStamps } from './interval-files.ts';
import type { ReportName } from './reports.ts';

/**
 * Requests for the intervals that start in a range: of the day-ahead report a file a day, of the real-time one the files of
 * an hour together, which keeps a month at 720 requests instead of 8,640. Their text is what follows the base URL, several
 * files in the braces that curl knows:
 *
 *   da-lmp-by-settlement-location?path=/2026/04/By_Day/DA-LMP-SL-202604120100.csv
 *   rtbm-lmp-by-location?path=/2026/06/By_Interval/01/RTBM-LMP-SL-{202606011205,202606011210}.csv
 *
 * @throws BusbarError `BAD_USER_INPUT` for nodes of another market.
 */
export function sppRequests(report: ReportName, { from, to, nodes = [] }: ChunkRange): readonly ReportRequest[] {
  const strange = nodes.find((node) => marketOf(node).id !== 'SPP');
  if (strange !== undefined) {
    throw new BusbarError('BAD_USER_INPUT', `${strange} is no node of SPP: name nodes as in SPP:SPPNORTH_HUB`);
  }
  return report === 'rtbm-lmp-by-location' ? hourRequests(from, to) : dayRequests(from, to);
}

/** Whether the text is such a request. */
export function isSppRequest(report: ReportName, text: string): boolean {
  return FORMS[report].test(text);
}

/** The files of a request, each as what follows the base URL. */
export function filesOf(request: string): readonly string[] {
  const braces = /^(.*)\{(.*)\}(.*)$/.exec(request);
  if (!braces) return [request];
  const [, before = '', stamps = '', after = ''] = braces;
  return stamps.split(',').map((stamp) => `${before}${stamp}${after}`);
}

const FORMS: Readonly<Record<ReportName, RegExp>> = {
  'da-lmp-by-settlement-location':
    /^da-lmp-by-settlement-location\?path=\/(\d{4})\/(\d{2})\/By_Day\/DA-LMP-SL-\1\2\d{2}0100\.csv$/,
  // Twelve files, and one more where an interval may have two names.
  'rtbm-lmp-by-location':
    /^rtbm-lmp-by-location\?path=\/\d{4}\/\d{2}\/By_Interval\/\d{2}\/RTBM-LMP-SL-(?:\d{12}d?|\{\d{12}d?(?:,\d{12}d?){1,12}\})\.csv$/,
};

function dayRequests(from: number, to: number): readonly ReportRequest[] {
  // An hour that began before the range is not asked for: the day of the first hour that begins in it.
  return daysIn(CENTRAL, Math.ceil(from / HOUR_MS) * HOUR_MS, to).map((day) => ({
    from: day.from,
    to: day.to,
    request: `da-lmp-by-settlement-location?path=${dayFile(day)}`,
  }));
}

function dayFile(date: CalendarDate): string {
  const [year, month, day] = [date.year, date.month, date.day].map((part) => String(part).padStart(2, '0'));
  return `/${year}/${month}/By_Day/DA-LMP-SL-${year}${month}${day}0100.csv`;
}

function hourRequests(from: number, to: number): readonly ReportRequest[] {
  const requests: ReportRequest[] = [];
  for (let start = Math.ceil(from / INTERVAL_MS) * INTERVAL_MS; start < to; ) {
    const hourEnd = (Math.floor(start / HOUR_MS) + 1) * HOUR_MS;
    const end = Math.min(hourEnd, Math.ceil(to / INTERVAL_MS) * INTERVAL_MS);
    requests.push({ from: start, to: end, request: intervalsRequest(start, end) });
    start = end;
  }
  return requests;
}

/** All within an hour, and so in one folder: days of Central time begin with an hour of UTC. */
function intervalsRequest(from: number, to: number): string {
  const starts = Array.from({ length: (to - from) / INTERVAL_MS }, (_, i) => from + i * INTERVAL_MS);
  const stamps = starts.flatMap(intervalStamps);
  const files = stamps.length === 1 ? stamps.join() : `{${stamps.join()}}`;
  return `rtbm-lmp-by-location?path=${intervalFolder(from)}/RTBM-LMP-SL-${files}.csv`;
}
