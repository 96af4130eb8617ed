import { afterEach, expect, test } from 'vitest';
import { type Miso, type MisoOptions, startMiso } from './miso.ts';
import { misoPrices, shortText } from './miso-prices.ts';

const NOW = '2025-11-05T18:30Z';
const NODES = ['INDIANA.HUB', 'MINN.HUB'];
const KEY = { 'ocp-apim-subscription-key': 'a-key' };

const running: Miso[] = [];
afterEach(async () => {
  for (const miso of running.splice(0)) await miso.close();
});

test('energy, congestion and loss sum to the LMP, and some prices are negative', () => {
  const cents = Array.from({ length: 1000 }, (_, hour) => {
    const { lmp, mcc, mlc, mec } = misoPrices('real-time', 'N', hour * 3_600_000);
    return [Math.round(lmp * 100), Math.round(mcc * 100) + Math.round(mlc * 100) + Math.round(mec * 100)] as const;
  });
  expect(cents.every(([lmp, sum]) => lmp === sum)).toBe(true);
  expect(cents.some(([lmp]) => lmp < 0)).toBe(true);
});

test.each([
  [0.15, '.15'],
  [-0.4, '-.4'],
  [10, '10'],
  [0, '0'],
  [-12.3, '-12.3'],
  [100.05, '100.05'],
])('%d is written %s', (price, text) => {
  expect(shortText(price)).toBe(text);
});

test('a file has three or four lines before its header, and 24 hours on a day when others change their clocks', async () => {
  const miso = await begin();
  for (const [day, blank] of [
    ['20251102', true],
    ['20251103', false],
  ] as const) {
    const lines = (await ask(miso, `marketreports/${day}_da_expost_lmp.csv`)).text.trimEnd().split('\n');
    const header = lines.findIndex((line) => line.startsWith('Node,'));
    expect(header).toBe(blank ? 4 : 3);
    expect(lines[header]?.split(',').slice(-1)).toEqual(['HE 24']);
    expect(lines).toHaveLength(header + 1 + 3 * NODES.length);
  }
});

test.each([
  ['tomorrow’s day-ahead file from 13:00 on', '20251106_da_expost_lmp.csv', '2025-11-05T17:59Z', '2025-11-05T18:00Z'],
  ['a preliminary file next morning', '20251104_rt_lmp_prelim.csv', '2025-11-05T11:59Z', '2025-11-05T12:00Z'],
  ['a final file after six days', '20251104_rt_lmp_final.csv', '2025-11-10T13:59Z', '2025-11-10T14:00Z'],
  ['nothing before 2023', '20221231_da_expost_lmp.csv', NOW, undefined],
  ['no day that does not exist', '20251131_da_expost_lmp.csv', '2026-01-01T00:00Z', undefined],
])('publishes %s', async (_, name, missingAt, thereAt) => {
  expect((await ask(await begin({ now: missingAt }), `marketreports/${name}`)).status).toBe(404);
  if (thereAt) expect((await ask(await begin({ now: thereAt }), `marketreports/${name}`)).status).toBe(200);
});

test('takes a preliminary file away once the final one is there', async () => {
  const miso = await begin({ now: '2025-11-12T00:00Z' });
  expect((await ask(miso, 'marketreports/20251104_rt_lmp_prelim.csv')).status).toBe(404);
});

test('displays the newest interval, those of today and those of yesterday', async () => {
  const miso = await begin();
  const rows = async (form: string) => {
    const { text } = await ask(miso, `api/MarketPricing/GetRealTimeFiveMinExPost/${form}`);
    return JSON.parse(text).data.map(([interval]: [string]) => interval);
  };
  expect(await rows('Current')).toEqual(['2025-11-05T13:25:00', '2025-11-05T13:25:00']);
  const rolling = await rows('Rolling');
  expect([rolling.length, rolling[0], rolling.at(-1)]).toEqual([324, '2025-11-05T00:00:00', '2025-11-05T13:25:00']);
  const previous = await rows('Previous');
  expect([previous.length, previous[0], previous.at(-1)]).toEqual([576, '2025-11-04T00:00:00', '2025-11-04T23:55:00']);
});

test.each([
  ['a key', 'real-time/2025-10-30/lmp-expost', {}, 401],
  ['the right key', 'real-time/2025-10-30/lmp-expost', { 'ocp-apim-subscription-key': 'old' }, 401],
  ['a document that there is', 'real-time/2025-10-30/lmp-nothing', KEY, 404],
  ['an hour without a leading zero, else a false 404', 'day-ahead/2025-11-02/lmp-expost?interval=01', KEY, 404],
  ['a day that is published', 'real-time/2025-11-03/lmp-expost?preliminaryFinal=Final', KEY, 404],
])('the pricing API needs %s', async (_, path, headers, status) => {
  expect((await ask(await begin(), `pricing/v1/${path}`, headers)).status).toBe(status);
});

test('the pricing API answers an hour, a node, and pages until the last', async () => {
  const miso = await begin({ pageRows: 200 });
  const hour = JSON.parse((await ask(miso, 'pricing/v1/day-ahead/2025-11-02/lmp-expost?interval=1', KEY)).text);
  expect(hour.data.map(({ node }: { node: string }) => node)).toEqual(NODES);
  const path = 'pricing/v1/real-time/2025-10-30/lmp-expost?preliminaryFinal=Final&timeResolution=5min&node=MINN.HUB';
  const pages = [];
  for (const number of [1, 2]) pages.push(JSON.parse((await ask(miso, `${path}&pageNumber=${number}`, KEY)).text));
  expect(pages.map(({ data, page }) => [data.length, page.lastPage])).toEqual([
    [200, false],
    [88, true],
  ]);
});

test('the pricing API takes so many requests a minute, and the rest does not count', async () => {
  const miso = await begin({ limit: { requests: 2, windowMs: 60_000 } });
  const path = 'pricing/v1/day-ahead/2025-11-02/lmp-expost?interval=1';
  const statuses = [];
  for (let i = 0; i < 3; i += 1) statuses.push((await ask(miso, path, KEY)).status);
  expect(statuses).toEqual([200, 200, 429]);
  expect((await ask(miso, 'marketreports/20251102_da_expost_lmp.csv')).status).toBe(200);
});

async function begin({ now = NOW, ...options }: Partial<Omit<MisoOptions, 'now'>> & { now?: string } = {}) {
  const miso = await startMiso({ now: () => Date.parse(now), nodes: NODES, key: 'a-key', ...options });
  running.push(miso);
  return miso;
}

async function ask(miso: Miso, path: string, headers: Record<string, string> = {}) {
  const response = await fetch(`${miso.url}/${path}`, { headers });
  return { status: response.status, text: await response.text() };
}
