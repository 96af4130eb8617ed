/**
 * The market run a price was cleared in. Two runs never share a key: a day-ahead price and a real-time price of the
 * same node and hour are two facts.
 */
export const MARKET_RUNS = [
  'DAY_AHEAD_HOURLY',
  'HOUR_AHEAD_15_MIN',
  'REAL_TIME_5_MIN',
  'REAL_TIME_15_MIN',
  'REAL_TIME_HOURLY',
  'SPOT',
] as const;

export type MarketRun = (typeof MARKET_RUNS)[number];

/** Length of the run's settlement interval in minutes. SPOT is a tick: it has no regular grid. */
const INTERVAL_MINUTES: Readonly<Record<MarketRun, number | null>> = {
  DAY_AHEAD_HOURLY: 60,
  HOUR_AHEAD_15_MIN: 15,
  REAL_TIME_5_MIN: 5,
  REAL_TIME_15_MIN: 15,
  REAL_TIME_HOURLY: 60,
  SPOT: null,
};

export function intervalMinutesOf(run: MarketRun): number | null {
  return INTERVAL_MINUTES[run];
}

/** Runs whose prices are known long before their intervals begin: the next price is tomorrow's, or of the hours to come. */
const CLEARED_AHEAD: readonly MarketRun[] = ['DAY_AHEAD_HOURLY', 'HOUR_AHEAD_15_MIN'];

export function isClearedAhead(run: MarketRun): boolean {
  return CLEARED_AHEAD.includes(run);
}

export function isMarketRun(text: string): text is MarketRun {
  // `in` would also find what every object inherits: 'toString' is no run.
  return Object.hasOwn(INTERVAL_MINUTES, text);
}
