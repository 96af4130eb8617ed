import { afterEach, describe, expect, test } from 'vitest';
import { type Isone, type IsoneOptions, startIsone } from './isone.ts';
import { STAND_IN_REPORTS, simulatedPrices } from './isone-report.ts';

const NOW = Date.parse('2024-07-02T15:19Z');
const AUTHORIZATION = `Basic ${Buffer.from('trader:secret').toString('base64')}`;
const DAY_AHEAD = 'hourlylmp/da/final/day/20240702/location/4000';

const running: Isone[] = [];
afterEach(async () => {
  for (const each of running.splice(0)) await each.close();
});

test.each([
  ['hourlylmp/da/final', '20240702', 24],
  ['hourlylmp/da/final', '20240310', 23],
  ['hourlylmp/rt/prelim', '20240702', 11],
  ['hourlylmp/rt/final', '20240629', 24],
  ['fiveminutelmp/prelim', '20240702', 135],
  ['fiveminutelmp/final', '20231105', 300],
])('%s of %s has as many prices as are published: %i', async (report, day, count) => {
  const { HourlyLmps, FiveMinLmps } = await rowsOf(await begin(), `${report}/day/${day}/location/4000`);
  expect((HourlyLmps?.HourlyLmp ?? FiveMinLmps?.FiveMinLmp)?.length).toBe(count);
});

test('tells the repeated hours of autumn apart by their offsets', async () => {
  const text = await textOf(await begin(), 'hourlylmp/rt/final/day/20231105/location/4000');
  expect([...text.matchAll(/T01:00:00\.000(-0\d:00)/g)].map(([, offset]) => offset)).toEqual(['-04:00', '-05:00']);
});

test.each([
  ['a day that is not published', 'hourlylmp/da/final/day/20240703/location/4000'],
  ['an unknown location', 'hourlylmp/da/final/day/20240702/location/9999'],
  ['a day that is missing', 'hourlylmp/da/final/day/20240701/location/4000'],
])('%s is a blank list', async (_, path) => {
  const own = await begin({ missing: ['hourlylmp/da/final/day/20240701'] });
  expect(await textOf(own, path)).toBe('{"HourlyLmps":""}');
});

test('without a location answers for all, and one row stands without its list', async () => {
  const own = await begin({ now: () => Date.parse('2024-07-02T05:11Z') });
  const all = await rowsOf(own, 'hourlylmp/rt/prelim/day/20240702');
  expect(all.HourlyLmps?.HourlyLmp).toHaveLength(5);
  expect(await textOf(own, 'hourlylmp/rt/prelim/day/20240702/location/321')).toMatch(/"HourlyLmp":\{/);
});

test.each([
  [401, { authorization: 'Basic bm9ib2R5' }, DAY_AHEAD],
  [404, {}, 'hourlylmp/da/prelim/day/20240702'],
  [400, {}, 'hourlylmp/da/final/day/20240732'],
])('answers %i with a page', async (status, headers, path) => {
  const response = await ask(await begin(), path, headers);
  expect(response.status).toBe(status);
  expect(await response.text()).toMatch(/^<!DOCTYPE html>/);
});

test('answers XML to whoever does not ask for JSON', async () => {
  expect(await (await ask(await begin(), DAY_AHEAD, { accept: '*/*' })).text()).toMatch(/^<\?xml/);
});

test('answers 429 to whoever comes sooner than it was told to allow', async () => {
  let now = NOW;
  const own = await begin({ now: () => now, limit: { requests: 1, windowMs: 1000 } });
  const statuses: number[] = [];
  for (const wait of [0, 999, 1000]) {
    now += wait;
    statuses.push((await ask(own, DAY_AHEAD)).status);
  }
  expect(statuses).toEqual([200, 429, 200]);
});

describe('faults come one after the other, then the right answer', () => {
  test('and are logged', async () => {
    const own = await begin();
    for (const fault of ['SERVER_ERROR', 'PAGE', { status: 200, body: '{}' }, 'TRUNCATED', 'CUT'] as const)
      own.failNext(fault);
    const texts: string[] = [];
    for (let i = 0; i < 4; i += 1) texts.push(await textOf(own, DAY_AHEAD));
    await expect(textOf(own, DAY_AHEAD)).rejects.toThrow();
    expect(texts.map((text) => text.slice(0, 15))).toEqual([
      '<!DOCTYPE html>',
      '<!DOCTYPE html>',
      '{}',
      '{"HourlyLmps":{',
    ]);
    expect(() => JSON.parse(texts[3] ?? '')).toThrow(SyntaxError);
    expect((await rowsOf(own, DAY_AHEAD)).HourlyLmps?.HourlyLmp).toHaveLength(24);
    expect(own.requests.map(({ answer }) => answer)).toEqual(['503', '200', '200', '200', 'cut', '200']);
  });
});

test('prices sum to the cent, and review changes some of them', () => {
  const prelim = STAND_IN_REPORTS['hourlylmp/rt/prelim'] ?? { market: '', final: false };
  const hours = Array.from({ length: 1000 }, (_, i) => i * 3_600_000);
  const priced = hours.map((hour) => simulatedPrices(7, prelim, '4000', hour));
  const cents = (price: number) => Math.round(price * 100);
  for (const { LmpTotal, EnergyComponent, CongestionComponent, LossComponent } of priced) {
    expect(cents(LmpTotal)).toBe(cents(EnergyComponent) + cents(CongestionComponent) + cents(LossComponent));
  }
  const reviewed = hours.filter(
    (hour, i) => simulatedPrices(7, { ...prelim, final: true }, '4000', hour).LmpTotal !== priced[i]?.LmpTotal,
  );
  expect(reviewed.length).toBeGreaterThan(80);
  expect(reviewed.length).toBeLessThan(170);
});

interface Rows {
  readonly HourlyLmps?: { readonly HourlyLmp: readonly unknown[] };
  readonly FiveMinLmps?: { readonly FiveMinLmp: readonly unknown[] };
}

async function begin(options: Partial<IsoneOptions> = {}): Promise<Isone> {
  const begun = await startIsone({ now: () => NOW, username: 'trader', password: 'secret', ...options });
  running.push(begun);
  return begun;
}

function ask({ url }: Isone, path: string, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
  return fetch(`${url}/${path}`, {
    headers: { accept: 'application/json', authorization: AUTHORIZATION, ...headers },
  });
}

async function textOf(isone: Isone, path: string): Promise<string> {
  return (await ask(isone, path)).text();
}

async function rowsOf(isone: Isone, path: string): Promise<Rows> {
  return JSON.parse(await textOf(isone, path));
}
