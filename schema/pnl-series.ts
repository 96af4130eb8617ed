import { builder } from './builder.ts';
import { nodeFrom } from './node-names.ts';
import { PricingNode } from './pricing-node.ts';
import { rangeFrom } from './range.ts';
import { Resolution } from './resolution.ts';
import type { PnlSeriesRow } from './trading-rows.ts';

const PnlSeries = builder.objectRef<PnlSeriesRow>('PnlSeries').implement({
  description: `What a position was worth, as it was known then, as columns of equal length: the n-th value of each belongs to the n-th start. USD, exact.

Snapshots are taken at each trade and every so often (a minute, unless configured otherwise), and never rewritten: an amendment shows from its commit on. RAW has a point for every snapshot. Coarser resolutions have a point for every bucket that starts in the range, with the last snapshot in it; a bucket without one is null, and a bucket is always whole, also where it reaches beyond \`to\`. The future is no gap.`,
  fields: (t) => ({
    account: t.exposeString('account', { description: 'Whose.' }),
    node: t.field({ type: PricingNode, description: 'Where.', resolve: ({ node }) => ({ id: node }) }),
    resolution: t.expose('resolution', { type: Resolution, description: 'The length of the points.' }),
    start: t.field({
      type: ['DateTime'],
      description:
        'Instant of each snapshot at RAW, else start of each bucket; ascending. A DAY or MONTH starts at local midnight of the node’s market.',
      resolve: ({ start }) => start,
    }),
    positionMw: t.field({
      type: ['Float'],
      nullable: { list: false, items: true },
      description: 'Net position, MWh: positive is long.',
      resolve: ({ positionMw }) => positionMw.map(numberFrom),
    }),
    lastPrice: t.field({
      type: ['Float'],
      nullable: { list: false, items: true },
      description: 'The price it was marked at, USD/MWh; null where there was none.',
      resolve: ({ lastPrice }) => lastPrice.map(numberFrom),
    }),
    realized: t.field({
      type: ['Decimal'],
      nullable: { list: false, items: true },
      description: 'Realised PnL since the first trade, USD.',
      resolve: ({ realized }) => realized,
    }),
    unrealized: t.field({
      type: ['Decimal'],
      nullable: { list: false, items: true },
      description: 'Unrealised PnL at the price of then, USD; null also where there was none.',
      resolve: ({ unrealized }) => unrealized,
    }),
    total: t.field({
      type: ['Decimal'],
      nullable: { list: false, items: true },
      description: 'realized + unrealized, USD.',
      resolve: ({ total }) => total,
    }),
    totalMin: t.field({
      type: ['Decimal'],
      nullable: { list: true, items: true },
      description: 'Lowest total of the snapshots in each bucket, USD; the column is null at RAW.',
      resolve: ({ totalMin }) => totalMin,
    }),
    totalMax: t.field({
      type: ['Decimal'],
      nullable: { list: true, items: true },
      description: 'Highest total of the snapshots in each bucket, USD; the column is null at RAW.',
      resolve: ({ totalMax }) => totalMax,
    }),
  }),
});

builder.queryField('pnlSeries', (t) =>
  t.field({
    type: [PnlSeries],
    authScopes: { may: 'DESK' },
    description:
      'One series a position of the account, by node. At most 1,000,000 points over all of them; of snapshots each has an equal share.',
    args: {
      account: t.arg.string({
        required: true,
        description: 'Whose positions; of an account that nobody knows (`account` tells) there is no series.',
      }),
      node: t.arg.id({
        description: 'Only this pricing node, as `MARKET:NAME`; without it, all the account has traded.',
      }),
      from: t.arg({ type: 'DateTime', required: true, description: 'Start of the range, inclusive.' }),
      to: t.arg({ type: 'DateTime', required: true, description: 'End of the range, exclusive.' }),
      resolution: t.arg({ type: Resolution, defaultValue: 'RAW', description: 'The length of the points.' }),
    },
    resolve: (_root, { account, node, from, to, resolution }, { reads }) => {
      const filter = { account, ...(node != null && { node: nodeFrom(node) }) };
      return reads.pnlSeries(filter, rangeFrom({ from, to }), resolution ?? 'RAW');
    },
  }),
);

function numberFrom(text: string | null): number | null {
  return text === null ? null : Number(text);
}
