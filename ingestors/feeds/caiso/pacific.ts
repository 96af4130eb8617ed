import { instantsAt, startOfDay, type WallTime, wallTimeAt } from '../../../domain/calendar.ts';

/** CAISO's operating day begins at midnight in this zone; it has 23, 24 or 25 hours. */
const PACIFIC = 'America/Los_Angeles';

/** The start of the operating day that lies `days` after the one the instant is in. Milliseconds UTC. */
export function operatingDayStart(instantMs: number, days = 0): number {
  return startOfDay(PACIFIC, instantMs, days);
}

/** Hours since midnight on the wall clock, 0 to 23. */
export function pacificHour(instantMs: number): number {
  return wallTimeAt(PACIFIC, instantMs).hour;
}

/** @returns undefined where there is no such time, or where it comes twice and so cannot be placed. */
export function instantFromPacific(wall: WallTime): number | undefined {
  const instants = instantsAt(PACIFIC, wall);
  return instants.length === 1 ? instants[0] : undefined;
}
