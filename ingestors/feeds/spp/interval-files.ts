import { HOUR_MS, MINUTE_MS } from '../../../domain/instant.ts';
import { offsetMsAt } from '../../../domain/zone-offset.ts';

/** SPP's clock: files are named, and intervals labelled, after the Central time at which an interval ends. */
export const CENTRAL = 'America/Chicago';

export const INTERVAL_MS = 5 * MINUTE_MS;

/**
 * The wall times by which SPP may call an interval's end: what the clock shows at the end, and what it showed at the start
 * and the interval's length after it. They differ only for the interval that ends as clocks are set: 01:55 to 02:00 in
 * autumn is `0200` or `0100d`, and no two accounts of SPP's files agree which.
 */
export function endLabelsOf(endAt: number, lengthMs: number): readonly [byStart: number, byEnd: number] {
  return [wallMsAt(endAt - lengthMs) + lengthMs, wallMsAt(endAt)];
}

/** `/2026/06/By_Interval/30`: the date on which the interval starts. */
export function intervalFolder(startAt: number): string {
  const [year, month, day] = dateParts(wallMsAt(startAt));
  return `/${year}/${month}/By_Interval/${day}`;
}

/** `202607010000`, with a `d` in the repeated hour of autumn; two names where it is unknown which of them it has. */
export function intervalStamps(startAt: number): readonly string[] {
  const [byStart, byEnd] = endLabelsOf(startAt + INTERVAL_MS, INTERVAL_MS);
  return [
    ...new Set([
      `${stamp(byStart)}${isRepeated(startAt) ? 'd' : ''}`,
      `${stamp(byEnd)}${isRepeated(startAt + INTERVAL_MS) ? 'd' : ''}`,
    ]),
  ];
}

/** What a clock on a Central wall shows, as if it showed UTC: milliseconds that can be reckoned with and written down. */
function wallMsAt(instantMs: number): number {
  return instantMs + offsetMsAt(CENTRAL, instantMs);
}

/** Whether the clock showed the same an hour ago. */
function isRepeated(instantMs: number): boolean {
  return wallMsAt(instantMs) === wallMsAt(instantMs - HOUR_MS);
}

function stamp(wallMs: number): string {
  return new Date(wallMs).toISOString().slice(0, 16).replaceAll(/\D/g, '');
}

function dateParts(wallMs: number): string[] {
  return new Date(wallMs).toISOString().slice(0, 10).split('-');
}
