import { DAY_MS } from '../../../domain/instant.ts';
import { operatingDayStart } from './pacific.ts';
import type { ReportName } from './reports.ts';
import type { Window } from './requests.ts';

/** That an interval of a market was corrected; the corrected price itself is in the market's report. */
export interface Correction {
  /** As the group names it: DAM, RTD, RTPD. */
  readonly market: string;
  /** When it was made; undefined where the text does not tell. Milliseconds UTC. */
  readonly madeAt: number | undefined;
}

/**
 * OASIS tells of corrections some days to two weeks after their trade date, which is an operating day. They are asked
 * for by trade date; there is no way to ask for what is new. So the days of a window are swept again whenever a new
 * operating day has begun:
 *
 *   position ── start of the operating day of the last whole sweep ──── now
 *               the same day: nothing to do;  an earlier one: sweep, oldest day first, the position moves at the end
 */
export interface Sweep {
  /** Operating days, oldest first. */
  readonly days: readonly Window[];
  /** The position until the last of them is done. */
  readonly reached: number;
  /** The position from then on. */
  readonly next: number;
  /** Corrections made before it have been taken by an earlier sweep. */
  readonly newSince: number;
}

/** A correction may reach OASIS some time after it says that it was made. */
const PUBLISHING_MS = DAY_MS;

/** @param days how many operating days before today's to ask for. */
export function correctionSweep(position: number | undefined, now: number, days: number): Sweep {
  const today = operatingDayStart(now);
  const oldest = operatingDayStart(now, -days);
  const due = position === undefined || position < today;
  return {
    days: due ? operatingDays(oldest, today) : [],
    reached: position ?? oldest,
    next: today,
    newSince: position === undefined ? Number.NEGATIVE_INFINITY : position - PUBLISHING_MS,
  };
}

/** The operating days that have a part in `[from, to)`. */
export function operatingDays(from: number, to: number): Window[] {
  const days: Window[] = [];
  for (let start = operatingDayStart(from); start < to; ) {
    const end = operatingDayStart(start, 1);
    days.push({ start, end });
    start = end;
  }
  return days;
}

const MARKETS_OF: Readonly<Record<ReportName, readonly string[]>> = {
  PRC_LMP: ['DAM'],
  PRC_INTVL_LMP: ['RTD', 'RTM'],
  PRC_RTPD_LMP: ['RTPD', 'FMM'],
  PRC_HASP_LMP: ['HASP'],
};
const MARKETS = new Set(Object.values(MARKETS_OF).flat());

/** Which of the reports to ask for again; all of them for a market that is not known. */
export function correctedReports(
  reports: readonly ReportName[],
  corrections: readonly Correction[],
  newSince: number,
): ReportName[] {
  const markets = corrections
    .filter(({ madeAt }) => madeAt === undefined || madeAt >= newSince)
    .map(({ market }) => market);
  if (markets.some((market) => !MARKETS.has(market))) return [...reports];
  return reports.filter((report) => MARKETS_OF[report].some((market) => markets.includes(market)));
}
