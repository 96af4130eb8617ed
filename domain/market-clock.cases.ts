/**
 * Clocks, holidays and blocks of the US markets as they are written in law and rule books, by plain arithmetic: what the
 * calendar of the code is compared with. Nothing here asks a time zone database.
 */
const HOUR = 3_600_000;

/** Standard time's hours from UTC; whether summer time is kept; on-peak hours by their ends, and the last weekday of them. */
const WRITTEN: Readonly<
  Record<string, readonly [offset: number, summer: boolean, first: number, last: number, to: number]>
> = {
  CAISO: [-8, true, 7, 22, 6],
  ERCOT: [-6, true, 7, 22, 5],
  ISONE: [-5, true, 8, 23, 5],
  MISO: [-5, false, 7, 22, 5],
  NYISO: [-5, true, 8, 23, 5],
  PJM: [-5, true, 8, 23, 5],
  SPP: [-6, true, 7, 22, 5],
};

/** What a clock shows, as if it were UTC. */
export function writtenWallTime(market: string, instant: number): Date {
  const [offset, summer] = writtenOf(market);
  return new Date(instant + (offset + (summer && isSummerTime(offset, instant) ? 1 : 0)) * HOUR);
}

/** From two in the morning of standard time to two of summer time. */
function isSummerTime(offset: number, instant: number): boolean {
  const [from, to] = summerOf(new Date(instant + offset * HOUR).getUTCFullYear());
  return instant >= from + (2 - offset) * HOUR && instant < to + (1 - offset) * HOUR;
}

const SUMMERS = new Map<number, readonly [from: number, to: number]>();

/**
 * Until 2006 from the first Sunday of April to the last of October; since the Energy Policy Act of 2005 came into force,
 * in 2007, from the second Sunday of March to the first of November.
 */
function summerOf(year: number): readonly [from: number, to: number] {
  const summer =
    SUMMERS.get(year) ??
    (year < 2007
      ? ([sundayFrom(year, 3, 1), sundayFrom(year, 9, 25)] as const)
      : ([sundayFrom(year, 2, 8), sundayFrom(year, 10, 1)] as const));
  SUMMERS.set(year, summer);
  return summer;
}

/** @param month counts from 0. */
function sundayFrom(year: number, month: number, day: number): number {
  const date = new Date(Date.UTC(year, month, day));
  while (date.getUTCDay() !== 0) date.setUTCDate(date.getUTCDate() + 1);
  return date.getTime();
}

/** Whether a date is a NERC holiday, told by the date alone. */
export function isWrittenHoliday(date: Date): boolean {
  const weekday = date.getUTCDay();
  const [month, day] = [date.getUTCMonth() + 1, date.getUTCDate()];
  const dates = [month * 100 + day, ...(weekday === 1 ? [month * 100 + day - 1] : [])];
  if (weekday !== 0 && dates.some((each) => [101, 704, 1225].includes(each))) return true;
  if (weekday === 1) return (month === 5 && day > 24) || (month === 9 && day < 8);
  return weekday === 4 && month === 11 && day > 21 && day < 29;
}

export function isWrittenOnPeak(market: string, instant: number): boolean {
  const [, , first, last, to] = writtenOf(market);
  const wall = writtenWallTime(market, instant);
  const [weekday, hourEnding] = [wall.getUTCDay(), wall.getUTCHours() + 1];
  return weekday >= 1 && weekday <= to && hourEnding >= first && hourEnding <= last && !isWrittenHoliday(wall);
}

function writtenOf(market: string) {
  const written = WRITTEN[market];
  if (!written) throw new Error(`no rules are written down for ${market}`);
  return written;
}
