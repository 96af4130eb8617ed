import type { MarketRun } from '../../../domain/market-run.ts';
import type { FamilyName, Feed } from '../../feed.ts';
import { FORECASTS_FEED } from '../../processors/forecasts/forecast-prices.ts';
import { forecastsArchive } from '../../processors/forecasts/stored-forecast.ts';
import type { NewsArchive } from '../news.ts';
import type { Rollups } from '../rollups.ts';
import { createControlSignalsFamily } from './control-signals.ts';
import type { Families } from './family.ts';
import { createLmpFamily } from './lmp.ts';
import { lmpArchive } from './lmp-news.ts';
import { createPlantStatusFamily } from './plant-status.ts';
import { createTariffsFamily } from './tariffs.ts';
import { createToldPlacesFamily } from './told-places.ts';
import { createTradesFamily } from './trades.ts';
import { tradesArchive } from './trades-news.ts';

/** Every family there is. */
export function createFamilies(parts: { rollups: Rollups; markRuns: readonly MarketRun[] }): Families {
  return {
    lmp: createLmpFamily(parts.rollups),
    trades: createTradesFamily(parts.markRuns),
    tariffs: createTariffsFamily(),
    'plant-status': createPlantStatusFamily(),
    'control-signals': createControlSignalsFamily(),
    places: createToldPlacesFamily(),
  };
}

/** Of a family that nobody follows live. */
const NO_NEWS: NewsArchive = { channels: [], read: async () => ({}) };

const ARCHIVES: { readonly [Name in FamilyName]: NewsArchive } = {
  lmp: lmpArchive,
  trades: tradesArchive,
  tariffs: NO_NEWS,
  'plant-status': NO_NEWS,
  'control-signals': NO_NEWS,
  places: NO_NEWS,
};

/** How to read back what a feed's commits told, for those of the feeds given, and for forecasts. */
export function archivesOf(feeds: readonly Pick<Feed, 'id' | 'family'>[]): (feed: string) => NewsArchive | undefined {
  const archives = new Map(feeds.map(({ id, family }) => [id, ARCHIVES[family]]));
  archives.set(FORECASTS_FEED, forecastsArchive);
  return (feed) => archives.get(feed);
}
