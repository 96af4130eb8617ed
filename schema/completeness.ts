import { builder } from './builder.ts';
import type { CompletenessRow, GapRow } from './context.ts';
import { requireWithin } from './limits.ts';
import { MarketRun } from './market-run.ts';
import { NODES_ARGUMENT, nodesFrom } from './node-names.ts';
import { PricingNode } from './pricing-node.ts';
import { rangeFrom } from './range.ts';

export const FeedGap = builder.objectRef<GapRow>('FeedGap').implement({
  description: 'Delivery intervals of one node that a feed owes, are due, and have not come: [from, to).',
  fields: (t) => ({
    partition: t.exposeString('partition', { description: 'The feed’s partition that owes them.' }),
    run: t.expose('run', { type: MarketRun, description: 'The clearing they belong to.' }),
    node: t.field({ type: PricingNode, description: 'Where.', resolve: ({ node }) => ({ id: node }) }),
    from: t.expose('from', { type: 'DateTime', description: 'Start of the first missing interval.' }),
    to: t.expose('to', { type: 'DateTime', description: 'End of the last missing interval.' }),
    intervals: t.exposeInt('intervals', { description: 'How many are missing.' }),
  }),
});

export const FeedCompleteness = builder.objectRef<CompletenessRow>('FeedCompleteness').implement({
  description: 'How much of what a partition owed in a range has come. Counts are of intervals, over all its nodes.',
  fields: (t) => ({
    partition: t.exposeString('partition', { description: 'The feed’s partition.' }),
    run: t.expose('run', { type: MarketRun, description: 'The clearing it owes.' }),
    expected: t.exposeInt('expected', { description: 'Intervals that are due by now.' }),
    present: t.exposeInt('present', { description: 'Of those, the ones that came.' }),
    missing: t.exposeInt('missing', { description: 'Of those, the ones that did not: expected − present.' }),
    late: t.exposeInt('late', { description: 'Of those that came, the ones first known after they were due.' }),
    watermark: t.expose('watermark', {
      type: 'DateTime',
      nullable: true,
      description: 'End of the newest interval that came; null where none did.',
    }),
  }),
});

/** The arguments of both fields. */
export const owedArguments = builder.args((t) => ({
  from: t.field({ type: 'DateTime', required: true, description: 'First interval start, inclusive.' }),
  to: t.field({ type: 'DateTime', required: true, description: 'End of the range: interval starts before it.' }),
  partitions: t.stringList({ description: 'Only these partitions; without it, all.' }),
  nodes: t.idList({ description: `Only these nodes. ${NODES_ARGUMENT}` }),
}));

interface OwedArguments {
  readonly from: number;
  readonly to: number;
  readonly partitions?: readonly string[] | null | undefined;
  readonly nodes?: readonly string[] | null | undefined;
}

/** @throws BusbarError `BAD_USER_INPUT`, `LIMIT_EXCEEDED`. */
export function owedQuestion(feed: string, { partitions, nodes, ...given }: OwedArguments) {
  requireWithin('partitions', partitions?.length ?? 0, 'leave them out to mean all');
  return {
    feed,
    ...rangeFrom(given),
    ...(partitions != null && { partitions }),
    ...(nodes != null && { nodes: nodesFrom(nodes) }),
  };
}
