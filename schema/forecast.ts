import type { ForecastModel as ForecastModelName, ModelForecast as ModelForecastRow } from '../domain/forecast.ts';
import { builder } from './builder.ts';
import { Delivery } from './delivery.ts';
import { LedgerEntry } from './ledger.ts';
import { MarketRun } from './market-run.ts';
import { NODES_ARGUMENT, nodesFrom, someNodesFrom } from './node-names.ts';
import { PricingNode } from './pricing-node.ts';
import type { ForecastRow, ForecastUpdate as ForecastUpdateRow } from './trading-rows.ts';

const ForecastModel = builder.enumType('ForecastModel', {
  description: 'How the next price of a node and run is forecast from the ones before.',
  values: {
    SMA_5: { description: 'The mean of the last 5 prices.' },
    SMA_20: { description: 'The mean of the last 20 prices.' },
    NEXT_VALUE: { description: 'The last price moved on as the last five steps went: p + (p − p₋₅) / 5.' },
    EWMA: {
      description:
        'Exponentially weighted: e ← α·p + (1 − α)·e with α = 2/21, whose weights are as old on average as those of SMA_20.',
    },
  } as const,
});

const ModelForecast = builder.objectRef<ModelForecastRow>('ModelForecast').implement({
  description:
    'What one model says of the next price, and how it has done so far. Errors are forecast − price, USD/MWh, over the forecasts that stood when their price came: of prices published within a second of each other, as a day-ahead market does, only the first had been forecast.',
  fields: (t) => ({
    model: t.expose('model', { type: ForecastModel, description: 'Which model.' }),
    value: t.exposeFloat('value', {
      nullable: true,
      description: 'Forecast of the next price, USD/MWh; null while there are too few prices.',
    }),
    samples: t.exposeInt('samples', { description: 'Forecasts that stood when their price came.' }),
    mae: t.exposeFloat('mae', {
      nullable: true,
      description: 'Mean absolute error, Σ|e| / n; null before the first sample.',
    }),
    rmse: t.exposeFloat('rmse', {
      nullable: true,
      description: 'Root of the mean squared error, √(Σe² / n); null before the first sample.',
    }),
    bias: t.exposeFloat('bias', {
      nullable: true,
      description: 'Mean error, Σe / n: positive where the model forecasts too high; null before the first sample.',
    }),
  }),
});

const Forecast = builder.objectRef<ForecastRow>('Forecast').implement({
  description: 'What is forecast of the price that comes after the last one of a node and run, USD/MWh.',
  fields: (t) => ({
    node: t.field({ type: PricingNode, description: 'Where.', resolve: ({ node }) => ({ id: node }) }),
    run: t.expose('run', { type: MarketRun, description: 'The clearing whose next price it is.' }),
    lastAt: t.expose('lastAt', { type: 'DateTime', description: 'Start of the interval of the last price.' }),
    lastPrice: t.exposeFloat('lastPrice', { description: 'The last price, USD/MWh.' }),
    models: t.field({ type: [ModelForecast], description: 'Each model.', resolve: ({ models }) => models }),
    best: t.field({
      type: ModelForecast,
      nullable: true,
      description:
        'The model with the least mean absolute error so far, of those that forecast now; null before any error is known.',
      resolve: ({ models }) => bestOf(models),
    }),
    sma5: t.float({
      nullable: true,
      description: 'Forecast of SMA_5; null with fewer than 5 prices.',
      resolve: ({ models }) => valueBy(models, 'SMA_5'),
    }),
    sma20: t.float({
      nullable: true,
      description: 'Forecast of SMA_20; null with fewer than 20 prices.',
      resolve: ({ models }) => valueBy(models, 'SMA_20'),
    }),
    nextValue: t.float({
      nullable: true,
      description: 'Forecast of NEXT_VALUE; null with fewer than 6 prices.',
      resolve: ({ models }) => valueBy(models, 'NEXT_VALUE'),
    }),
    ewma: t.float({
      nullable: true,
      description: 'Forecast of EWMA.',
      resolve: ({ models }) => valueBy(models, 'EWMA'),
    }),
    ledgerEntry: t.field({
      type: LedgerEntry,
      nullable: true,
      authScopes: { may: 'ANALYSIS' },
      description: 'Where the last price came from: feed, source position or request, time.',
      resolve: ({ ledgerId }, _args, { loaders }) => loaders.ledgerEntry.load(ledgerId),
    }),
  }),
});

builder.queryField('forecasts', (t) =>
  t.field({
    type: [Forecast],
    authScopes: { may: 'ANALYSIS' },
    description:
      'Forecasts of the next price: for each node, in the order asked, one for each run that has prices. A node without any is left out.',
    args: {
      nodes: t.arg.idList({ required: true, description: NODES_ARGUMENT }),
      run: t.arg({ type: MarketRun, description: 'Only this clearing.' }),
    },
    resolve: (_root, { nodes, run }, { reads }) => reads.forecasts(nodesFrom(nodes), run ?? undefined),
  }),
);

const ForecastUpdate = builder.objectRef<ForecastUpdateRow>('ForecastUpdate').implement({
  description: 'Forecasts that were made since the update before.',
  fields: (t) => ({
    cursor: t.exposeString('cursor', {
      description: 'Opaque. Subscribe again with it as `after` to miss nothing and see nothing twice.',
    }),
    forecasts: t.field({
      type: [Forecast],
      description: 'The forecasts, in the order they were made.',
      resolve: ({ forecasts }) => forecasts,
    }),
  }),
});

builder.subscriptionField('forecasts', (t) =>
  t.field({
    type: ForecastUpdate,
    authScopes: { may: 'ANALYSIS' },
    description:
      'Forecasts as new prices come. Filters combine; without any, all. A cursor that is no longer kept ends with CURSOR_EXPIRED.',
    args: {
      nodes: t.arg.idList({ description: `Only these nodes. ${NODES_ARGUMENT}` }),
      run: t.arg({ type: MarketRun, description: 'Only this clearing.' }),
      delivery: t.arg({ type: Delivery, defaultValue: 'EVERY', description: 'What to do when events come too fast.' }),
      after: t.arg.string({ description: 'The cursor of the last update seen; without it, begin now.' }),
    },
    subscribe: (_root, { nodes, run, delivery, after }, { live }) => {
      const filter = { ...(nodes != null && { nodes: someNodesFrom(nodes) }), ...(run != null && { run }) };
      return live.forecasts(filter, delivery ?? 'EVERY', after ?? undefined);
    },
    resolve: (update) => update,
  }),
);

function bestOf(models: readonly ModelForecastRow[]): ModelForecastRow | null {
  let best: { readonly forecast: ModelForecastRow; readonly mae: number } | null = null;
  for (const forecast of models) {
    const { mae, value } = forecast;
    if (mae !== null && value !== null && (best === null || mae < best.mae)) best = { forecast, mae };
  }
  return best?.forecast ?? null;
}

function valueBy(models: readonly ModelForecastRow[], model: ForecastModelName): number | null {
  return models.find((each) => each.model === model)?.value ?? null;
}
