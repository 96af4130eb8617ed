import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Spp, startSpp } from './spp.ts';
import { csvOf, fileCalled, simulatedSppPrices } from './spp-files.ts';

const LOCATIONS = [
  { name: 'NORTH', area: 'SPP' },
  { name: 'WEST', area: 'SWPW' },
] as const;
const DA = 'da-lmp-by-settlement-location?path=/2026/06/By_Day/DA-LMP-SL-202606020100.csv';
const RT = 'rtbm-lmp-by-location?path=/2026/06/By_Interval/01/RTBM-LMP-SL-202606011205.csv';

let now = Date.parse('2026-06-01T18:00Z');
let spp: Spp;
beforeAll(async () => {
  spp = await startSpp({ now: () => now, locations: LOCATIONS });
});
afterAll(() => spp.close());

test('a file is a CSV with the columns of the real ones, a row a location and interval', async () => {
  const { status, text } = await ask(DA);
  const lines = text.trimEnd().split('\n');
  expect(status).toBe(200);
  expect(lines[0]).toBe('Interval,GMTIntervalEnd,BAA,Settlement Location,Pnode,LMP,MLC,MCC,MEC');
  expect(lines[1]).toMatch(/^06\/02\/2026 01:00:00,06\/02\/2026 06:00:00,SPP,NORTH,NORTH_P,-?\d+\.\d{4},/);
  expect(lines).toHaveLength(1 + 48);
  expect((await ask(RT)).text.split('\n')[2]).toMatch(/^06\/01\/2026 12:05:00,06\/01\/2026 17:05:00,SWPW,WEST,/);
});

test.each([
  ['of a day to come', DA.replaceAll('0602', '0603')],
  ['of an interval that is not over', RT.replace('1205', '1305')],
  ['in another folder than that of its start', RT.replace('/01/', '/02/')],
  ['of another report', RT.replace('rtbm-lmp-by-location', 'da-lmp-by-settlement-location')],
  ['of a repeated hour that there is not', RT.replace('1205', '1205d')],
  ['by another name', 'rtbm-lmp-by-location?path=/x.csv'],
])('a file %s is missing: 404 and no body', async (_, request) => {
  expect(await ask(request)).toEqual({ status: 404, text: '' });
});

test('tomorrow’s prices come at 13:00 Central', async () => {
  now -= 1;
  expect((await ask(DA)).status).toBe(404);
  now += 1;
  expect((await ask(DA)).status).toBe(200);
});

test('a file that was lost stays missing', async () => {
  spp.lose('RTBM-LMP-SL-202606011210.csv');
  expect(await ask(RT.replace('1205', '1210'))).toEqual({ status: 404, text: '' });
  expect((await ask(RT)).status).toBe(200);
});

test('the next answers go wrong as they are told to, and are logged', async () => {
  for (const fault of ['SERVER_ERROR', 'PAGE', { status: 200, body: '' }, 'TRUNCATED', 'CUT'] as const)
    spp.failNext(fault);
  expect(await ask(RT)).toEqual({ status: 503, text: 'try again later' });
  expect(await ask(RT)).toEqual({ status: 200, text: expect.stringMatching(/^<!DOCTYPE html>/) });
  expect(await ask(RT)).toEqual({ status: 200, text: '' });
  expect((await ask(RT)).text).not.toMatch(/\n$/);
  await expect(ask(RT)).rejects.toThrow();
  expect(spp.requests.slice(-5).map(({ answer }) => answer)).toEqual(['503', '200', '200', '200', 'cut']);
  expect((await ask(RT)).text).toMatch(/\n$/);
});

describe('on the days on which clocks are set', () => {
  const day = (date: string) => `/${date.slice(0, 4)}/${date.slice(4, 6)}/By_Day/DA-LMP-SL-${date}0100.csv`;
  const interval = (stamp: string, naming: 'start' | 'end') =>
    fileCalled('rtbm-lmp-by-location', `/2026/11/By_Interval/01/RTBM-LMP-SL-${stamp}.csv`, naming)?.ends[0];

  test('a day-ahead file has 23 or 25 hours, labelled by their end in either way', () => {
    const labels = (date: string, naming: 'start' | 'end') => {
      const file = fileCalled('da-lmp-by-settlement-location', day(date), naming);
      const text = file && csvOf(file, LOCATIONS.slice(0, 1), 1, { areas: true, drifted: false, naming });
      return text
        ?.split('\n')
        .slice(1, -1)
        .map((line) => line.slice(11, 13));
    };
    expect(labels('20261101', 'start')).toHaveLength(25);
    expect(labels('20261101', 'start')?.slice(0, 4)).toEqual(['01', '02', '02', '03']);
    expect(labels('20261101', 'end')?.slice(0, 4)).toEqual(['01', '01', '02', '03']);
    expect(labels('20260308', 'start')?.slice(0, 3)).toEqual(['01', '02', '04']);
    expect(labels('20260308', 'end')?.slice(0, 3)).toEqual(['01', '03', '04']);
    expect(labels('20260308', 'end')).toHaveLength(23);
  });

  test('files of the repeated hour end in d, the last of it in either way', () => {
    const iso = (ms: number | undefined) => (ms === undefined ? undefined : new Date(ms).toISOString().slice(11, 16));
    expect(iso(interval('202611010155', 'start'))).toBe('06:55');
    expect(iso(interval('202611010155d', 'start'))).toBe('07:55');
    expect([iso(interval('202611010200', 'start')), iso(interval('202611010200d', 'start'))]).toEqual([
      '07:00',
      '08:00',
    ]);
    expect([iso(interval('202611010100d', 'end')), iso(interval('202611010200', 'end'))]).toEqual(['07:00', '08:00']);
    expect([interval('202611010200d', 'end'), interval('202611010100d', 'start')]).toEqual([undefined, undefined]);
  });
});

test('the components sum to the LMP, which is below zero at times, and the markets differ', () => {
  const prices = Array.from({ length: 500 }, (_, i) => simulatedSppPrices(7, 3_600_000, LOCATIONS[0], i * 3_600_000));
  for (const { LMP, MEC, MCC, MLC } of prices) expect(Math.abs(LMP - (MEC + MCC + MLC))).toBeLessThan(1e-6);
  expect(prices.some(({ LMP }) => LMP < 0)).toBe(true);
  expect(new Set(prices.map(({ LMP }) => LMP)).size).toBeGreaterThan(450);
  const [east, west] = LOCATIONS.map((location) => simulatedSppPrices(7, 3_600_000, location, 0).MEC);
  expect(east).not.toBe(west);
});

async function ask(request: string) {
  const response = await fetch(`${spp.url}/${request}`);
  return { status: response.status, text: await response.text() };
}
