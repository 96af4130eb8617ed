/**
 * Forecasts of the next price of one node and run, and how well each model has done so far.
 *
 * - `SMA_5`, `SMA_20`: the mean of the last 5, or 20, prices.
 * - `NEXT_VALUE`: the last price moved on as the last five steps went, `p + (p − p₋₅) / 5`.
 * - `EWMA`: exponentially weighted, `e ← α·p + (1 − α)·e` with α = 2/21, whose weights are as old on average as those of
 *   `SMA_20`.
 *
 * A model forecasts as soon as it has the prices that it needs. When the next price comes, its error is forecast − price.
 * Errors are of forecasts that stood when their price came. What is published within a second is forecast together, from what
 * was there before: of such prices only the first is scored, as of the 24 that a day-ahead market publishes at once. That
 * is told by when prices were published, so it does not depend on how they are cut into commits.
 * Prices and errors are currency per MWh, as doubles: forecasts are no money.
 */
import { markableStarts } from './mark-price.ts';
import { isClearedAhead, type MarketRun } from './market-run.ts';

export const FORECAST_MODELS = ['SMA_5', 'SMA_20', 'NEXT_VALUE', 'EWMA'] as const;

export type ForecastModel = (typeof FORECAST_MODELS)[number];

/** All that the models remember. As JSON it is itself. */
export interface ForecastState {
  /** Start of the interval of the last price, milliseconds UTC. Only a later one can be added. */
  readonly lastAt: number;
  /** The last prices, oldest first, at most 20. */
  readonly prices: readonly number[];
  readonly ewma: number;
  readonly errors: Readonly<Record<ForecastModel, ErrorSums>>;
  /** When the price that was scored last, or the first one, was published, milliseconds UTC: what is published with it is not scored. */
  readonly publishedAt: number;
}

/** A price of the series, milliseconds UTC. */
export interface PriceToTake {
  /** Start of its interval. */
  readonly at: number;
  readonly price: number;
  readonly publishedAt: number;
}

/** Sums over every forecast that stood when its price came. */
interface ErrorSums {
  readonly count: number;
  readonly sum: number;
  readonly absolute: number;
  readonly squared: number;
}

/** What one model says, and how far to trust it. */
export interface ModelForecast {
  readonly model: ForecastModel;
  /** Of the next price; null while there are too few prices. */
  readonly value: number | null;
  /** Forecasts that stood when their price came. */
  readonly samples: number;
  /** Mean absolute error; null before the first sample, as the two below. */
  readonly mae: number | null;
  /** Root of the mean squared error. */
  readonly rmse: number | null;
  /** Mean error: positive where the model forecasts too high. */
  readonly bias: number | null;
}

/** Forecasts are made so often: nobody has forecast a price that was published sooner after the one before. */
export const FORECAST_EVERY_MS = 1_000;

const PRICES_MAX = 20;
const EWMA_ALPHA = 2 / (PRICES_MAX + 1);
const NEXT_VALUE_STEPS = 5;

const NO_ERRORS: ErrorSums = { count: 0, sum: 0, absolute: 0, squared: 0 };

/**
 * The latest start of an interval whose price is taken up now, milliseconds UTC. A price that lies further ahead waits: it would
 * be the last one until its time, and every price until then would come too late. What is cleared ahead has no such bound.
 */
export function takenUpTo(run: MarketRun, now: number): number {
  return isClearedAhead(run) ? Number.POSITIVE_INFINITY : markableStarts(now).upTo;
}

/**
 * Scores what was forecast, where a forecast stood when the price was published, and takes the price up.
 * @param state undefined: there was no price yet.
 * @throws RangeError, as a programming error, where it does not come after the last one: it would be counted twice.
 */
export function addPrice(state: ForecastState | undefined, { at, price, publishedAt }: PriceToTake): ForecastState {
  if (!state) return { lastAt: at, prices: [price], ewma: price, errors: eachModel(() => NO_ERRORS), publishedAt };
  if (at <= state.lastAt) throw new RangeError(`a price of ${at} does not come after the one of ${state.lastAt}`);
  const wasForecast = publishedAt - state.publishedAt >= FORECAST_EVERY_MS;
  return {
    lastAt: at,
    prices: [...state.prices, price].slice(-PRICES_MAX),
    ewma: EWMA_ALPHA * price + (1 - EWMA_ALPHA) * state.ewma,
    errors: wasForecast
      ? eachModel((model) => scored(state.errors[model], forecastBy(state, model), price))
      : state.errors,
    publishedAt: wasForecast ? publishedAt : state.publishedAt,
  };
}

/** One a model, in the order of `FORECAST_MODELS`. */
export function forecastsOf(state: Pick<ForecastState, 'prices' | 'ewma' | 'errors'>): ModelForecast[] {
  return FORECAST_MODELS.map((model) => {
    const { count, sum, absolute, squared } = state.errors[model];
    const value = forecastBy(state, model);
    if (count === 0) return { model, value, samples: 0, mae: null, rmse: null, bias: null };
    return { model, value, samples: count, mae: absolute / count, rmse: Math.sqrt(squared / count), bias: sum / count };
  });
}

function forecastBy({ prices, ewma }: Pick<ForecastState, 'prices' | 'ewma'>, model: ForecastModel): number | null {
  switch (model) {
    case 'SMA_5':
      return meanOfLast(prices, 5);
    case 'SMA_20':
      return meanOfLast(prices, 20);
    case 'NEXT_VALUE':
      return nextValue(prices);
    case 'EWMA':
      return ewma;
  }
}

function meanOfLast(prices: readonly number[], count: number): number | null {
  if (prices.length < count) return null;
  return prices.slice(-count).reduce((sum, price) => sum + price, 0) / count;
}

function nextValue(prices: readonly number[]): number | null {
  const last = prices.at(-1);
  const before = prices.at(-1 - NEXT_VALUE_STEPS);
  return last === undefined || before === undefined ? null : last + (last - before) / NEXT_VALUE_STEPS;
}

function scored(sums: ErrorSums, forecast: number | null, price: number): ErrorSums {
  if (forecast === null) return sums;
  const error = forecast - price;
  return {
    count: sums.count + 1,
    sum: sums.sum + error,
    absolute: sums.absolute + Math.abs(error),
    squared: sums.squared + error * error,
  };
}

function eachModel<Value>(valueFor: (model: ForecastModel) => Value): Record<ForecastModel, Value> {
  return {
    SMA_5: valueFor('SMA_5'),
    SMA_20: valueFor('SMA_20'),
    NEXT_VALUE: valueFor('NEXT_VALUE'),
    EWMA: valueFor('EWMA'),
  };
}
