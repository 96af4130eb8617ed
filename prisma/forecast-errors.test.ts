import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DAY_MS, HOUR_MS } from '../domain/instant.ts';
import { storeLmps } from '../tests/support/lmp-rows.ts';
import { freshDatabase, type TestDatabase } from '../tests/support/postgres.ts';

const MIGRATION = new URL('./migrations/20261204000000_forecast_errors/migration.sql', import.meta.url);

/** A state as it was before that migration. */
const STORE = `
  INSERT INTO forecast_state (node_id, run, last_at, prices, ewma, errors, ledger_id)
  SELECT id, $2, $3, ARRAY[30, 31], 30.5, '{"SMA_5": {"count": 18, "sum": 0, "absolute": 0, "squared": 0}}', 1
  FROM pricing_node WHERE name = $1`;

describe('the migration that begins the errors of forecasts anew', () => {
  const HOUR_AT = Math.floor(Date.now() / HOUR_MS) * HOUR_MS;
  let db: TestDatabase;
  beforeAll(async () => {
    db = await freshDatabase();
    await db.pool.query('ALTER TABLE forecast_state DROP COLUMN published_at');
    await storeLmps(db.pool, [
      { node: 'PJM:A', run: 'SPOT', start: HOUR_AT, minutes: 0, lmp: 31, publishedAt: '2019-12-31T00:00Z' },
      { node: 'PJM:B', run: 'SPOT', start: HOUR_AT, minutes: 0, lmp: 31 },
    ]);
    await db.pool.query(STORE, ['A', 'SPOT', new Date(HOUR_AT)]);
    await db.pool.query(STORE, ['A', 'DAY_AHEAD_HOURLY', new Date(HOUR_AT + DAY_MS)]);
    await db.pool.query(STORE, ['B', 'SPOT', new Date(HOUR_AT + 3 * DAY_MS)]);
    await db.pool.query(await readFile(MIGRATION, 'utf8'));
  });
  afterAll(() => db.drop());

  it('keeps what is forecast, knows when the last price was published, and lets states of a time to come go', async () => {
    const { rows } = await db.pool.query(
      `SELECT name, run, prices, ewma, published_at FROM forecast_state JOIN pricing_node ON id = node_id ORDER BY run`,
    );
    const state = { name: 'A', prices: [30, 31], ewma: 30.5 };
    expect(rows).toEqual([
      { ...state, run: 'DAY_AHEAD_HOURLY', published_at: expect.any(Date) },
      { ...state, run: 'SPOT', published_at: new Date('2019-12-31T00:00Z') },
    ]);
  });

  it('begins all errors with none', async () => {
    const none = { count: 0, sum: 0, absolute: 0, squared: 0 };
    const { rows } = await db.pool.query('SELECT DISTINCT errors FROM forecast_state');
    expect(rows).toEqual([{ errors: { SMA_5: none, SMA_20: none, NEXT_VALUE: none, EWMA: none } }]);
  });
});
