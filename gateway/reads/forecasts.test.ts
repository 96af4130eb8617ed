import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addPrice, type ForecastState, forecastsOf } from '../../domain/forecast.ts';
import { countingDb } from '../../tests/support/counting-db.ts';
import { storeNodes } from '../../tests/support/lmp-rows.ts';
import { freshDatabase, type TestDatabase } from '../../tests/support/postgres.ts';
import { readForecasts } from './forecasts.ts';

let db: TestDatabase;
beforeAll(async () => {
  db = await freshDatabase();
});
afterAll(() => db.drop());

async function store(node: string, run: string, state: ForecastState): Promise<void> {
  await storeNodes(db.pool, [node]);
  await db.pool.query(
    `INSERT INTO forecast_state (node_id, run, last_at, prices, ewma, errors, published_at, ledger_id)
     SELECT id, $2::market_run, $3, $4, $5, $6, $3, 7 FROM pricing_node WHERE market_id || ':' || name = $1`,
    [node, run, new Date(state.lastAt), state.prices, state.ewma, JSON.stringify(state.errors)],
  );
}

function stateOf(prices: readonly number[]): ForecastState {
  let state: ForecastState | undefined;
  for (const [place, price] of prices.entries()) {
    state = addPrice(state, { at: place * 300_000, price, publishedAt: place * 300_000 });
  }
  if (!state) throw new Error('no prices');
  return state;
}

describe('forecasts', () => {
  const long = stateOf(Array.from({ length: 25 }, (_, place) => Math.sin(place) * 40));
  const short = stateOf([10, -20, 30]);

  beforeAll(async () => {
    await store('PJM:WEST', 'SPOT', long);
    await store('PJM:WEST', 'REAL_TIME_5_MIN', short);
    await store('CAISO:NP15', 'SPOT', short);
  });

  it('are what the models say of the state that is kept', async () => {
    const rows = await readForecasts(db.pool, ['PJM:WEST'], 'SPOT');
    expect(rows).toEqual([
      {
        node: 'PJM:WEST',
        run: 'SPOT',
        lastAt: 24 * 300_000,
        lastPrice: Math.sin(24) * 40,
        models: forecastsOf(long),
        ledgerId: 7,
      },
    ]);
  });

  it('come in the order asked and then by run, without nodes that have none, in one statement', async () => {
    const counting = countingDb(db.pool);
    const rows = await readForecasts(counting, ['CAISO:NP15', 'PJM:NOBODY', 'PJM:WEST'], undefined);
    expect(rows.map(({ node, run }) => `${node} ${run}`)).toEqual([
      'CAISO:NP15 SPOT',
      'PJM:WEST REAL_TIME_5_MIN',
      'PJM:WEST SPOT',
    ]);
    expect(counting.statements).toBe(1);
  });
});
