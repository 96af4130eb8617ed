import { DAY_MS, HOUR_MS } from './instant.ts';
import type { StoredLmp } from './lmp.ts';
import type { MarketRun } from './market-run.ts';

/** What marking has to know of a price: currency per MWh, instants in milliseconds UTC. */
export type RunPrice = Pick<StoredLmp, 'run' | 'startAt' | 'revision' | 'lmp' | 'publishedAt'>;

/** The fastest first; day-ahead prices are of tomorrow and say little of what a position is worth now. */
export const MARK_RUNS: readonly MarketRun[] = ['SPOT', 'REAL_TIME_5_MIN', 'REAL_TIME_15_MIN', 'REAL_TIME_HOURLY'];

/** A node that was retired, or a feed that was turned off, ends in positions without a price rather than in one of last year. */
export const MARK_AGE_MS_MAX = 31 * DAY_MS;

/** Markets publish the next quarter hours before they begin. What lies further ahead is tomorrow's, or of a wrong clock. */
const MARK_AHEAD_MS_MAX = HOUR_MS;

/** Starts of intervals that mark now, milliseconds UTC: after `after`, up to `upTo`. */
export function markableStarts(now: number): { readonly after: number; readonly upTo: number } {
  return { after: now - MARK_AGE_MS_MAX, upTo: now + MARK_AHEAD_MS_MAX };
}

/** Whether a price that begins then marks anything now. Milliseconds UTC. */
function isMarkable(startAt: number, now: number): boolean {
  const { after, upTo } = markableStarts(now);
  return startAt > after && startAt <= upTo;
}

/**
 * The price that positions of a node are marked at: of the first run that has one that `isMarkable` its newest such
 * interval, in its highest revision.
 * @param prices of one node, in any order; those of other runs do not count.
 * @param runs in the order of preference.
 * @param now milliseconds UTC.
 * @returns undefined where no run has one.
 */
export function markPriceOf<Price extends RunPrice>(
  prices: Iterable<Price>,
  runs: readonly MarketRun[],
  now: number,
): Price | undefined {
  let mark: { readonly price: Price; readonly rank: number } | undefined;
  for (const price of prices) {
    const rank = runs.indexOf(price.run);
    if (rank < 0 || !isMarkable(price.startAt, now)) continue;
    const isBetter = !mark || rank < mark.rank || (rank === mark.rank && isNewerPrice(price, mark.price));
    if (isBetter) mark = { price, rank };
  }
  return mark?.price;
}

/** Of two prices of one node and run: the one of the later interval, or a later revision of the same. */
export function isNewerPrice(one: RunPrice, other: RunPrice): boolean {
  return one.startAt === other.startAt ? one.revision > other.revision : one.startAt > other.startAt;
}
