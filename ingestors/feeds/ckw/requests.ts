import { type CalendarDate, daysIn } from '../../../domain/calendar.ts';
import { DAY_MS, isoFromInstant, MINUTE_MS, parseInstant } from '../../../domain/instant.ts';
import type { Chunk, DeliveryRange } from '../../feed.ts';
import { isTariffName } from './names.ts';
import { ZURICH } from './zurich.ts';

export const QUARTER_MS = 15 * MINUTE_MS;

/** CKW's page says 31 days a request, its interface 30. */
const REQUEST_MS_MAX = 30 * DAY_MS;

const TARIFFS = 'netzinformationen/energie/dynamische-preise';
const SIGNALS = 'netzinformationen/trasignale';

/**
 * Requests for the quarter hours that start in a range, oldest first; the range is widened to whole ones. The quarter that
 * starts at `end_timestamp` comes as well, so that is where the last one of a request starts.
 */
export function tariffRequests(tariffName: string, { from, to }: DeliveryRange): readonly Chunk[] {
  const chunks: Chunk[] = [];
  const end = Math.ceil(to / QUARTER_MS) * QUARTER_MS;
  for (let start = Math.floor(from / QUARTER_MS) * QUARTER_MS; start < end; start += REQUEST_MS_MAX) {
    const next = Math.min(end, start + REQUEST_MS_MAX);
    chunks.push({ from: start, to: next, request: tariffRequest(tariffName, start, next) });
  }
  return chunks;
}

/** Whether the text is a request of ours for the tariff: it is read, written again and compared. */
export function isTariffRequest(tariffName: string, request: string): boolean {
  const parameters = new URLSearchParams(request.slice(request.indexOf('?') + 1));
  const start = parseInstant(parameters.get('start_timestamp') ?? '');
  const last = parseInstant(parameters.get('end_timestamp') ?? '');
  if (start === undefined || last === undefined || last < start || !isTariffName(tariffName)) return false;
  return request === tariffRequest(tariffName, start, last + QUARTER_MS);
}

/** In UTC, whose instants need no escaping; the answer is then in UTC as well. */
function tariffRequest(tariffName: string, start: number, end: number): string {
  const text = (instant: number) => isoFromInstant(instant).replace('.000Z', 'Z');
  return `${TARIFFS}?tariff_name=${tariffName}&start_timestamp=${text(start)}&end_timestamp=${text(end - QUARTER_MS)}`;
}

export function plantRequest(plant: string): string {
  return `netzinformationen/kraftwerke/${plant}/live`;
}

/** Requests for the days of Zurich that have an instant in the range, oldest first. */
export function signalRequests({ from, to }: DeliveryRange): readonly Chunk[] {
  return daysIn(ZURICH, from, to).map((day) => ({
    from: day.from,
    to: day.to,
    request: `${SIGNALS}/${dateText(day)}`,
  }));
}

/** The day that a request for signals asks for; undefined where it is none of ours. */
export function daySignalled(request: string): string | undefined {
  return /^netzinformationen\/trasignale\/(\d{4}-\d{2}-\d{2})$/.exec(request)?.[1];
}

/** `2025-07-08`, as a day of Zurich is written. */
function dateText({ year, month, day }: CalendarDate): string {
  return `${year}-${String(month).padStart(2, '0')}-${String(day).padStart(2, '0')}`;
}
