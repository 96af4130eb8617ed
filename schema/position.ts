import { CostMethod } from './account.ts';
import { builder } from './builder.ts';
import { connectionFrom, pageArguments } from './connection.ts';
import { Delivery } from './delivery.ts';
import { LedgerEntry } from './ledger.ts';
import { MarketRun } from './market-run.ts';
import { PricingNode } from './pricing-node.ts';
import { positionFilterFrom, TradeConnection, tradeCursorOf, tradePageFrom } from './trade.ts';
import type { PnlUpdate as PnlUpdateRow, PositionRow } from './trading-rows.ts';

/** How the arguments describe themselves that say which positions. */
export const POSITION_ARGUMENTS = builder.args((t) => ({
  account: t.string({ description: 'Only this account; of one that nobody knows (`account` tells) there is nothing.' }),
  node: t.id({ description: 'Only this pricing node, as `MARKET:NAME`.' }),
}));

const Position = builder.objectRef<PositionRow>('Position').implement({
  description: `What the trades of an account at a node come to, marked at the last price. Money is in the market’s currency (USD), exact; total = realised + unrealised, to the last digit.

Adding re-averages, reducing realises, crossing zero closes the whole and opens the rest at the trade’s price. The mark price is the newest interval’s of the first run that has one of the last 31 days: SPOT, else real-time of 5 minutes, of 15, of an hour, unless configured otherwise.`,
  fields: (t) => ({
    account: t.exposeString('account', { description: 'Whose.' }),
    node: t.field({ type: PricingNode, description: 'Where.', resolve: ({ node }) => ({ id: node }) }),
    positionMw: t.float({
      description:
        'Net megawatts over one hour of delivery, in other words MWh: positive is long, negative is short. Σ ± mw × minutes / 60 of the trades that count.',
      resolve: ({ positionMw }) => Number(positionMw),
    }),
    avgPrice: t.float({
      description:
        'Average price of what is open, USD/MWh: of all that is open by average cost, of the lots left by FIFO. 0 where flat.',
      resolve: ({ avgPrice }) => Number(avgPrice),
    }),
    lastPrice: t.float({
      nullable: true,
      description: 'The price it is marked at, USD/MWh; null where the node has none.',
      resolve: ({ last }) => last && Number(last.price),
    }),
    realizedPnl: t.expose('realizedPnl', {
      type: 'Decimal',
      description: 'What closing parts of it has earned (negative: lost), USD, by the account’s cost method.',
    }),
    unrealizedPnl: t.expose('unrealizedPnl', {
      type: 'Decimal',
      nullable: true,
      description:
        'What closing all of it at the last price would earn, USD: (lastPrice − avgPrice) × positionMw. 0 where flat; null where it is open and the node has no price.',
    }),
    totalPnl: t.expose('totalPnl', {
      type: 'Decimal',
      nullable: true,
      description: 'realizedPnl + unrealizedPnl, USD: the same by either cost method. Null where unrealizedPnl is.',
    }),
    pnl01: t.expose('pnl01', {
      type: 'Decimal',
      description: 'What it gains where the price rises by 0.01 USD/MWh, USD: negative for a short position.',
    }),
    notional: t.expose('notional', {
      type: 'Decimal',
      nullable: true,
      description:
        'positionMw × lastPrice, USD: negative for a short position, or for a long one at a negative price. Null where the node has no price.',
    }),
    lastPriceRun: t.field({
      type: MarketRun,
      nullable: true,
      description: 'The clearing the last price comes from.',
      resolve: ({ last }) => last?.run,
    }),
    lastPriceAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'Start of the delivery interval of the last price.',
      resolve: ({ last }) => last?.startAt,
    }),
    positionMwExact: t.expose('positionMw', { type: 'Decimal', description: '`positionMw` to the last digit.' }),
    avgPriceExact: t.expose('avgPrice', { type: 'Decimal', description: '`avgPrice`, rounded to ten decimals.' }),
    costMethod: t.expose('method', { type: CostMethod, description: 'What realizedPnl and avgPrice are counted by.' }),
    tradeCount: t.exposeInt('trades', { description: 'How many trades count in it.' }),
    asOf: t.expose('asOf', {
      type: 'DateTime',
      description: 'The newer of when its last change was committed and when the last price was published.',
    }),
    ledgerEntry: t.field({
      type: LedgerEntry,
      nullable: true,
      authScopes: { may: 'ANALYSIS' },
      description: 'What changed it last: feed, source position, time.',
      resolve: ({ ledgerId }, _args, { loaders }) => loaders.ledgerEntry.load(ledgerId),
    }),
    trades: t.field({
      type: TradeConnection,
      authScopes: { may: 'DESK' },
      description:
        'The trades that count in it, newest first, without cancelled ones. The pages of all positions of one answer may hold 100,000.',
      args: pageArguments,
      resolve: async ({ account, node }, args, { loaders }) => {
        const page = tradePageFrom(args);
        return connectionFrom(await loaders.positionTrades.load({ account, node, page }), page, tradeCursorOf);
      },
    }),
  }),
});

builder.queryField('positions', (t) =>
  t.field({
    type: [Position],
    authScopes: { may: 'DESK' },
    description:
      'Positions as they are now, by account and node, flat ones too: the latest of each account and hub. Without filters, all; at most 100,000.',
    args: POSITION_ARGUMENTS,
    resolve: (_root, filter, { reads }) => reads.positions(positionFilterFrom(filter)),
  }),
);

const PnlUpdate = builder.objectRef<PnlUpdateRow>('PnlUpdate').implement({
  description: 'Positions that changed since the update before, each as it is now.',
  fields: (t) => ({
    cursor: t.exposeString('cursor', {
      description: 'Opaque. Subscribe again with it as `after` to go on after a disconnection.',
    }),
    positions: t.field({
      type: [Position],
      description: 'The positions; in the first update all that were asked for.',
      resolve: ({ positions }) => positions,
    }),
  }),
});

builder.subscriptionField('pnl', (t) =>
  t.field({
    type: PnlUpdate,
    authScopes: { may: 'DESK' },
    description:
      'Profit and loss as it moves: first the positions as they are, then those that a trade or a price has changed. Filters combine; without any, all positions. Resumed with a cursor it begins with how they are as well; what lay between is in `pnlSeries`.',
    args: {
      ...POSITION_ARGUMENTS,
      delivery: t.arg({
        type: Delivery,
        defaultValue: 'LATEST',
        description: 'What to do when events come too fast: by default each position’s newest state is enough.',
      }),
      after: t.arg.string({ description: 'The cursor of the last update seen.' }),
    },
    subscribe: (_root, { delivery, after, ...filter }, { live }) =>
      live.pnl(positionFilterFrom(filter), delivery ?? 'LATEST', after ?? undefined),
    resolve: (update) => update,
  }),
);
