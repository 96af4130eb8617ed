import { BusbarError } from '../domain/errors.ts';
import { marketById } from '../domain/market.ts';
import { type Decimal, decimalFrom } from '../domain/money.ts';
import type { Shock } from '../domain/position.ts';
import { builder } from './builder.ts';
import { Market } from './market.ts';
import { requireMarket } from './node-names.ts';
import { POSITION_ARGUMENTS } from './position.ts';
import { PricingNode } from './pricing-node.ts';
import { positionFilterFrom } from './trade.ts';
import type { ExposureRow } from './trading-rows.ts';

const ExposureGroup = builder.enumType('ExposureGroup', {
  description: 'What exposures are summed by.',
  values: {
    POSITION: { description: 'Each account at each node.' },
    ACCOUNT: { description: 'Each account over all its nodes.' },
    MARKET: { description: 'Each market over all accounts and nodes.' },
    NODE: { description: 'Each node over all accounts.' },
  } as const,
});

const ShockInput = builder.inputType('ShockInput', {
  description: 'A move of every price, for what-if: exactly one of both.',
  fields: (t) => ({
    absolute: t.field({ type: 'Decimal', description: 'By so much, USD/MWh: `-5` is five less.' }),
    percent: t.float({
      description:
        'By so many percent of the price: `10` is a tenth more. A negative price moves away from zero, as a positive one: 10 percent of −20 are −2.',
    }),
  }),
});

const Exposure = builder.objectRef<ExposureRow>('Exposure').implement({
  description:
    'What a move of prices would do to a group of positions. Net sums have signs, so that long and short cancel; gross sums are of absolute values. USD, exact. Where some positions have no price (`unpriced`), notionals and shockPnl are sums of the others.',
  fields: (t) => ({
    account: t.exposeString('account', { nullable: true, description: 'Whose; null where it is of several.' }),
    market: t.field({
      type: Market,
      nullable: true,
      description: 'In which market; null where it is of several.',
      resolve: ({ market }) => (market === null ? null : marketById(market)),
    }),
    node: t.field({
      type: PricingNode,
      nullable: true,
      description: 'Where; null where it is of several.',
      resolve: ({ node }) => (node === null ? null : { id: node }),
    }),
    positions: t.exposeInt('positions', { description: 'How many positions it sums, flat ones too.' }),
    unpriced: t.exposeInt('unpriced', { description: 'Open positions among them whose node has no price.' }),
    positionMw: t.float({
      description: 'Net position, MWh: positive is long.',
      resolve: ({ netMw }) => Number(netMw),
    }),
    grossMw: t.float({
      description: 'Sum of the absolute positions, MWh.',
      resolve: ({ grossMw }) => Number(grossMw),
    }),
    lastPrice: t.float({
      nullable: true,
      description: 'Of one node: the price it is marked at, USD/MWh; else null.',
      resolve: ({ last }) => last && Number(last.price),
    }),
    pnl01: t.expose('pnl01', {
      type: 'Decimal',
      description: 'What all of it gains where every price rises by 0.01 USD/MWh, USD; priced or not.',
    }),
    notional: t.expose('netNotional', {
      type: 'Decimal',
      nullable: true,
      description: 'Net notional, USD: Σ position × last price. Null where there are open positions and no price.',
    }),
    grossNotional: t.expose('grossNotional', {
      type: 'Decimal',
      nullable: true,
      description: 'Gross notional, USD: Σ |position × last price|. Null where notional is.',
    }),
    shockPnl: t.expose('shockPnl', {
      type: 'Decimal',
      nullable: true,
      description:
        'What the asked shock would bring, USD: Σ position × (shocked price − last price). Null without a shock, and where notional is.',
    }),
  }),
});

builder.queryField('exposure', (t) =>
  t.field({
    type: [Exposure],
    authScopes: { may: 'DESK' },
    description:
      'Position, last price, pnl01 and notional, by position or summed by account, market or node, in their order; with a shock, what it would bring.',
    args: {
      ...POSITION_ARGUMENTS,
      market: t.arg.string({ description: 'Only this market, by its id.' }),
      by: t.arg({ type: ExposureGroup, defaultValue: 'POSITION', description: 'What to sum by.' }),
      shock: t.arg({ type: ShockInput, description: 'A move of every price, to see what it would bring.' }),
    },
    resolve: (_root, { market, by, shock, ...filter }, { reads }) =>
      reads.exposure({
        ...positionFilterFrom(filter),
        ...(market != null && { market: requireMarket(market) }),
        by: by ?? 'POSITION',
        ...(shock != null && { shock: shockFrom(shock) }),
      }),
  }),
);

interface ShockArguments {
  readonly absolute?: Decimal | null | undefined;
  readonly percent?: number | null | undefined;
}

function shockFrom({ absolute, percent }: ShockArguments): Shock {
  if (absolute != null && percent == null) return { absolute };
  if (percent != null && absolute == null) return { percent: decimalFrom(percent) };
  throw new BusbarError('BAD_USER_INPUT', '`shock` takes exactly one of `absolute` and `percent`');
}
