import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Decimal } from '../domain/money.ts';
import { COST_METHODS } from '../domain/position.ts';
import { compareTrades } from '../domain/trade.ts';
import { createNoise } from '../ingestors/simulator/noise.ts';
import { foldedPositions } from './support/folded-positions.ts';
import { freshDatabase, type TestDatabase } from './support/postgres.ts';
import { randomTrades } from './support/random-trades.ts';
import { STORED_VERSIONS, sqlPositions, storeVersions } from './support/sql-positions.ts';

const VERSIONS = [...randomTrades({ seed: 14, versions: 20_000, accounts: 4, nodes: 5 })];

describe('RULES 9, against SQL numeric', () => {
  let db: TestDatabase;
  let client: pg.PoolClient;
  beforeAll(async () => {
    db = await freshDatabase();
    client = await db.pool.connect();
    await storeVersions(client, VERSIONS);
  });
  afterAll(async () => {
    client.release();
    await db.drop();
  });

  it.each(COST_METHODS)('20,000 random versions of trades come to the same digits by %s', async (method) => {
    const positions = await sqlPositions(client, method, STORED_VERSIONS);
    expect(positions).toHaveLength(20);
    expect(foldedPositions(method, VERSIONS)).toEqual(positions);
  });

  it('they hold what makes it hard: amendments, cancellations, late trades, shares without an end', async () => {
    const changed = VERSIONS.filter(({ version }) => version > 1);
    expect(changed.length).toBeGreaterThan(500);
    expect(changed.filter(({ status }) => status === 'CANCELLED').length).toBeGreaterThan(100);
    const late = VERSIONS.filter(({ ts, version }, index) => version === 1 && ts < (VERSIONS[index - 1]?.ts ?? 0));
    expect(late.length).toBeGreaterThan(1_000);
    const positions = await sqlPositions(client, 'AVERAGE_COST', STORED_VERSIONS);
    expect(positions.filter(({ realized }) => /\.\d{10}$/.test(realized)).length).toBeGreaterThan(10);
  });

  it('a decimal is rounded as round(numeric, 10)', async () => {
    const noise = createNoise(15, 'rounding');
    const decimals = Array.from({ length: 5_000 }, (_, index) => {
      const digits = BigInt(Math.floor(noise.white('digits', index) * 1e15));
      // Every second one is a half, which binary rounding and banker's rounding would decide otherwise.
      return index % 2 ? new Decimal(digits * 10n + 5n, 11) : new Decimal(digits, 10 + (index % 7));
    });
    const { rows } = await client.query<{ rounded: string }>(
      `SELECT trim_scale(round(value, 10))::text AS rounded
       FROM unnest($1::numeric[]) WITH ORDINALITY AS given (value, place) ORDER BY place`,
      [decimals.map(String)],
    );
    expect(decimals.map((decimal) => String(decimal.rounded()))).toEqual(rows.map(({ rounded }) => rounded));
  });

  it('trades stand in the order of (ts, trade_id COLLATE "C")', async () => {
    const keys = ['T9', 'T10', 't1', 'Ä', '\u{1f50b}', '\uff5e', '\ue000', 'T', ''].flatMap((tradeId) => [
      { ts: 1, tradeId },
      { ts: 0, tradeId },
    ]);
    const { rows } = await client.query(
      `SELECT ts, trade_id AS "tradeId" FROM unnest($1::integer[], $2::text[]) AS key (ts, trade_id)
       ORDER BY ts, trade_id COLLATE "C"`,
      [keys.map(({ ts }) => ts), keys.map(({ tradeId }) => tradeId)],
    );
    expect(keys.sort(compareTrades)).toEqual(rows);
  });
});
