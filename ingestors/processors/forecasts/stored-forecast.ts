import type pg from 'pg';
import {
  type ForecastModel,
  type ForecastState,
  forecastsOf,
  type PriceToTake,
  takenUpTo,
} from '../../../domain/forecast.ts';
import type { MarketRun } from '../../../domain/market-run.ts';
import { ms } from '../../../prisma/instants.ts';
import type { Queryable } from '../../../prisma/queryable.ts';
import type { ForecastEvent } from '../../../runtime/live-bus/live-bus.ts';
import type { NewsArchive } from '../../pipeline/news.ts';

/** The prices of a node in a run. */
export interface Series {
  readonly nodeId: number;
  /** `MARKET:NAME`. */
  readonly node: string;
  readonly run: MarketRun;
  /** Undefined: it has no forecast yet. */
  readonly state: ForecastState | undefined;
}

export interface PricedSeries extends Series {
  /** After the state's last, oldest first; at least one. */
  readonly prices: readonly PriceToTake[];
}

/**
 * A series takes so many of its newest prices at a time: where it is new, not all its past, and after a pause of forecasting, not
 * all of the pause. So much is the most that is held of prices at once, and all models have long forgotten what was before.
 */
const NEWEST_PRICES = 500;
const SERIES_AT_A_TIME = 200;

/** The series that ledger entries brought prices of. Whoever follows prices does so under the lock of its own partition. */
export async function readSeries(client: Queryable, ledgerIds: readonly number[]): Promise<Series[]> {
  const { rows } = await client.query<StateRow>({ name: 'series-of-entries', text: SERIES, values: [ledgerIds] });
  return rows.map(({ nodeId, node, run, ...row }) => ({ nodeId, node, run, state: stateFrom(row) }));
}

interface StateRow {
  readonly nodeId: number;
  readonly node: string;
  readonly run: MarketRun;
  readonly lastAt: number | null;
  readonly prices: readonly number[] | null;
  readonly ewma: number | null;
  readonly errors: ForecastState['errors'] | null;
  readonly publishedAt: number | null;
}

const STATE = `${ms('s.last_at')} AS "lastAt", s.prices, s.ewma, s.errors, ${ms('s.published_at')} AS "publishedAt"`;

/** Bounds on both columns spare a hypertable's other chunks; what history holds of an entry is no news. */
const SERIES = `
  WITH bounds AS (
    SELECT min(event_from) AS first, max(event_to) AS last FROM ledger_entry WHERE id = ANY($1::int8[])
  ), touched AS (
    SELECT DISTINCT node_id, run FROM lmp
    WHERE ledger_id = ANY($1::int8[]) AND interval_start >= (SELECT first FROM bounds)
      AND interval_start <= (SELECT last FROM bounds)
  )
  SELECT t.node_id AS "nodeId", n.market_id || ':' || n.name AS node, t.run, ${STATE}
  FROM touched t JOIN pricing_node n ON n.id = t.node_id
  LEFT JOIN forecast_state s ON s.node_id = t.node_id AND s.run = t.run
  ORDER BY t.node_id, t.run`;

function stateFrom({
  lastAt,
  prices,
  ewma,
  errors,
  publishedAt,
}: Omit<StateRow, 'nodeId' | 'node' | 'run'>): ForecastState | undefined {
  if (lastAt === null || prices === null || ewma === null || errors === null || publishedAt === null) return undefined;
  return { lastAt, prices, ewma, errors, publishedAt };
}

/**
 * Those with prices after their state's last whose time has come. One statement for some hundreds of them.
 * @param now milliseconds UTC.
 */
export async function* pricesAfter(
  client: Queryable,
  series: readonly Series[],
  now: number,
): AsyncGenerator<PricedSeries> {
  for (let first = 0; first < series.length; first += SERIES_AT_A_TIME) {
    yield* await somePricesAfter(client, series.slice(first, first + SERIES_AT_A_TIME), now);
  }
}

async function somePricesAfter(client: Queryable, series: readonly Series[], now: number): Promise<PricedSeries[]> {
  const { rows } = await client.query<{ place: number; at: number[]; price: number[]; publishedAt: number[] }>({
    name: 'prices-after',
    text: PRICES_AFTER,
    values: [
      series.map(({ nodeId }) => nodeId),
      series.map(({ run }) => run),
      series.map(({ state }) => state?.lastAt ?? Number.NEGATIVE_INFINITY),
      series.map(({ run }) => takenUpTo(run, now)),
      NEWEST_PRICES,
    ],
  });
  return rows.flatMap(({ place, at, price, publishedAt }) => {
    const one = series[place - 1];
    if (!one) return [];
    const prices = at.map((start, index) => ({
      at: start,
      price: price[index] ?? Number.NaN,
      publishedAt: publishedAt[index] ?? Number.NaN,
    }));
    return [{ ...one, prices }];
  });
}

