import type { Block as BlockName } from '../domain/blocks.ts';
import type { MarketRun as MarketRunName } from '../domain/market-run.ts';
import { Block } from './block.ts';
import { builder } from './builder.ts';
import type { LmpSeriesRow, Range, Resolution as ResolutionName } from './context.ts';
import { MarketRun } from './market-run.ts';
import { NODES_ARGUMENT, nodesFrom } from './node-names.ts';
import { asOfScopes } from './permissions.ts';
import { PricingNode } from './pricing-node.ts';
import { rangeFrom } from './range.ts';
import { Resolution, requireCoarseEnough, requireFewPoints } from './resolution.ts';

const LmpSeries = builder.objectRef<LmpSeriesRow>('LmpSeries').implement({
  description: `Prices of one node as columns of equal length: the n-th value of each belongs to the n-th start. USD/MWh.

Gaps are nulls. RAW has a point for every interval of the run in the range; where a node's prices do not start on the run's grid, or the run is SPOT, its points are the prices themselves. Coarser resolutions have a point for every bucket that starts in the range; a bucket is always whole, also where it reaches beyond \`to\`. The future is no gap: an axis ends with the last interval that has ended, or the last price.

Of a block other than ATC there are the points that lie in it, and a DAY or MONTH is made of the prices in the block alone, weighted by interval length; days and months are the market’s own, as always. What has no hour of the block is no gap and has no point: ON_PEAK has neither nights nor Sundays.`,
  fields: (t) => ({
    node: t.field({ type: PricingNode, description: 'Where.', resolve: ({ node }) => ({ id: node }) }),
    run: t.expose('run', { type: MarketRun, description: 'The clearing the prices come from.' }),
    resolution: t.expose('resolution', { type: Resolution, description: 'The length of the points.' }),
    start: t.field({
      type: ['DateTime'],
      description: 'Start of each point, ascending. A DAY or MONTH starts at local midnight of the market.',
      resolve: ({ start }) => start,
    }),
    lmp: t.field({
      type: ['Float'],
      nullable: { list: false, items: true },
      description: 'Price; for coarser resolutions the average weighted by interval length. Null: no price came.',
      resolve: ({ lmp }) => lmp,
    }),
    energy: t.field({
      type: ['Float'],
      nullable: { list: false, items: true },
      description: 'Energy component, averaged over the intervals that have one.',
      resolve: ({ energy }) => energy,
    }),
    congestion: t.field({
      type: ['Float'],
      nullable: { list: false, items: true },
      description: 'Congestion component (positive raises the price), averaged over the intervals that have one.',
      resolve: ({ congestion }) => congestion,
    }),
    loss: t.field({
      type: ['Float'],
      nullable: { list: false, items: true },
      description: 'Loss component (positive raises the price), averaged over the intervals that have one.',
      resolve: ({ loss }) => loss,
    }),
    min: t.field({
      type: ['Float'],
      nullable: { list: true, items: true },
      description: 'Lowest price in each bucket; the column is null at RAW.',
      resolve: ({ min }) => min,
    }),
    max: t.field({
      type: ['Float'],
      nullable: { list: true, items: true },
      description: 'Highest price in each bucket; the column is null at RAW.',
      resolve: ({ max }) => max,
    }),
    open: t.field({
      type: ['Float'],
      nullable: { list: true, items: true },
      description: 'Price of the first interval in each bucket; the column is null at RAW.',
      resolve: ({ open }) => open,
    }),
    close: t.field({
      type: ['Float'],
      nullable: { list: true, items: true },
      description: 'Price of the last interval in each bucket; the column is null at RAW.',
      resolve: ({ close }) => close,
    }),
  }),
});

interface LmpSeriesArguments extends Range {
  readonly nodes: readonly string[];
  readonly run: MarketRunName;
  readonly resolution?: ResolutionName | null | undefined;
  readonly asOf?: number | null | undefined;
  readonly block?: BlockName | null | undefined;
}

/** What `lmpSeries` asks. @throws BusbarError `BAD_USER_INPUT`, `LIMIT_EXCEEDED`. */
export function lmpSeriesQuestion({ nodes, run, from, to, asOf, ...given }: LmpSeriesArguments) {
  const asked = { nodes: nodesFrom(nodes), run, range: rangeFrom({ from, to }), resolution: given.resolution ?? 'RAW' };
  requireCoarseEnough(run, asked.resolution);
  requireFewPoints(asked.nodes.length, run, asked.range, asked.resolution);
  return { ...asked, asOf: asOf ?? undefined, block: given.block ?? 'ATC' };
}

builder.queryField('lmpSeries', (t) =>
  t.field({
    type: [LmpSeries],
    authScopes: asOfScopes,
    description:
      'One series a node, in the order asked. A node nobody knows yet has a series of gaps: nodes come and go. At most 1,000,000 points over all nodes; of prices off the grid each node has an equal share of them.',
    args: {
      nodes: t.arg.idList({ required: true, description: NODES_ARGUMENT }),
      run: t.arg({ type: MarketRun, required: true, description: 'The clearing to read.' }),
      from: t.arg({ type: 'DateTime', required: true, description: 'Start of the range, inclusive.' }),
      to: t.arg({ type: 'DateTime', required: true, description: 'End of the range, exclusive.' }),
      resolution: t.arg({
        type: Resolution,
        defaultValue: 'RAW',
        description: 'The length of the points: not finer than what the run publishes.',
      }),
      asOf: t.arg({
        type: 'DateTime',
        description:
          'What was known at this instant, before later prices and corrections; without it, what is known now.',
      }),
      block: t.arg({
        type: Block,
        defaultValue: 'ATC',
        description: 'Only prices of these hours, and averages of them.',
      }),
    },
    resolve: (_root, args, { reads }) => {
      const { nodes, run, range, resolution, asOf, block } = lmpSeriesQuestion(args);
      return reads.lmpSeries(nodes, run, range, resolution, asOf, block);
    },
  }),
);
