import { BusbarError } from '../domain/errors.ts';
import { marketById } from '../domain/market.ts';
import { builder } from './builder.ts';
import { Market } from './market.ts';
import { MarketRun } from './market-run.ts';
import { nodeFrom, requireMarket } from './node-names.ts';
import { PricingNode } from './pricing-node.ts';
import { rangeFrom } from './range.ts';
import type { DartStatistics as DartStatisticsRow, MarketMetricRow } from './trading-rows.ts';

const MetricWindow = builder.enumType('MetricWindow', {
  description: 'The stretches of time that statistics are made of.',
  values: {
    RANGE: { description: 'All of the range at once.' },
    HOUR: { description: 'Clock hours.' },
    DAY: { description: 'Operating days in the market’s own time zone: 23, 24 or 25 hours.' },
    MONTH: { description: 'Calendar months of operating days in the market’s own time zone.' },
  } as const,
});

const MetricGroup = builder.enumType('MetricGroup', {
  description: 'Whose prices are taken together.',
  values: {
    NODE: { description: 'Each node’s own.' },
    MARKET: { description: 'Those of all nodes of the market.' },
  } as const,
});

const DartStatistics = builder.objectRef<DartStatisticsRow>('DartStatistics').implement({
  description:
    'Statistics of day-ahead − real-time over the clock hours that have both prices, each hour as `dartSpread` gives it. USD/MWh; positive: day-ahead was dearer.',
  fields: (t) => ({
    hours: t.exposeInt('hours', { description: 'Hours with both prices; of a market, one for each node.' }),
    average: t.exposeFloat('average', { description: 'Mean spread.' }),
    min: t.exposeFloat('min', { description: 'Lowest spread.' }),
    max: t.exposeFloat('max', { description: 'Highest spread.' }),
    deviation: t.exposeFloat('deviation', {
      nullable: true,
      description: 'Sample standard deviation of the spread, √(Σ(s − s̄)² / (n − 1)); null with fewer than two hours.',
    }),
    positiveShare: t.exposeFloat('positiveShare', {
      description: 'Share of the hours in which day-ahead was dearer, 0 to 1.',
    }),
  }),
});

const MarketMetric = builder.objectRef<MarketMetricRow>('MarketMetric').implement({
  description: 'Statistics of prices of one run whose intervals start in [start, end), as they are known now. USD/MWh.',
  fields: (t) => ({
    market: t.field({ type: Market, description: 'The market.', resolve: ({ market }) => marketOfRow(market) }),
    node: t.field({
      type: PricingNode,
      nullable: true,
      description: 'Where; null where it is of all nodes of the market.',
      resolve: ({ node }) => (node === null ? null : { id: node }),
    }),
    run: t.expose('run', { type: MarketRun, description: 'The clearing the prices come from.' }),
    start: t.expose('startAt', { type: 'DateTime', description: 'Start of the window, or of the range in it.' }),
    end: t.expose('endAt', { type: 'DateTime', description: 'End of the window, or of the range in it; exclusive.' }),
    count: t.exposeInt('count', { description: 'How many prices.' }),
    average: t.exposeFloat('average', {
      description: 'Mean price weighted by interval length; ticks without length count equally.',
    }),
    min: t.exposeFloat('min', { description: 'Lowest price.' }),
    max: t.exposeFloat('max', { description: 'Highest price.' }),
    deviation: t.exposeFloat('deviation', {
      nullable: true,
      description: 'Sample standard deviation of the prices, √(Σ(p − p̄)² / (n − 1)); null with fewer than two prices.',
    }),
    volatility: t.exposeFloat('volatility', {
      nullable: true,
      description:
        'Sample standard deviation of the returns r = (p − p₋₁) / |p₋₁| from one price of the node to its next: √(Σ(r − r̄)² / (n − 1)). A fraction, not annualised: 0.05 is five percent an interval. A return belongs to the window of its later price; the first price of the range and one after a price of 0 have none. Null with fewer than two returns.',
    }),
    dart: t.field({
      type: DartStatistics,
      nullable: true,
      description: 'Day-ahead against real-time; with the day-ahead run only, and null where no hour has both prices.',
      resolve: ({ dart }) => dart,
    }),
  }),
});

builder.queryField('marketMetrics', (t) =>
  t.field({
    type: [MarketMetric],
    authScopes: { may: 'ANALYSIS' },
    description:
      'Average, minimum, maximum, volatility, count and day-ahead against real-time, by node, run and window, in their order; where no price starts there is none. One answer is made of at most 2,000,000 prices.',
    args: {
      market: t.arg.string({ required: true, description: 'The market, by its id.' }),
      node: t.arg.id({ description: 'Only this pricing node of it, as `MARKET:NAME`.' }),
      run: t.arg({ type: MarketRun, description: 'Only this clearing.' }),
      from: t.arg({ type: 'DateTime', required: true, description: 'First interval start, inclusive.' }),
      to: t.arg({ type: 'DateTime', required: true, description: 'End of the range: interval starts before it.' }),
      window: t.arg({ type: MetricWindow, defaultValue: 'RANGE', description: 'What to divide the range into.' }),
      by: t.arg({ type: MetricGroup, defaultValue: 'NODE', description: 'Whose prices to take together.' }),
    },
    resolve: (_root, { market, node, run, from, to, window, by }, { reads }) =>
      reads.marketMetrics({
        market: requireMarket(market),
        ...(node != null && { node: nodeWithin(market, node) }),
        ...(run != null && { run }),
        ...rangeFrom({ from, to }),
        window: window ?? 'RANGE',
        by: by ?? 'NODE',
      }),
  }),
);

function nodeWithin(market: string, text: string): string {
  const node = nodeFrom(text);
  if (node.startsWith(`${market}:`)) return node;
  throw new BusbarError('BAD_USER_INPUT', `\`node\` must be one of ${market}: ${node} is not`);
}

function marketOfRow(id: string) {
  const market = marketById(id);
  if (!market) throw new TypeError(`no such market: ${id}`);
  return market;
}
