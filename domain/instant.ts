/**
 * Instants are milliseconds since the epoch, UTC. Text is ISO 8601 with an explicit zone: a time without one is
 * ambiguous and refused rather than guessed.
 */
const ISO_INSTANT =
  /^\d{4}-(?:0[1-9]|1[0-2])-\d{2}T(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,9})?)?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/;

/** Years of four digits in UTC: what `isoFromInstant` writes and `parseInstant` reads back. */
const INSTANT_MIN = Date.parse('0000-01-01T00:00:00.000Z');
const INSTANT_MAX = Date.parse('9999-12-31T23:59:59.999Z');

/**
 * Digits beyond the millisecond are cut off. 0.4 µs: every record of a topic passes here, and asking for the day back
 * with `toISOString` would triple it.
 * @returns undefined where the text is not an ISO 8601 instant with a zone, names a day that does not exist, or falls
 *   out of the years 0000 to 9999 in UTC.
 */
export function parseInstant(text: string): number | undefined {
  if (!ISO_INSTANT.test(text) || !isDayOfMonth(text)) return undefined;
  const ms = Date.parse(text);
  return ms >= INSTANT_MIN && ms <= INSTANT_MAX ? ms : undefined;
}

/** `Date.parse` rolls 2026-02-30 over into March. The text has passed `ISO_INSTANT`. */
function isDayOfMonth(text: string): boolean {
  const day = Number(text.slice(8, 10));
  if (day <= 28) return day > 0;
  const year = Number(text.slice(0, 4));
  const month = Number(text.slice(5, 7));
  if (month === 2) return day === 29 && year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  return day <= (month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31);
}

/** Whether a number is an instant that can be written down: in the years 0000 to 9999. */
export function isInstant(ms: number): boolean {
  return ms >= INSTANT_MIN && ms <= INSTANT_MAX;
}

/** What a source says of a time, where it is one. */
export function instantOrNull(ms: number): number | null {
  return isInstant(ms) ? ms : null;
}

export function isoFromInstant(ms: number): string {
  return new Date(ms).toISOString();
}

export const MINUTE_MS = 60_000;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;
