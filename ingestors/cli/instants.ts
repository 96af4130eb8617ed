import { BusbarError } from '../../domain/errors.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS, parseInstant } from '../../domain/instant.ts';

/** The ways to say an instant, for the help. */
export const INSTANT_HELP = `Instants are ISO 8601 with a zone (2025-07-01T00:00Z), a date
(2025-07-01 is its midnight in UTC), now, or so long before now: -30m, -2h, -7d,
-2w. Ranges hold their start and not their end.`;

const UNITS = { m: MINUTE_MS, h: HOUR_MS, d: DAY_MS, w: 7 * DAY_MS } as const;
const AGO = /^-(\d{1,6})([mhdw])$/;
const DATE = /^\d{4}-\d{2}-\d{2}$/;

/**
 * @param now what `now` means, milliseconds UTC.
 * @returns milliseconds UTC.
 * @throws BusbarError `BAD_USER_INPUT`
 */
export function instantFrom(text: string, now: number): number {
  if (text === 'now') return now;
  const [, count, unit] = text.match(AGO) ?? [];
  if (count && isUnit(unit)) return now - Number(count) * UNITS[unit];
  const instant = parseInstant(DATE.test(text) ? `${text}T00:00Z` : text);
  if (instant !== undefined) return instant;
  throw new BusbarError(
    'BAD_USER_INPUT',
    `"${text}" is not an instant: say 2025-07-01T00:00Z, 2025-07-01 for its midnight in UTC, now, or -7d`,
  );
}

function isUnit(text: string | undefined): text is keyof typeof UNITS {
  return text !== undefined && Object.hasOwn(UNITS, text);
}

/** `3 d 4 h`, `2 h 5 min`, `3 min`, `45 s`: the two largest parts that matter. */
export function durationText(ms: number): string {
  const seconds = Math.round(ms / 1_000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.round(ms / MINUTE_MS);
  if (minutes < 60) return `${minutes} min`;
  if (minutes < 24 * 60) return twoParts(Math.floor(minutes / 60), 'h', minutes % 60, 'min');
  const hours = Math.round(ms / HOUR_MS);
  return twoParts(Math.floor(hours / 24), 'd', hours % 24, 'h');
}

function twoParts(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large} ${largeUnit}` : `${large} ${largeUnit} ${small} ${smallUnit}`;
}
