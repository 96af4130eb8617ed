import { builder } from './builder.ts';
import type { DartSeriesRow } from './context.ts';
import { NODES_ARGUMENT, nodesFrom } from './node-names.ts';
import { PricingNode } from './pricing-node.ts';
import { rangeFrom } from './range.ts';
import { requireFewPoints } from './resolution.ts';

const DartSeries = builder.objectRef<DartSeriesRow>('DartSeries').implement({
  description:
    'The day-ahead/real-time spread of one node, hour by hour, as columns of equal length. USD/MWh. Positive: day-ahead cleared above real-time, an INC (virtual supply) earned and a DEC (virtual demand) lost.',
  fields: (t) => ({
    node: t.field({ type: PricingNode, description: 'Where.', resolve: ({ node }) => ({ id: node }) }),
    start: t.field({
      type: ['DateTime'],
      description: 'Start of each clock hour, ascending.',
      resolve: ({ start }) => start,
    }),
    dayAhead: t.field({
      type: ['Float'],
      nullable: { list: false, items: true },
      description: 'Price of the day-ahead run; null where none came.',
      resolve: ({ dayAhead }) => dayAhead,
    }),
    realTime: t.field({
      type: ['Float'],
      nullable: { list: false, items: true },
      description:
        'The published hourly real-time price; else the average, weighted by interval length, of the 5-minute prices that came in the hour; else of the 15-minute ones; null where none came.',
      resolve: ({ realTime }) => realTime,
    }),
    spread: t.field({
      type: ['Float'],
      nullable: { list: false, items: true },
      description: 'DART = day-ahead − real-time; null where either is missing.',
      resolve: ({ spread }) => spread,
    }),
  }),
});

builder.queryField('dartSpread', (t) =>
  t.field({
    type: [DartSeries],
    authScopes: { may: 'ANALYSIS' },
    description:
      'Day-ahead minus real-time on the same node and hour, one series a node in the order asked. At most 1,000,000 points over all nodes.',
    args: {
      nodes: t.arg.idList({ required: true, description: NODES_ARGUMENT }),
      from: t.arg({ type: 'DateTime', required: true, description: 'First hour start, inclusive.' }),
      to: t.arg({ type: 'DateTime', required: true, description: 'End of the range: hours that start before it.' }),
    },
    resolve: (_root, { nodes, from, to }, { reads }) => {
      const names = nodesFrom(nodes);
      const range = rangeFrom({ from, to });
      requireFewPoints(names.length, 'DAY_AHEAD_HOURLY', range, 'HOUR');
      return reads.dartSpread(names, range);
    },
  }),
);
