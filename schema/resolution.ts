import { BusbarError } from '../domain/errors.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../domain/instant.ts';
import { intervalMinutesOf, type MarketRun } from '../domain/market-run.ts';
import { builder } from './builder.ts';
import type { Range, Resolution as ResolutionName } from './context.ts';
import { requireWithin } from './limits.ts';

export const Resolution = builder.enumType('Resolution', {
  description:
    'Length of a series’ points. Coarser points are averages weighted by the length of each interval, so that unequal intervals count for what they are.',
  values: {
    RAW: { description: 'Prices as published, one point an interval.' },
    FIFTEEN_MINUTES: { description: 'Quarters of an hour, UTC. Not for hourly runs: nothing finer is invented.' },
    HOUR: { description: 'Clock hours.' },
    DAY: { description: 'Operating days in the market’s own time zone: 23, 24 or 25 hours.' },
    MONTH: { description: 'Calendar months of operating days in the market’s own time zone.' },
  } as const,
});

/** The shortest a point can be: a day that loses an hour, a February. */
const POINT_MS_MIN: Readonly<Record<Exclude<ResolutionName, 'RAW'>, number>> = {
  FIFTEEN_MINUTES: 15 * MINUTE_MS,
  HOUR: HOUR_MS,
  DAY: 23 * HOUR_MS,
  MONTH: 28 * DAY_MS - HOUR_MS,
};

/** @throws BusbarError `BAD_USER_INPUT` where the resolution is finer than what the run publishes. */
export function requireCoarseEnough(run: MarketRun, resolution: ResolutionName): void {
  const runMinutes = intervalMinutesOf(run);
  if (resolution !== 'FIFTEEN_MINUTES' || runMinutes === null || runMinutes <= 15) return;
  throw new BusbarError(
    'BAD_USER_INPUT',
    `${run} has one price in ${runMinutes} minutes: ${resolution} would have to invent what lies between; ask for RAW or HOUR`,
  );
}

/**
 * Counts the points of all series before anything runs. Ticks at RAW resolution have no grid to count; their read
 * stops at the limit instead.
 * @throws BusbarError `LIMIT_EXCEEDED`
 */
export function requireFewPoints(nodes: number, run: MarketRun, range: Range, resolution: ResolutionName): void {
  const pointMs = resolution === 'RAW' ? (intervalMinutesOf(run) ?? 0) * MINUTE_MS : POINT_MS_MIN[resolution];
  if (pointMs === 0) return;
  const each = Math.ceil((range.to - range.from) / pointMs);
  if (resolution === 'DAY' || resolution === 'MONTH') requireWithin('calendarPoints', each, 'ask for a shorter range');
  const points = nodes * each;
  requireWithin('points', points, 'ask for fewer nodes, a shorter range or a coarser resolution');
}
