import { type ForecastState, forecastsOf } from '../../domain/forecast.ts';
import type { MarketRun } from '../../domain/market-run.ts';
import type { ForecastRow } from '../../schema/trading-rows.ts';
import { askedNodes, nodeNames } from './asked-nodes.ts';
import type { Queryable } from './statement.ts';

interface StoredState {
  readonly node: string;
  readonly run: MarketRun;
  readonly last_at: Date;
  readonly prices: readonly number[];
  readonly ewma: number;
  readonly errors: ForecastState['errors'];
  readonly ledger_id: number;
}

const TEXT = `
  SELECT asked.market || ':' || asked.name AS node, f.run, f.last_at, f.prices, f.ewma, f.errors, f.ledger_id
  FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS asked (market, name, place)
  JOIN pricing_node AS n ON n.market_id = asked.market AND n.name = asked.name
  JOIN forecast_state AS f ON f.node_id = n.id AND ($3::market_run IS NULL OR f.run = $3)
  ORDER BY asked.place, f.run`;

/** In the order asked, then by run; a node without prices is left out. */
export async function readForecasts(
  db: Queryable,
  nodes: readonly string[],
  run: MarketRun | undefined,
): Promise<ForecastRow[]> {
  const { markets, names } = askedNodes(nodeNames(nodes));
  const values = [markets, names, run ?? null];
  const { rows } = await db.query<StoredState>({ name: 'forecasts', text: TEXT, values });
  return rows.map(forecastRowFrom);
}

function forecastRowFrom({ node, run, ledger_id, last_at, prices, ewma, errors }: StoredState): ForecastRow {
  const lastAt = last_at.getTime();
  const lastPrice = prices.at(-1);
  if (lastPrice === undefined) throw new TypeError(`a state of forecasts without a price: ${node} ${run}`);
  return { node, run, lastAt, lastPrice, models: forecastsOf({ prices, ewma, errors }), ledgerId: ledger_id };
}
