import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MINUTE_MS } from '../../../domain/instant.ts';
import type { NodeName } from '../../../domain/market.ts';
import { decimalFrom } from '../../../domain/money.ts';
import type { Trade } from '../../../domain/trade.ts';
import { setCostMethod } from '../../../prisma/operations/accounts.ts';
import { inTransaction } from '../../../prisma/transaction.ts';
import { freshDatabase, type TestDatabase } from '../../../tests/support/postgres.ts';
import { ingestTrades } from '../../../tests/support/silent-pipeline.ts';
import { STORED_VERSIONS, sqlPositions, storeVersions } from '../../../tests/support/sql-positions.ts';
import { addNodesOf, storedPositions } from '../../../tests/support/stored-positions.ts';

const MIGRATION = new URL('../../../prisma/migrations/20261206000000_oldest_lot/migration.sql', import.meta.url);
const FROM = Date.UTC(2026, 0, 1);
/** More than are at hand while a position is worked out anew. */
const LOTS = 8_000;

function trade(at: number, side: Trade['side'], mw: string, changes: Partial<Trade> = {}): Trade {
  return {
    tradeId: `T${at}`,
    version: 1,
    ts: FROM + at * MINUTE_MS,
    account: 'hedge',
    node: 'PJM:WEST' as NodeName,
    side,
    mw: decimalFrom(mw),
    price: decimalFrom(`${(at * 7_919) % 5_000}e-2`),
    minutes: 60,
    status: 'ACTIVE',
    ...changes,
  };
}

const BOUGHT = Array.from({ length: LOTS }, (_, at) => trade(at + 1, 'BUY', `${1 + (at % 9)}.5`));

describe('a book by FIFO that only ever grew', () => {
  let db: TestDatabase;
  const told: Trade[] = [];
  beforeAll(async () => {
    db = await freshDatabase();
    await addNodesOf(db.pool, BOUGHT);
    const change = { account: 'hedge', method: 'FIFO', create: true } as const;
    await inTransaction(db.pool, (client) => setCostMethod(client, change));
    await ingest(...BOUGHT);
  });
  afterAll(() => db.drop());

  const ingest = async (...versions: Trade[]) => {
    told.push(...versions);
    await ingestTrades(db.pool, versions);
  };
  const expected = async () => {
    const client = await db.pool.connect();
    await storeVersions(client, told);
    const positions = await sqlPositions(client, 'FIFO', STORED_VERSIONS);
    client.release(true);
    return positions;
  };

  it('keeps where its lots begin, not the lots', async () => {
    expect((await storedPositions(db.pool))[0]?.lots).toHaveLength(LOTS);
    const { rows } = await db.pool.query(
      `SELECT pg_column_size(p.*) AS position, (SELECT max(pg_column_size(c.*)) FROM position_checkpoint c) AS checkpoint
       FROM position p`,
    );
    expect(rows[0].position).toBeLessThan(500);
    expect(rows[0].checkpoint).toBeLessThan(500);
  });

  // One after the other: each goes on from what the one before it left.
  it.each<[string, Trade[]]>([
    ['part of a lot', [trade(9_001, 'SELL', '0.5')]],
    ['to the end of a lot', [trade(9_002, 'SELL', '1')]],
    ['more lots than are read at first', [trade(9_003, 'SELL', '400')]],
    ['lots, and opens others behind those that wait', [trade(9_004, 'BUY', '70'), trade(9_005, 'SELL', '33.25')]],
    ['thousands, and is worked out from before them', [trade(9_006, 'SELL', '20000'), trade(0, 'BUY', '3.75')]],
    ['them by a sale far back that was never told', [trade(5_500, 'SELL', '5000', { tradeId: 'late' })]],
    ['fewer after all', [trade(9_006, 'SELL', '10', { version: 2 })]],
    ['all, and turns short', [trade(9_007, 'SELL', '99999')]],
    ['what it is short of', [trade(9_008, 'BUY', '1000.125')]],
    [
      'all and turns twice, worked out anew',
      [trade(9_009, 'BUY', '99999'), trade(6_500, 'SELL', '1', { tradeId: 'later' })],
    ],
  ])('closes %s as SQL does', async (_, versions) => {
    await ingest(...versions);
    expect(await storedPositions(db.pool)).toEqual(await expected());
  });

  it('is told by the migration where its lots begin', async () => {
    const begins = async () =>
      (await db.pool.query('SELECT oldest_ts, oldest_trade_id, trim_scale(oldest_quantity) AS left FROM position'))
        .rows;
    const migration = await readFile(MIGRATION, 'utf8');
    const update = /^UPDATE "position"[^;]*;/m.exec(migration)?.[0] ?? '';
    for (const further of [
      [],
      [trade(9_010, 'BUY', '98000')],
      [trade(9_011, 'BUY', '9000'), trade(9_012, 'SELL', '50')],
    ]) {
      await ingest(...further);
      const known = await begins();
      expect(known[0].oldest_trade_id).not.toBeNull();
      await db.pool.query('UPDATE position SET oldest_ts = NULL, oldest_trade_id = NULL, oldest_quantity = NULL');
      await db.pool.query(update);
      expect(await begins()).toEqual(known);
    }
  });
});
