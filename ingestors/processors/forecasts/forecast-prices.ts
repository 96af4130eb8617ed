/**
 * Forecasts follow prices: each commit of prices is followed once, in the transaction that keeps what the models remember.
 *
 * A model takes each interval once, in the order of intervals. A price that comes late, or a correction of one that was
 * taken, changes no forecast: what was forecast was forecast from what was known. A price that lies too far ahead waits in the
 * store for the first commit that brings its series a price when its time has come.
 */
import type { Logger } from 'pino';
import { messageOf } from '../../../domain/errors.ts';
import { addPrice, FORECAST_EVERY_MS, type ForecastState } from '../../../domain/forecast.ts';
import type { Queryable } from '../../../prisma/queryable.ts';
import type { Recurring } from '../../jobs/recurring.ts';
import type { EventLog } from '../../sources/event-log.ts';
import { commitOwn, type Made, type ProcessorParts } from '../own-commit.ts';
import { type NewCommits, noteFollowed, readNewCommits } from './new-commits.ts';
import { publishForecasts } from './publish-forecasts.ts';
import {
  forecastEvent,
  type PricedSeries,
  pricesAfter,
  readSeries,
  type Series,
  saveStates,
} from './stored-forecast.ts';

/** The name under which forecasts stand in the ledger and on the live bus. */
export const FORECASTS_FEED = 'forecasts';
const PARTITION = 'prices';

/** Of each partition at a time: some seconds of small commits. */
const COMMITS_MAX = 50;

export interface ForecastParts extends ProcessorParts {
  /** Feeds of prices. */
  readonly feeds: readonly string[];
  readonly eventLog: Pick<EventLog, 'append'>;
  readonly log: Logger;
}

export function forecastsRecurring(parts: ForecastParts): Recurring {
  return {
    name: FORECASTS_FEED,
    everyMs: FORECAST_EVERY_MS,
    run: async (signal) => {
      try {
        // What comes meanwhile waits for the next time: to follow every small commit at once would cost as much as they do.
        while (!signal.aborted && (await followPrices(parts)) === 'part');
        while (!signal.aborted && (await publishForecasts(parts.pool, parts.eventLog, FORECASTS_FEED)));
      } catch (error) {
        parts.log.warn({ error: messageOf(error) }, 'forecasting failed');
      }
      return signal.aborted ? 'unfinished' : 'done';
    },
  };
}

/** @returns how much of what there is it followed. */
export async function followPrices(
  parts: Omit<ForecastParts, 'eventLog' | 'log'>,
): Promise<'nothing' | 'part' | 'all'> {
  const { pool, feeds, clock } = parts;
  if ((await readNewCommits(pool, FORECASTS_FEED, feeds, 1)).length === 0) return 'nothing';
  const entry = { feed: FORECASTS_FEED, partition: PARTITION, request: 'forecasts of the next prices' };
  let commits: readonly NewCommits[] = [];
  await commitOwn(parts, entry, async (client, ledgerId) => {
    commits = await readNewCommits(client, FORECASTS_FEED, feeds, COMMITS_MAX);
    return follow(client, ledgerId, commits, clock());
  });
  return commits.some(({ ledgerIds }) => ledgerIds.length === COMMITS_MAX) ? 'part' : 'all';
}

async function follow(
  client: Queryable,
  ledgerId: number,
  commits: readonly NewCommits[],
  now: number,
): Promise<Made | undefined> {
  if (commits.length === 0) return undefined;
  const ledgerIds = commits.flatMap((commit) => commit.ledgerIds);
  const series = ledgerIds.length > 0 ? await readSeries(client, ledgerIds) : [];
  const moved: MovedSeries[] = [];
  let rowsIn = 0;
  for await (const priced of pricesAfter(client, series, now)) {
    rowsIn += priced.prices.length;
    moved.push(movedBy(priced));
  }
  if (moved.length > 0) await saveStates(client, moved, ledgerId);
  await noteFollowed(client, FORECASTS_FEED, commits);
  // Corrections, late prices and prices far ahead only: followed, and nobody is told anything.
  if (moved.length === 0) return undefined;
  const instants = moved.map(({ state }) => state.lastAt);
  return {
    rowsIn,
    written: moved.length,
    revised: 0,
    range: { from: Math.min(...instants), to: Math.max(...instants) },
    news: { forecasts: moved.map((each) => forecastEvent(each, ledgerId)) },
  };
}

export interface MovedSeries extends Series {
  readonly state: ForecastState;
}

function movedBy({ prices, state: before, ...series }: PricedSeries): MovedSeries {
  let state = before;
  for (const price of prices) state = addPrice(state, price);
  if (!state) throw new TypeError('a series without a price is not moved');
  return { ...series, state };
}
