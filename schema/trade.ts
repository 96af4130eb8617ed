import { z } from 'zod';
import { BusbarError } from '../domain/errors.ts';
import { isInstant } from '../domain/instant.ts';
import { Decimal, decimalFrom } from '../domain/money.ts';
import { builder } from './builder.ts';
import { connectionFrom, pageArguments, pageFrom } from './connection.ts';
import { cursorCodec } from './cursor.ts';
import { LedgerEntry } from './ledger.ts';
import { nodeFrom } from './node-names.ts';
import { PricingNode } from './pricing-node.ts';
import type { TradeFilter, TradePlace, TradeRow, TradeUpdate as TradeUpdateRow } from './trading-rows.ts';

const TradeSide = builder.enumType('TradeSide', {
  description: 'Which way a trade goes.',
  values: {
    BUY: { description: 'Bought: adds to the position.' },
    SELL: { description: 'Sold: takes from the position, or makes it short.' },
  } as const,
});

const TradeStatus = builder.enumType('TradeStatus', {
  description: 'Whether a version of a trade stands.',
  values: {
    ACTIVE: { description: 'The trade stands.' },
    CANCELLED: { description: 'The trade was taken back: it counts in no position.' },
  } as const,
});

const MINUTES = new Decimal(60n, 0);

const Trade = builder.objectRef<TradeRow>('Trade');

Trade.implement({
  description:
    'A version of a trade. An amendment or a cancellation is the same trade with a higher version; the highest one counts. Prices are in the market’s currency per MWh (USD/MWh) and may be negative.',
  fields: (t) => ({
    id: t.exposeID('tradeId', {
      description: 'The trade’s own id (`trade_id` of the topic), the same in all versions.',
    }),
    version: t.exposeInt('version', { description: 'Grows with each amendment and cancellation; 1 is the first.' }),
    status: t.expose('status', { type: TradeStatus, description: 'Whether it stands, as this version says.' }),
    tradedAt: t.expose('ts', { type: 'DateTime', description: 'When it was traded (`ts` of the topic).' }),
    account: t.exposeString('account', { description: 'The book it belongs to.' }),
    node: t.field({
      type: PricingNode,
      description: 'Where it delivers (`hub` of the topic).',
      resolve: ({ node }) => ({ id: node }),
    }),
    side: t.expose('side', { type: TradeSide, description: 'Bought or sold.' }),
    mw: t.float({
      description: 'Megawatts over the whole of the delivery; more than 0, whichever side.',
      resolve: ({ mw }) => Number(mw),
    }),
    mwExact: t.expose('mw', { type: 'Decimal', description: '`mw` to the last digit.' }),
    price: t.float({
      description: 'Price, USD/MWh (`price_mwh` of the topic).',
      resolve: ({ price }) => Number(price),
    }),
    priceExact: t.expose('price', { type: 'Decimal', description: '`price` to the last digit.' }),
    minutes: t.exposeInt('minutes', {
      description: 'Length of the delivery in minutes: 60 where the record says nothing.',
    }),
    energyMwh: t.field({
      type: 'Decimal',
      description: 'Energy, MWh: `mw` × `minutes` / 60.',
      resolve: ({ mw, minutes }) => decimalFrom(mw).times(decimalFrom(minutes)).over(MINUTES),
    }),
    recordedAt: t.expose('recordedAt', { type: 'DateTime', description: 'When Busbar committed this version.' }),
    ledgerEntry: t.field({
      type: LedgerEntry,
      nullable: true,
      authScopes: { may: 'ANALYSIS' },
      description: 'Where this version came from: feed, source position, time.',
      resolve: ({ ledgerId }, _args, { loaders }) => loaders.ledgerEntry.load(ledgerId),
    }),
    versions: t.field({
      type: [Trade],
      authScopes: { may: 'DESK' },
      description:
        'Every version of the trade that came, the highest first. All trades of one answer may show 100,000.',
      resolve: ({ tradeId }, _args, { loaders }) => loaders.tradeVersions.load(tradeId),
    }),
  }),
});

