import type { PositionFilter, TradeUpdate } from '../../schema/trading-rows.ts';
import { DESK_FACETS } from './desk-facets.ts';
import type { LiveChannel } from './live-channel.ts';

/** Versions of trades. */
export const TRADE_CHANNEL: LiveChannel<'trades', PositionFilter, TradeUpdate> = {
  channel: 'trades',
  update: (cursor, trades) => ({ cursor, trades }),
  eventsIn: ({ trades }) => trades,
  facets: DESK_FACETS,
};
