import { BusbarError } from '../domain/errors.ts';

/** What one question may ask for. Beyond it the answer is `LIMIT_EXCEEDED`, before anything runs. */
export const LIMITS = {
  /** Nodes named in one argument. */
  nodes: 1_000,
  /** Nodes whose current prices one subscription begins with, where they are not named: of all their runs some 10 MB. */
  snapshotNodes: 5_000,
  /** Rows of one page of a connection. */
  first: 10_000,
  /** Points of all series of one field. A million points of eight columns are some 100 MB of JSON. */
  points: 1_000_000,
  /** Days or months of one series, each of which is placed by the calendar: 27 years of days. */
  calendarPoints: 10_000,
  /** Partitions named in one argument. */
  partitions: 1_000,
  /** Dead letters named in one argument. */
  ids: 10_000,
  /** Characters of a reason. */
  reason: 2_000,
  /** Days of one backfill: ten years. */
  backfillDays: 3_653,
  /** Ledger entries asked for under all jobs of one answer. */
  jobEntries: 100_000,
  /** Origins of all ledger entries of one answer; a chunk of a replay has a hundred. */
  origins: 100_000,
  /** Versions of all prices of one answer. */
  revisions: 100_000,
  /** Versions of the metadata of all nodes of one answer. */
  nodeVersions: 100_000,
  /** Bytes of raw dead letters of one answer. */
  rawBytes: 16 * 1024 * 1024,
  /** Accounts of one answer. */
  accounts: 100_000,
  /** Positions of one answer. */
  positions: 100_000,
  /** Versions of all trades of one answer. */
  tradeVersions: 100_000,
  /** Trades asked for under all positions of one answer. */
  positionTrades: 100_000,
  /** Prices that the statistics of one field are made of; a month of 5-minute prices at 200 nodes are 1.8 million. */
  metricPrices: 2_000_000,
  /** Prices of tariffs of one answer, or that one comparison may be made of; all parts of a tariff are 140,000 a year. */
  tariffPrices: 100_000,
  /** Readings of plants of one answer. */
  plantReadings: 100_000,
  /** Minutes that the health of sources looks back: a week. */
  healthMinutes: 10_080,
  /** Errors asked for under all sources of one answer. */
  sourceErrors: 10_000,
} as const;

export type LimitName = keyof typeof LIMITS;

/** @throws BusbarError `LIMIT_EXCEEDED` with the limit's name, its value and what was asked for. */
export function requireWithin(limit: LimitName, asked: number, advice: string): void {
  if (asked > LIMITS[limit]) throw limitExceeded(limit, asked, advice);
}

export function limitExceeded(limit: LimitName, asked: number, advice: string): BusbarError {
  const max = LIMITS[limit];
  return new BusbarError('LIMIT_EXCEEDED', `${limit}: ${asked} asked for, at most ${max}; ${advice}`, {
    details: { limit, max, asked },
  });
}

/**
 * A list that may be left out, which means all there are: an empty one is a mistake, and not taken for that.
 * @throws BusbarError `BAD_USER_INPUT`
 */
export function someOf(argument: string, texts: readonly string[]): readonly string[] {
  if (texts.length > 0) return texts;
  throw new BusbarError('BAD_USER_INPUT', `\`${argument}\` is empty: leave it out to mean all`);
}
