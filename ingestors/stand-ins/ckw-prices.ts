import { Temporal } from 'temporal-polyfill';

const ZONE = 'Europe/Zurich';
const QUARTER_MINUTES = 15;

export const CKW_PARTS = ['grid', 'electricity', 'integrated', 'grid_usage'] as const;

export type CkwPart = (typeof CKW_PARTS)[number];

/** Prices in units of 0.0001 CHF/kWh: an invented day, dearer in the evening, that no two tariffs share. */
export function simulatedTariff(tariffName: string, startMs: number): Readonly<Record<CkwPart, number>> {
  const { hour, dayOfYear } = Temporal.Instant.fromEpochMilliseconds(startMs).toZonedDateTimeISO(ZONE);
  const evening = Math.max(0, 6 - Math.abs(19 - hour));
  const usage = (tariffName === 'home_dynamic' ? 600 : 450) + 55 * evening + ((dayOfYear * 7 + hour * 13) % 90);
  const electricity = tariffName === 'home_dynamic' ? 1200 : 1130;
  const grid = usage + 303;
  return { grid, electricity, integrated: grid + electricity, grid_usage: usage };
}

/** The quarter hours that start in `[fromMs, throughMs]` and are published: tomorrow's at eleven in Zurich. */
export function publishedQuarters(fromMs: number, throughMs: number, nowMs: number): readonly number[] {
  const now = Temporal.Instant.fromEpochMilliseconds(nowMs).toZonedDateTimeISO(ZONE);
  const end = now
    .startOfDay()
    .add({ days: now.hour >= 11 ? 2 : 1 })
    .startOfDay();
  const step = QUARTER_MINUTES * 60_000;
  const starts: number[] = [];
  for (let at = Math.ceil(fromMs / step) * step; at <= throughMs && at < end.epochMilliseconds; at += step) {
    starts.push(at);
  }
  return starts;
}

/** When the newest of the quarters was published: at eleven of the day before. */
export function publicationOf(lastStartMs: number): string {
  const at = Temporal.Instant.fromEpochMilliseconds(lastStartMs)
    .toZonedDateTimeISO(ZONE)
    .subtract({ days: 1 })
    .with({ hour: 11, minute: 0, second: 0, millisecond: 0 });
  return `${at.toPlainDateTime().toString({ smallestUnit: 'microsecond' })}${at.offset}`;
}

/** As CKW writes it: without seconds, in UTC where it was asked in UTC, else with Zurich's offset. */
export function ckwStamp(instantMs: number, inUtc: boolean): string {
  const zoned = Temporal.Instant.fromEpochMilliseconds(instantMs).toZonedDateTimeISO(inUtc ? 'UTC' : ZONE);
  return `${zoned.toPlainDateTime().toString({ smallestUnit: 'minute' })}${inUtc ? 'Z' : zoned.offset}`;
}

export function startOfToday(nowMs: number): number {
  return Temporal.Instant.fromEpochMilliseconds(nowMs).toZonedDateTimeISO(ZONE).startOfDay().epochMilliseconds;
}

export function startOfTomorrow(nowMs: number): number {
  const today = Temporal.Instant.fromEpochMilliseconds(nowMs).toZonedDateTimeISO(ZONE).startOfDay();
  return today.add({ days: 1 }).startOfDay().epochMilliseconds;
}

/** The signals of a day that has ended; none for one that has not, or on Sundays. */
export function simulatedSignals(day: string, nowMs: number): readonly object[] {
  const start = Temporal.PlainDate.from(day).toZonedDateTime(ZONE);
  if (start.add({ days: 1 }).epochMilliseconds > nowMs || start.dayOfWeek === 7) return [];
  return [
    { name: '000R', description: 'Boiler 4 h', from: '03:25', to: '06:56' },
    { name: '001R', description: 'Boiler 4 h 1', from: '02:23', to: '06:28' },
  ].map(({ name, description, from, to }) => ({
    Name: name,
    Description: description,
    Date: day,
    Start: wallStamp(day, from),
    End: wallStamp(day, to),
  }));
}

function wallStamp(day: string, time: string): string {
  const at = Temporal.PlainDateTime.from(`${day}T${time}`).toZonedDateTime(ZONE);
  return `${at.toPlainDateTime().toString({ smallestUnit: 'second' })}${at.offset}`;
}
