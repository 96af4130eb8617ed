import { isDeepStrictEqual } from 'node:util';
import type { BenchStore } from '../../bench/bench-store.ts';
import { COST_METHODS } from '../../domain/position.ts';
import { foldedPositions } from '../support/folded-positions.ts';
import { type RandomTrades, randomTrades } from '../support/random-trades.ts';
import { STORED_VERSIONS, sqlPositions, storeVersions } from '../support/sql-positions.ts';

/** Random versions of trades, as the domain counts them and as SQL numeric does: how many positions differ in any digit. */
export async function comparePositions(store: BenchStore, asked: RandomTrades, progress: (line: string) => void) {
  const versions = [...randomTrades(asked)];
  const { pool } = await store.fresh('positions');
  const client = await pool.connect();
  try {
    // Exact arithmetic one row after the other takes its time: minutes for a million.
    await client.query('SET statement_timeout = 0');
    await storeVersions(client, versions);
    const methods = [];
    for (const method of COST_METHODS) {
      progress(`${versions.length} versions by ${method}`);
      const expected = await sqlPositions(client, method, STORED_VERSIONS);
      const folded = foldedPositions(method, versions);
      const wrong = expected.filter((position, place) => !isDeepStrictEqual(position, folded[place])).length;
      methods.push({ method, positions: expected.length, wrong: wrong + Math.abs(folded.length - expected.length) });
    }
    const sound = methods.every(({ positions, wrong }) => positions > 0 && wrong === 0);
    return { ...asked, methods, sound };
  } finally {
    client.release();
  }
}
