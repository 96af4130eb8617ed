import type { Health } from '../../runtime/health.ts';
import type { Live, LmpFilter, LmpUpdate } from '../../schema/context.ts';
import type { Delivery } from '../../schema/question.ts';
import type { ForecastFilter, ForecastUpdate, PositionFilter, TradeUpdate } from '../../schema/trading-rows.ts';
import { PnlHub, type PnlHubOptions } from '../positions/pnl-hub.ts';
import { ChannelHub, type ChannelHubOptions } from './channel-hub.ts';
import { FORECAST_CHANNEL } from './forecast-channel.ts';
import type { LiveUpdate } from './live-update.ts';
import { LMP_CHANNEL } from './lmp-channel.ts';
import type { FollowedPrices } from './passed-commits.ts';
import type { Subscription } from './subscription.ts';
import { TRADE_CHANNEL } from './trade-channel.ts';

export interface LiveHub extends Pick<Live, 'pnl'> {
  /** As `Live.lmp`, without a snapshot. */
  lmp(filter: LmpFilter, delivery: Delivery, after: string | undefined): Updates<LmpUpdate>;
  trades(filter: PositionFilter, after: string | undefined): Updates<TradeUpdate>;
  forecasts(filter: ForecastFilter, delivery: Delivery, after: string | undefined): Updates<ForecastUpdate>;
  readonly prices: FollowedPrices;
  /** Resolves when the readers of prices, trades and forecasts stand: from then on a subscription misses nothing from the call on. */
  readonly ready: Promise<void>;
  /** Ends every subscription with `UNAVAILABLE` and the cursor to resume from. */
  close(): Promise<void>;
}

type Updates<Update extends LiveUpdate> = Subscription<Update, Update>;

export type LiveHubOptions = Omit<ChannelHubOptions, 'health'> &
  Omit<PnlHubOptions, 'health'> & {
    /** Told of each channel whether it is followed. */
    readonly health?: Pick<Health, 'component'>;
  };

/** Live updates for the subscriptions of this process, from one reader a channel of the bus. */
export function createLiveHub(options: LiveHubOptions): LiveHub {
  const { health, ...shared } = options;
  const told = (name: string) => (health ? { ...shared, health: health.component(name) } : shared);
  const pnl = new PnlHub(told('live positions'));
  const lmp = new ChannelHub(LMP_CHANNEL, told('live prices'), pnl.prices);
  const trades = new ChannelHub(TRADE_CHANNEL, told('live trades'));
  const forecasts = new ChannelHub(FORECAST_CHANNEL, told('live forecasts'));
  return {
    ready: Promise.all([lmp.ready, trades.ready, forecasts.ready]).then(() => undefined),
    lmp: (filter, delivery, after) => lmp.subscribe(filter, delivery, after),
    trades: (filter, after) => trades.subscribe(filter, 'EVERY', after),
    prices: lmp,
    forecasts: (filter, delivery, after) => forecasts.subscribe(filter, delivery, after),
    pnl: (filter, delivery, after) => pnl.subscribe(filter, delivery, after),
    async close() {
      await Promise.all([lmp, trades, forecasts, pnl].map((each) => each.close()));
    },
  };
}
