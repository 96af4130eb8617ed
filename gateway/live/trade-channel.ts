import type { PositionFilter, TradeUpdate } from '../../schema/trading-rows.ts';
import type { LiveChannel } from './live-channel.ts';

/** Versions of trades. */
export const TRADE_CHANNEL: LiveChannel<'trades', PositionFilter, TradeUpdate> = {
  channel: 'trades',
  update: (cursor, trades) => ({ cursor, trades }),
  eventsIn: ({ trades }) => trades,
  facets: [
    { asked: ({ account }) => (account === undefined ? undefined : [account]), of: ({ account }) => account },
    { asked: ({ node }) => (node === undefined ? undefined : [node]), of: ({ node }) => node },
  ],
};
