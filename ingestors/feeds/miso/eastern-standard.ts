import { type CalendarDate, dateAt, instantsAt } from '../../../domain/calendar.ts';
import { parseInstant } from '../../../domain/instant.ts';

/** MISO keeps Eastern Standard Time all year: each of its days has 24 hours. */
export const EST = 'Etc/GMT+5';

/** The start of a day, milliseconds UTC; undefined for a day that does not exist. */
export function startOfMisoDay(date: CalendarDate): number | undefined {
  return instantsAt(EST, { ...date, hour: 0, minute: 0 })[0];
}

/** The day an instant lies in, as `2025-11-02`. */
export function misoDayAt(instantMs: number): string {
  return dayText(dateAt(EST, instantMs));
}

/** `2025-11-02` */
export function dayText({ year, month, day }: CalendarDate): string {
  return [year, String(month).padStart(2, '0'), String(day).padStart(2, '0')].join('-');
}

/**
 * `2025-12-03T00:05:00` or `2023-06-28 00:05:00.000`, as MISO writes Eastern Standard Time, without a zone.
 * @returns undefined where the text is no such time, or names a zone of its own, which would contradict it.
 */
export function instantFromEst(text: string): number | undefined {
  return parseInstant(`${text.replace(' ', 'T')}-05:00`);
}
