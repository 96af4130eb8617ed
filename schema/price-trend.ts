import { builder } from './builder.ts';
import { MarketRun } from './market-run.ts';
import { NODES_ARGUMENT, nodesFrom } from './node-names.ts';
import { PricingNode } from './pricing-node.ts';
import { rangeFrom } from './range.ts';
import type { PriceTrendRow } from './trading-rows.ts';

const TrendDirection = builder.enumType('TrendDirection', {
  description: 'Where the least-squares line of the prices goes from the first price to the last.',
  values: {
    RISING: { description: 'Up by more than one percent of the mean absolute price.' },
    FALLING: { description: 'Down by more than one percent of the mean absolute price.' },
    FLAT: { description: 'Neither, or there is no line.' },
  } as const,
});

const PriceTrend = builder.objectRef<PriceTrendRow>('PriceTrend').implement({
  description:
    'How the prices of a node and run went whose intervals start in a range, as they are known now. USD/MWh.',
  fields: (t) => ({
    node: t.field({ type: PricingNode, description: 'Where.', resolve: ({ node }) => ({ id: node }) }),
    run: t.expose('run', { type: MarketRun, description: 'The clearing the prices come from.' }),
    count: t.exposeInt('count', { description: 'How many prices.' }),
    firstAt: t.expose('firstAt', { type: 'DateTime', description: 'Interval start of the first price.' }),
    lastAt: t.expose('lastAt', { type: 'DateTime', description: 'Interval start of the last price.' }),
    first: t.exposeFloat('first', { description: 'The first price.' }),
    last: t.exposeFloat('last', { description: 'The last price.' }),
    change: t.exposeFloat('change', { description: 'last − first.' }),
    changePercent: t.exposeFloat('changePercent', {
      nullable: true,
      description: '(last − first) / |first| × 100; null where the first price is 0.',
    }),
    slopePerHour: t.exposeFloat('slopePerHour', {
      nullable: true,
      description:
        'Slope of the least-squares line through all prices over their interval starts, USD/MWh an hour; null with fewer than two prices.',
    }),
    fit: t.exposeFloat('fit', {
      nullable: true,
      description:
        'R²: the share of the prices’ variance that the line explains, 0 to 1; null with fewer than two prices, or where all are equal.',
    }),
    direction: t.expose('direction', { type: TrendDirection, description: 'Where the line goes.' }),
  }),
});

builder.queryField('priceTrends', (t) =>
  t.field({
    type: [PriceTrend],
    authScopes: { may: 'ANALYSIS' },
    description:
      'How prices went: for each node, in the order asked, one for each run that has prices in the range. A node without any is left out. One answer is made of at most 2,000,000 prices.',
    args: {
      nodes: t.arg.idList({ required: true, description: NODES_ARGUMENT }),
      run: t.arg({ type: MarketRun, description: 'Only this clearing.' }),
      from: t.arg({ type: 'DateTime', required: true, description: 'First interval start, inclusive.' }),
      to: t.arg({ type: 'DateTime', required: true, description: 'End of the range: interval starts before it.' }),
    },
    resolve: (_root, { nodes, run, from, to }, { reads }) =>
      reads.priceTrends(nodesFrom(nodes), run ?? undefined, rangeFrom({ from, to })),
  }),
);
