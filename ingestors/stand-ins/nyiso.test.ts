import { afterEach, expect, test } from 'vitest';
import { type Nyiso, startNyiso } from './nyiso.ts';

const running: Nyiso[] = [];
afterEach(async () => {
  for (const nyiso of running.splice(0)) await nyiso.close();
});

test('a day’s file is there for ten days, its month’s archive from then on as before', async () => {
  const nyiso = await begin('2024-07-15T16:00Z');
  const statuses = [
    'damlbmp/20240705damlbmp_zone.csv',
    'damlbmp/20240704damlbmp_zone.csv',
    'damlbmp/20240701damlbmp_zone_csv.zip',
  ];
  expect(await Promise.all(statuses.map(async (path) => (await get(nyiso, path)).status))).toEqual([200, 404, 200]);
});

test.each([
  ['2024-07-15T14:59Z', 404],
  ['2024-07-15T15:00Z', 200],
])('at %s tomorrow’s day-ahead prices are answered with %i', async (now, status) => {
  expect((await get(await begin(now), 'damlbmp/20240716damlbmp_zone.csv')).status).toBe(status);
});

test.each([
  ['damlbmp/20240715damlbmp_zone.csv', 'Time Stamp,Name,PTID,', '07/15/2024 23:00,WEST,'],
  ['rtlbmp/20240715rtlbmp_zone.csv', '"Time Stamp","Name","PTID",', '"07/15/2024 11:00","WEST",'],
  ['realtime/20240715realtime_zone.csv', '"Time Stamp","Name","PTID",', '"07/15/2024 13:15:00","WEST",'],
])('%s begins %s and ends %s', async (path, header, last) => {
  const lines = (await (await get(await begin('2024-07-15T16:12Z'), path)).text()).trimEnd().split('\r\n');
  expect(lines[0]?.startsWith(header)).toBe(true);
  expect(lines.at(-1)?.startsWith(last)).toBe(true);
});

test('a file that was not modified since is not sent again', async () => {
  const nyiso = await begin('2024-07-15T16:12Z');
  const path = 'realtime/20240715realtime_zone.csv';
  const modified = (await get(nyiso, path)).headers.get('last-modified') ?? '';
  expect((await get(nyiso, path, { 'if-modified-since': modified })).status).toBe(304);
  expect(nyiso.requests).toEqual([`200 ${path}`, `304 ${path}`]);
});

test.each([
  'realtime/20240715realtime_bus.csv',
  'realtime/20240715damlbmp_zone.csv',
  'rtlbmp/20240702rtlbmp_zone_csv.zip',
  '',
])('there is no %s', async (path) => {
  expect((await get(await begin('2024-07-15T16:12Z'), path)).status).toBe(404);
});

test('the next answers go wrong as they are told to, one after the other', async () => {
  const nyiso = await begin('2024-07-15T16:12Z');
  for (const fault of ['SERVER_ERROR', 'PAGE', { cutOff: 3 }] as const) nyiso.failNext(fault);
  const path = 'rtlbmp/20240715rtlbmp_zone.csv';
  const answers = [];
  for (let i = 0; i < 4; i += 1) answers.push(await get(nyiso, path));
  const [, page = '', cutOff = '', whole = ''] = await Promise.all(answers.map((answer) => answer.text()));
  expect(answers.map(({ status }) => status)).toEqual([503, 200, 200, 200]);
  expect(page).toContain('<html>');
  expect(whole.slice(0, -3)).toBe(cutOff);
});

async function begin(now: string): Promise<Nyiso> {
  const nyiso = await startNyiso({ now: () => Date.parse(now), zones: ['CAPITL', 'WEST'] });
  running.push(nyiso);
  return nyiso;
}

function get(nyiso: Nyiso, path: string, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
  return fetch(`${nyiso.url}/${path}`, { headers: { ...headers } });
}
