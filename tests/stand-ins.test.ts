/** `npm start -- --stand-ins`: from eight simulated vendors over their feeds to the API, in one process. */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { expectedPrice, expectedTariff, type PricedMarket } from '../ingestors/stand-ins/oracle.ts';
import { freshDatabase, type TestDatabase } from './support/postgres.ts';
import { type Running, startProgram } from './support/processes.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

/** A node of each market, and the newest report of each run that has a price of it soon. */
const PRICED: readonly (readonly [market: PricedMarket, node: string, run: string, report: string])[] = [
  ['CAISO', 'TH_NP15_GEN-APND', 'DAY_AHEAD_HOURLY', 'PRC_LMP'],
  ['CAISO', 'TH_NP15_GEN-APND', 'REAL_TIME_5_MIN', 'PRC_INTVL_LMP'],
  ['CAISO', 'TH_SP15_GEN-APND', 'HOUR_AHEAD_15_MIN', 'PRC_HASP_LMP'],
  ['PJM', 'WESTERN HUB', 'DAY_AHEAD_HOURLY', 'da_hrl_lmps'],
  ['PJM', 'WESTERN HUB', 'REAL_TIME_5_MIN', 'rt_unverified_fivemin_lmps'],
  ['ERCOT', 'HB_NORTH', 'DAY_AHEAD_HOURLY', 'np4-190-cd'],
  ['ERCOT', 'LZ_WEST', 'REAL_TIME_15_MIN', 'np6-905-cd'],
  ['MISO', 'INDIANA.HUB', 'DAY_AHEAD_HOURLY', 'da_expost_lmp'],
  ['MISO', 'INDIANA.HUB', 'REAL_TIME_5_MIN', 'GetRealTimeFiveMinExPost'],
  ['SPP', 'SPPNORTH_HUB', 'DAY_AHEAD_HOURLY', 'da-lmp-by-settlement-location'],
  ['SPP', 'SWPW/SWPW_HUB', 'REAL_TIME_5_MIN', 'rtbm-lmp-by-location'],
  ['NYISO', 'N.Y.C.', 'DAY_AHEAD_HOURLY', 'damlbmp_zone'],
  ['NYISO', 'N.Y.C.', 'REAL_TIME_HOURLY', 'rtlbmp_zone'],
  ['NYISO', 'WEST', 'REAL_TIME_5_MIN', 'realtime_zone'],
  ['ISONE', '.H.INTERNAL_HUB', 'DAY_AHEAD_HOURLY', 'hourlylmp-da-final'],
  ['ISONE', '.Z.MAINE', 'REAL_TIME_5_MIN', 'fiveminutelmp-prelim'],
];
const HOUR_MS = 3_600_000;

let db: TestDatabase;
let busbar: Running;
let url: string;

beforeAll(async () => {
  db = await freshDatabase();
  busbar = startProgram('main.ts', { DATABASE_URL: db.url, PORT: '0', SPP_LOOKBACK_HOURS: '1' }, ['--stand-ins']);
  url = (await busbar.sees(/"graphiql":"(http:[^"]+)"/))[1] ?? '';
});
afterAll(async () => {
  await busbar?.stop();
  await db?.drop();
});

describe('with --stand-ins', () => {
  it('says what is simulated, a line a vendor', async () => {
    for (const vendor of ['CAISO', 'PJM', 'ERCOT', 'MISO', 'SPP', 'NYISO', 'ISONE', 'CKW'])
      await busbar.sees(new RegExp(`"vendor":"${vendor}","url":"http://127.0.0.1:\\d+","simulates":"[^"]+"`));
  });

  it.each(PRICED)('%s has prices of %s, %s, as the vendor made them', async (market, node, run, report) => {
    const newest = async () => {
      const { latestLmp } = await ask(
        `query ($nodes: [ID!]!, $run: MarketRun!) {
          latestLmp(nodes: $nodes, run: $run) { run start lmp energy congestion loss ghg quality } }`,
        { nodes: [`${market}:${node}`], run },
      );
      return latestLmp[0];
    };
    await expect.poll(newest, { timeout: 50_000, interval: 500 }).toBeDefined();
    const { start, quality, ...price } = await newest();
    const { preliminary, ...expected } = expectedPrice(market, { report, node, startMs: Date.parse(start) });
    const close = (value: number | null) => (value === null ? null : expect.closeTo(value, 5));
    expect(price).toEqual({
      run,
      lmp: close(expected.lmp),
      energy: close(expected.energy),
      congestion: close(expected.congestion),
      loss: close(expected.loss),
      ghg: close(expected.ghg),
    });
    expect(quality.includes('PRELIMINARY')).toBe(preliminary);
    expect(quality).not.toContain('IDENTITY_BREACH');
    expect(Date.parse(start)).toBeGreaterThan(Date.now() - 48 * HOUR_MS);
  });

  it('CKW has tariffs and a plant', async () => {
    const from = new Date(Math.floor(Date.now() / HOUR_MS) * HOUR_MS);
    const range = { from: from.toISOString(), to: new Date(from.getTime() + HOUR_MS).toISOString() };
    const tariffs = async () => {
      const answer = await ask(
        `query ($from: DateTime!, $to: DateTime!) {
          tariffs(from: $from, to: $to, tariffName: "home_dynamic", type: INTEGRATED) { start value } }`,
        range,
      );
      return answer.tariffs;
    };
    await expect.poll(async () => (await tariffs()).length, { timeout: 50_000 }).toBe(4);
    for (const { start, value } of await tariffs())
      expect(value).toBeCloseTo(expectedTariff('home_dynamic', 'integrated', Date.parse(start)), 9);
    await expect
      .poll(async () => (await ask('{ plantStatus { plant } }')).plantStatus)
      .toEqual([{ plant: 'lutersarni' }]);
  });

  it('no feed has an error or a dead letter', async () => {
    const { feeds } = await ask('{ feeds { id deadLettersOpen partitions { partition lastError } } }');
    expect(feeds.map(({ id }: { id: string }) => id)).toEqual(expect.arrayContaining(['pjm-lmp', 'ckw-tariffs']));
    for (const { id, deadLettersOpen, partitions } of feeds) {
      // On the night of autumn NYISO's look-ahead cannot be placed, and is told so by a dead letter.
      if (id !== 'nyiso-lmp') expect([id, deadLettersOpen]).toEqual([id, 0]);
      for (const { lastError } of partitions) expect(lastError).toBeNull();
    }
  });
});

async function ask(query: string, variables: object = {}) {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = await response.json();
  expect(errors).toBeUndefined();
  return data;
}
