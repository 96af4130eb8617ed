import { afterEach, describe, expect, test } from 'vitest';
import { type Pjm, type PjmOptions, startPjm } from './pjm.ts';
import { pjmPrices, STAND_IN_REPORTS } from './pjm-report.ts';

const NODES = [
  { id: 1, name: 'PJM-RTO', type: 'ZONE' },
  { id: 51288, name: 'WESTERN HUB', type: 'HUB' },
];
const DAY = '07/01/2024 00:00to07/01/2024 23:00';
const GOOD = { startRow: '1', rowCount: '50000', datetime_beginning_ept: DAY };

const open: Pjm[] = [];
afterEach(async () => {
  for (const pjm of open.splice(0)) await pjm.close();
});

test('a page has the rows, their number and links', async () => {
  const { status, body } = await ask({ ...GOOD, pnode_id: '51288' });
  expect([status, body.items.length, body.totalRows]).toEqual([200, 24, 24]);
  expect(body.items[0]).toMatchObject({
    datetime_beginning_utc: '2024-07-01T04:00:00',
    datetime_beginning_ept: '2024-07-01T00:00:00',
    pnode_id: 51288,
    pnode_name: 'WESTERN HUB',
    row_is_current: true,
    version_nbr: 1,
  });
  expect(body.links.map(({ rel }: { rel: string }) => rel)).toEqual(['self', 'metadata']);
});

test('the next pages are found by link, and hold every row once', async () => {
  const pjm = await stand({ pageRowsMax: 20 });
  const seen: string[] = [];
  let url: string | undefined = urlOf(pjm, GOOD);
  while (url) {
    const { body } = await get(url);
    for (const item of body.items) seen.push(`${item.datetime_beginning_utc} ${item.pnode_id}`);
    url = body.links.find(({ rel }: { rel: string }) => rel === 'next')?.href;
  }
  expect([seen.length, new Set(seen).size, pjm.requests.length]).toEqual([48, 48, 3]);
});

test.each([
  ['03/10/2024', 23],
  ['11/03/2024', 25],
])('%s has %i hours', async (day, hours) => {
  const range = `${day} 00:00to${day} 23:00`;
  const { body } = await ask({ ...GOOD, datetime_beginning_ept: range, pnode_id: '1' }, { now: '2024-12-01T00:00Z' });
  expect(body.items).toHaveLength(hours);
});

describe('what PJM refuses', () => {
  test.each([
    ['without startRow', { startRow: '' }, /startRow/],
    ['more rows than a page has', { rowCount: '50001' }, /50000/],
    ['without a time', { datetime_beginning_ept: '2024-07-01' }, /datetime is missing/],
    ['two years', { datetime_beginning_ept: '12/31/2023 00:00to01/01/2024 23:00' }, /calendar year/],
    ['more than 366 days', { datetime_beginning_ept: '01/01/2023 00:00to07/01/2024 00:00' }, /366 days/],
    ['the archive and what is after it', { datetime_beginning_ept: '06/01/2022 00:00to08/01/2022 00:00' }, /spans/],
    [
      'nodes of the archive',
      { datetime_beginning_ept: '06/01/2022 00:00to06/01/2022 23:00', pnode_id: '1' },
      /Pnode_Id/,
    ],
    ['what it does not know', { node: '1' }, /Unknown/],
  ])('%s', async (_, parameters, words) => {
    const { status, body } = await ask({ ...GOOD, ...parameters });
    expect([status, body.errors[0].message]).toEqual([400, expect.stringMatching(words)]);
  });

  test('another key, and none', async () => {
    expect((await ask(GOOD, {}, 'other')).body).toMatchObject({
      statusCode: 401,
      message: expect.stringMatching(/invalid/),
    });
  });

  test('the seventh request of a minute', async () => {
    let now = Date.parse('2024-07-02T12:00Z');
    const pjm = await stand({ now: () => now });
    const statuses: number[] = [];
    for (let i = 0; i < 7; i += 1) statuses.push((await get(urlOf(pjm, GOOD))).status);
    now += 60_000;
    statuses.push((await get(urlOf(pjm, GOOD))).status);
    expect(statuses).toEqual([200, 200, 200, 200, 200, 200, 429, 200]);
  });
});

test('the prices sum to the total within half a cent, and some are negative', () => {
  const [report] = STAND_IN_REPORTS;
  if (!report) throw new TypeError('no report');
  let negative = 0;
  for (let hour = 0; hour < 1000; hour += 1) {
    const { energy, total, congestion, loss } = pjmPrices(report, 1, hour * 3_600_000);
    expect(Math.abs(total - (energy + congestion + loss))).toBeLessThan(0.005 + 1e-6);
    if (total < 0) negative += 1;
  }
  expect(negative).toBeGreaterThan(10);
});

type Options = Omit<Partial<PjmOptions>, 'now'> & { readonly now?: string | (() => number) };

async function stand({ now = '2024-07-02T12:00Z', ...options }: Options = {}): Promise<Pjm> {
  const clock = typeof now === 'string' ? () => Date.parse(now) : now;
  const pjm = await startPjm({ nodes: NODES, key: 'k', ...options, now: clock });
  open.push(pjm);
  return pjm;
}

async function ask(parameters: Readonly<Record<string, string>>, options: Options = {}, key = 'k') {
  return get(urlOf(await stand(options), parameters), key);
}

function urlOf({ url }: Pjm, parameters: Readonly<Record<string, string>>): string {
  const given = Object.entries(parameters).filter(([, value]) => value !== '');
  return `${url}/da_hrl_lmps?${new URLSearchParams(given)}`;
}

async function get(url: string, key = 'k') {
  const response = await fetch(url, { headers: { 'Ocp-Apim-Subscription-Key': key } });
  return { status: response.status, body: await response.json() };
}
