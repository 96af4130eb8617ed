import type { ForecastFilter, ForecastUpdate } from '../../schema/trading-rows.ts';
import type { LiveChannel } from './live-channel.ts';
import { marketIn } from './market-in.ts';

/** Forecasts of a node and run. LATEST keeps the one behind the newest price, the later one where a price was corrected. */
export const FORECAST_CHANNEL: Required<LiveChannel<'forecasts', ForecastFilter, ForecastUpdate>> = {
  channel: 'forecasts',
  update: (cursor, forecasts) => ({ cursor, forecasts }),
  eventsIn: ({ forecasts }) => forecasts,
  facets: [
    { asked: ({ nodes }) => nodes, of: ({ node }) => node },
    { asked: ({ markets }) => markets, of: ({ node }) => marketIn(node) },
    { asked: ({ run }) => (run === undefined ? undefined : [run]), of: ({ run }) => run },
  ],
  sameness: {
    keyOf: ({ run, node }) => `${run} ${node}`,
    isNewer: (forecast, kept) => forecast.lastAt >= kept.lastAt,
  },
};