export const TradeConnection = builder.connectionObject(
  { type: Trade, name: 'TradeConnection', description: 'A page of trades, the newest first.' },
  { name: 'TradeEdge', description: 'A trade and its place in the list.' },
);

const CURSOR = cursorCodec<TradePlace>(
  'trades',
  z.object({ ts: z.number().int().refine(isInstant), tradeId: z.string() }),
);

/** @throws BusbarError as `pageFrom`. */
export function tradePageFrom(page: Parameters<typeof pageFrom>[0]) {
  return pageFrom(page, CURSOR);
}

export function tradeCursorOf({ ts, tradeId }: TradePlace): string {
  return CURSOR.encode({ ts, tradeId });
}

builder.queryField('trades', (t) =>
  t.field({
    type: TradeConnection,
    authScopes: { may: 'DESK' },
    description:
      'Trades as they stand, each in its highest version, newest first (by `tradedAt`, then id). Filters combine; without any, all trades.',
    args: {
      account: t.arg.string({
        description: 'Only this account; of one that nobody knows (`account` tells) there is nothing.',
      }),
      node: t.arg.id({ description: 'Only this pricing node, as `MARKET:NAME`.' }),
      from: t.arg({ type: 'DateTime', description: 'Only those traded from this instant on, inclusive.' }),
      to: t.arg({ type: 'DateTime', description: 'Only those traded before this instant, exclusive.' }),
      status: t.arg({
        type: TradeStatus,
        defaultValue: 'ACTIVE',
        description: 'Those that stand, or those that were cancelled; null: both.',
      }),
      ...pageArguments,
    },
    resolve: async (_root, { account, node, from, to, status, ...page }, { reads }) => {
      const asked = tradePageFrom(page);
      const filter: TradeFilter = {
        ...positionFilterFrom({ account, node }),
        ...spanFrom(from, to),
        ...(status != null && { status }),
      };
      return connectionFrom(await reads.trades(filter, asked), asked, tradeCursorOf);
    },
  }),
);

const TradeUpdate = builder.objectRef<TradeUpdateRow>('TradeUpdate').implement({
  description: 'Trades that were committed since the update before.',
  fields: (t) => ({
    cursor: t.exposeString('cursor', {
      description: 'Opaque. Subscribe again with it as `after` to miss nothing and see nothing twice.',
    }),
    trades: t.field({
      type: [Trade],
      description: 'Versions of trades, in commit order: new ones, amendments and cancellations.',
      resolve: ({ trades }) => trades,
    }),
  }),
});

builder.subscriptionField('trades', (t) =>
  t.field({
    type: TradeUpdate,
    authScopes: { may: 'DESK' },
    description:
      'Every version of a trade as it is committed, also one that comes after a higher one, which goes on counting. Filters combine; without any, all trades. An amendment that moves a trade is seen by those who follow where it went. Whoever falls too far behind is closed with LIMIT_EXCEEDED and the cursor to resume from; a cursor that is no longer kept ends with CURSOR_EXPIRED.',
    args: {
      account: t.arg.string({ description: 'Only this account.' }),
      node: t.arg.id({ description: 'Only this pricing node, as `MARKET:NAME`.' }),
      after: t.arg.string({ description: 'The cursor of the last update seen; without it, begin now.' }),
    },
    subscribe: (_root, { account, node, after }, { live }) =>
      live.trades(positionFilterFrom({ account, node }), after ?? undefined),
    resolve: (update) => update,
  }),
);

/** Arguments `account` and `node`, either of which may be left out. @throws BusbarError `BAD_USER_INPUT` for what is no node. */
export function positionFilterFrom({ account, node }: Nullable<'account' | 'node'>): {
  account?: string;
  node?: string;
} {
  return { ...(account != null && { account }), ...(node != null && { node: nodeFrom(node) }) };
}

type Nullable<Names extends string> = { readonly [Name in Names]?: string | null | undefined };

function spanFrom(from: number | null | undefined, to: number | null | undefined): { from?: number; to?: number } {
  if (from != null && to != null && from >= to) {
    throw new BusbarError('BAD_USER_INPUT', '`from` must lie before `to`: the range is [from, to)');
  }
  return { ...(from != null && { from }), ...(to != null && { to }) };
}