/** A price was there at the latest when it was recorded: a source whose clock is ahead would else silence errors until then. */
const PRICES_AFTER = `
  SELECT place::int, array_agg(at ORDER BY at) AS at, array_agg(lmp ORDER BY at) AS price,
         array_agg(published_at ORDER BY at) AS "publishedAt"
  FROM unnest($1::int4[], $2::market_run[], $3::float8[], $4::float8[]) WITH ORDINALITY AS t(node_id, run, last_at, up_to, place)
  CROSS JOIN LATERAL (
    SELECT ${ms('interval_start')} AS at, lmp, ${ms('least(published_at, recorded_at)')} AS published_at FROM lmp
    WHERE lmp.node_id = t.node_id AND lmp.run = t.run
      AND interval_start > to_timestamp(t.last_at / 1000.0) AND interval_start <= to_timestamp(t.up_to / 1000.0)
    ORDER BY interval_start DESC LIMIT $5
  ) AS price
  GROUP BY place ORDER BY place`;

/** Keeps what the models remember, and what they say now. */
export async function saveStates(
  client: Queryable,
  moved: readonly (Series & { readonly state: ForecastState })[],
  ledgerId: number,
): Promise<void> {
  await client.query({
    name: 'save-forecasts',
    text: SAVE,
    values: [
      ledgerId,
      JSON.stringify(
        moved.map(({ nodeId, run, state }) => ({
          nodeId,
          run,
          lastAt: state.lastAt,
          lastPrice: state.prices.at(-1),
          prices: state.prices,
          ewma: state.ewma,
          errors: state.errors,
          publishedAt: state.publishedAt,
          ...valuesByModel(state),
        })),
      ),
    ],
  });
}

function valuesByModel(state: ForecastState): Partial<Record<ForecastModel, number | null>> {
  return Object.fromEntries(forecastsOf(state).map(({ model, value }) => [model, value]));
}

const SAVE = `
  WITH moved AS (
    SELECT "nodeId" AS node_id, run, to_timestamp("lastAt" / 1000.0) AS last_at, "lastPrice" AS last_price, prices, ewma, errors,
           to_timestamp("publishedAt" / 1000.0) AS published_at, "SMA_5" AS sma_5, "SMA_20" AS sma_20, "NEXT_VALUE" AS next_value
    FROM jsonb_to_recordset($2::jsonb) AS t("nodeId" int4, run market_run, "lastAt" float8, "lastPrice" float8, prices float8[],
      ewma float8, errors jsonb, "publishedAt" float8, "SMA_5" float8, "SMA_20" float8, "NEXT_VALUE" float8)
  ), kept AS (
    INSERT INTO forecast (node_id, run, last_at, last_price, sma_5, sma_20, next_value, ewma, ledger_id)
    SELECT node_id, run, last_at, last_price, sma_5, sma_20, next_value, ewma, $1 FROM moved
    ON CONFLICT (node_id, run, last_at) DO NOTHING
  )
  INSERT INTO forecast_state (node_id, run, last_at, prices, ewma, errors, published_at, ledger_id)
  SELECT node_id, run, last_at, prices, ewma, errors, published_at, $1 FROM moved
  ON CONFLICT (node_id, run) DO UPDATE SET last_at = excluded.last_at, prices = excluded.prices, ewma = excluded.ewma,
    errors = excluded.errors, published_at = excluded.published_at, ledger_id = excluded.ledger_id`;

/** Forecasts that a commit was the last to move: of the others a later one tells. */
export const forecastsArchive: NewsArchive = {
  channels: ['forecasts'],
  read: async (pool, ledgerId) => ({ forecasts: await readForecasts(pool, ledgerId) }),
};

async function readForecasts(pool: pg.Pool, ledgerId: number): Promise<ForecastEvent[]> {
  const { rows } = await pool.query<StateRow>(
    `SELECT s.node_id AS "nodeId", n.market_id || ':' || n.name AS node, s.run, ${STATE}
     FROM forecast_state s JOIN pricing_node n ON n.id = s.node_id WHERE s.ledger_id = $1 ORDER BY s.node_id, s.run`,
    [ledgerId],
  );
  return rows.flatMap(({ node, run, ...row }) => {
    const state = stateFrom(row);
    return state ? [forecastEvent({ node, run, state }, ledgerId)] : [];
  });
}

export function forecastEvent(
  { node, run, state }: Pick<Series, 'node' | 'run'> & { readonly state: ForecastState },
  ledgerId: number,
): ForecastEvent {
  const { lastAt, prices } = state;
  return { node, run, lastAt, lastPrice: prices.at(-1) ?? Number.NaN, models: forecastsOf(state), ledgerId };
}
