import { afterAll, beforeAll, expect, test } from 'vitest';
import { MINUTE_MS } from '../../domain/instant.ts';
import { storeLmps } from '../../tests/support/lmp-rows.ts';
import { freshDatabase, type TestDatabase } from '../../tests/support/postgres.ts';
import { type StoreGateway, startStoreGateway } from '../../tests/support/store-gateway.ts';

const FROM = Date.UTC(2026, 5, 15, 22);

let db: TestDatabase;
let now: number;
let kept: StoreGateway;
let store: StoreGateway;
beforeAll(async () => {
  db = await freshDatabase();
  const price = { node: 'MISO:KNOWN', run: 'REAL_TIME_5_MIN', minutes: 5, lmp: 30 } as const;
  await storeLmps(db.pool, [{ ...price, start: FROM }]);
  const clock = () => now;
  kept = await startStoreGateway({ db, clock, cacheBytes: 8 * 1024 * 1024 });
  store = await startStoreGateway({ db, clock, isHot: false });
});
afterAll(async () => {
  await Promise.all([kept.close(), store.close()]);
  await db.drop();
});

test.each([
  ['REAL_TIME_5_MIN', 'RAW'],
  ['REAL_TIME_15_MIN', 'RAW'],
  ['DAY_AHEAD_HOURLY', 'RAW'],
  ['SPOT', 'RAW'],
  ['REAL_TIME_5_MIN', 'FIFTEEN_MINUTES'],
  ['REAL_TIME_5_MIN', 'HOUR'],
])('a kept series of %s at %s whose range ends off the grid grows as time passes', async (run, resolution) => {
  const query = `{ lmpSeries(
    nodes: ["MISO:KNOWN", "MISO:NOPE"], run: ${run}, resolution: ${resolution}, from: "2026-06-15T22:00:00Z", to: "2026-06-15T22:16:00Z"
  ) { start lmp } }`;
  // From before the range until all that starts in it has ended, a second after each five minutes and each minute.
  for (let minute = -1; minute <= 80; minute++) {
    now = FROM + minute * MINUTE_MS + 1_000;
    expect(await kept.answer(query), new Date(now).toISOString()).toEqual(await store.answer(query));
  }
});
