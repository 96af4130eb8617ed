import type pg from 'pg';
import { isoFromInstant } from '../../../domain/instant.ts';
import type { ForecastEvent } from '../../../runtime/live-bus/live-bus.ts';
import type { ForecastRecord } from '../../../schema/events/forecasts.ts';
import { FORECASTS_TOPIC } from '../../../schema/events/topics.ts';
import type { EventLog } from '../../sources/event-log.ts';
import { noteFollowed, readNewCommits } from './new-commits.ts';
import { forecastsArchive } from './stored-forecast.ts';

/** Under which it is noted how far forecasts are in the log. */
const PUBLISHER = 'forecasts to the log';
const COMMITS_MAX = 100;

/**
 * Appends what was forecast to the topic `forecasts`: what a commit was the last to say of a node, so that one that lags behind
 * leaves out what is overtaken. At least once: a crash after the append appends again.
 * @returns whether there was anything.
 */
export async function publishForecasts(
  pool: pg.Pool,
  eventLog: Pick<EventLog, 'append'>,
  feed: string,
): Promise<boolean> {
  const commits = await readNewCommits(pool, PUBLISHER, [feed], COMMITS_MAX);
  if (commits.length === 0) return false;
  for (const ledgerId of commits.flatMap(({ ledgerIds }) => ledgerIds)) {
    const { forecasts = [] } = await forecastsArchive.read(pool, ledgerId);
    const records = forecasts.map((event) => ({ key: event.node, value: JSON.stringify(recordFrom(event)) }));
    if (records.length > 0) await eventLog.append(FORECASTS_TOPIC, records);
  }
  await noteFollowed(pool, PUBLISHER, commits);
  return true;
}

function recordFrom({ ledgerId, lastAt, node, run, lastPrice, models }: ForecastEvent): ForecastRecord {
  const by = Object.fromEntries(models.map(({ model, value }) => [model, value]));
  return {
    id: ledgerId,
    ts: isoFromInstant(lastAt),
    node,
    run,
    last_price: lastPrice,
    sma_5: by.SMA_5 ?? null,
    sma_20: by.SMA_20 ?? null,
    next_value: by.NEXT_VALUE ?? null,
    ewma: by.EWMA ?? null,
  };
}
