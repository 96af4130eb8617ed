import { Temporal } from 'temporal-polyfill';

/** CAISO's operating day begins at midnight in this zone; it has 23, 24 or 25 hours. */
const PACIFIC = 'America/Los_Angeles';

/** The start of the operating day that lies `days` after the one the instant is in. Milliseconds UTC. */
export function operatingDayStart(instantMs: number, days = 0): number {
  return pacific(instantMs).startOfDay().add({ days }).startOfDay().epochMilliseconds;
}

/** Hours since midnight on the wall clock, 0 to 23. */
export function pacificHour(instantMs: number): number {
  return pacific(instantMs).hour;
}

export interface WallTime {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
}

/** @returns undefined where there is no such time, or where it comes twice and so cannot be placed. */
export function instantFromPacific(wall: WallTime): number | undefined {
  try {
    const zoned = Temporal.ZonedDateTime.from(
      { ...wall, timeZone: PACIFIC },
      { overflow: 'reject', disambiguation: 'reject' },
    );
    return zoned.epochMilliseconds;
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function pacific(instantMs: number): Temporal.ZonedDateTime {
  return Temporal.Instant.fromEpochMilliseconds(instantMs).toZonedDateTimeISO(PACIFIC);
}
