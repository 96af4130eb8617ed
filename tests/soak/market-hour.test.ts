import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freshDatabase, type TestDatabase } from '../support/postgres.ts';
import { TURNS_AT_ONCE } from '../support/source-parts.ts';
import { type MarketHour, runMarketHour, whyUnsound } from './market-hour.ts';

/** The short version of `npm run soak -- markets`: in the night when clocks are set back everywhere in the US. */
const NIGHT = { from: '2026-11-01T09:30:00Z', minutes: 3, lookbackHours: 5 };

describe('Vendors of which each fails in every way it can', () => {
  let db: TestDatabase;
  beforeEach(async () => {
    db = await freshDatabase();
  });
  afterEach(() => db.drop());

  const unsound = async (run: Partial<MarketHour>) => whyUnsound(await runMarketHour(db.url, { ...NIGHT, ...run }));

  it('all polled at once leave right prices and gaps that are told of, within every limit', {
    timeout: 120_000,
  }, async () => {
    expect(await unsound({})).toEqual([]);
  });

  it('are asked too often where nobody takes turns', { timeout: 60_000 }, async () => {
    const reasons = await unsound({ sources: ['CAISO', 'SPP'], minutes: 1, sabotage: { turns: TURNS_AT_ONCE } });
    expect(reasons).toContainEqual(expect.stringMatching(/^CAISO was asked too often/));
    expect(reasons).toContainEqual(expect.stringMatching(/^SPP was asked too often/));
  });

  it('are found out where a trouble is taken for another', { timeout: 60_000 }, async () => {
    const call: NonNullable<MarketHour['sabotage']>['call'] = (made) =>
      made.outcome === 'THROTTLED' ? { ...made, outcome: 'SERVER_ERROR' } : made;
    const reasons = await unsound({ sources: ['SPP'], minutes: 2, sabotage: { call } });
    expect(reasons).toContainEqual(expect.stringMatching(/calls to SPP are not logged as what they were: .*THROTTLED/));
  });

  it('are found out where one price in a hundred is off by a cent', { timeout: 60_000 }, async () => {
    const reasons = await unsound({
      sources: ['SPP'],
      minutes: 1,
      sabotage: { price: (lmp, at) => (at % 100 ? lmp : lmp + 0.01) },
    });
    expect(reasons).toContainEqual(expect.stringMatching(/prices of SPP are wrong/));
  });
});
