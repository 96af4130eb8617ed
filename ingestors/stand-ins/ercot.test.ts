import { afterEach, describe, expect, test } from 'vitest';
import { type Ercot, type ErcotOptions, startErcot } from './ercot.ts';

const KEY = 'stand-in-key';
const CLIENT = 'fec253ea-0d06-4272-a5e6-b478baeecd70';
const LOGIN = {
  grant_type: 'password',
  client_id: CLIENT,
  username: 'trader@example.com',
  password: 'correct horse',
  scope: `openid ${CLIENT} offline_access`,
  response_type: 'id_token',
};
const DAM = 'np4-190-cd/dam_stlmnt_pnt_prices';
const DAY = { deliveryDateFrom: '2025-11-02', deliveryDateTo: '2025-11-02', settlementPoint: 'HB_HUBAVG' };

let now = Date.parse('2025-11-10T12:00Z');
const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  now = Date.parse('2025-11-10T12:00Z');
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

test('a day of autumn has 25 hours, of the repeated one the flagged row first', async () => {
  const ercot = await begin();
  const { status, body } = await ask(ercot, DAM, DAY);
  expect(status).toBe(200);
  expect(body.fields.map(({ name }) => name)).toEqual([
    'deliveryDate',
    'hourEnding',
    'settlementPoint',
    'settlementPointPrice',
    'DSTFlag',
  ]);
  expect(body.data.slice(0, 4).map((row) => [row[1], row[4]])).toEqual([
    ['01:00', false],
    ['02:00', true],
    ['02:00', false],
    ['03:00', false],
  ]);
  expect([body.data.length, body._meta.totalRecords, body._meta.totalPages]).toEqual([25, 25, 1]);
});

test('a page has the rows that it is asked for', async () => {
  const ercot = await begin();
  const all = await ask(ercot, DAM, DAY);
  const last = await ask(ercot, DAM, { ...DAY, page: '3', size: '10' });
  expect(last.body.data).toEqual(all.body.data.slice(20));
  expect(last.body._meta).toMatchObject({ totalRecords: 25, pageSize: 10, totalPages: 3, currentPage: 3 });
});

test('a settlement point that there is not has no rows', async () => {
  const { status, body } = await ask(await begin(), DAM, { ...DAY, settlementPoint: 'NOWHERE' });
  expect([status, body.data, body._meta.totalPages]).toEqual([200, [], 0]);
});

test.each([
  ['another filter', { ...DAY, hourEnding: '01:00' }],
  ['a date of another form', { ...DAY, deliveryDateFrom: '11/02/2025' }],
  ['no range', { settlementPoint: 'HB_HUBAVG' }],
  ['page 0', { ...DAY, page: '0' }],
])('%s is refused', async (_, parameters) => {
  expect((await ask(await begin(), DAM, parameters)).status).toBe(400);
});

describe('a login', () => {
  test.each([
    ['password', 'wrong'],
    ['username', 'nobody'],
    ['client_id', 'other'],
    ['grant_type', 'client_credentials'],
    ['response_type', 'token'],
  ])('with another %s is refused', async (field, value) => {
    const response = await login(await begin(), { ...LOGIN, [field]: value });
    expect(response.status).toBe(400);
  });

  test('gives a token for an hour, which the API wants beside the key', async () => {
    const ercot = await begin();
    const authorization = `Bearer ${await tokenOf(ercot)}`;
    const status = async (headers: Record<string, string>) => (await ask(ercot, DAM, DAY, headers)).status;
    expect(await status({ authorization, 'ocp-apim-subscription-key': KEY })).toBe(200);
    expect(await status({ authorization })).toBe(401);
    expect(await status({ authorization: 'Bearer x', 'ocp-apim-subscription-key': KEY })).toBe(401);
    now += 3_600_000;
    expect(await status({ authorization, 'ocp-apim-subscription-key': KEY })).toBe(401);
  });
});

test('the thirty-first request of a minute is throttled', async () => {
  const ercot = await begin();
  const headers = { authorization: `Bearer ${await tokenOf(ercot)}`, 'ocp-apim-subscription-key': KEY };
  for (let i = 0; i < 31; i += 1) await ask(ercot, DAM, DAY, headers);
  expect(ercot.requests.slice(1).map(({ status }) => status)).toEqual([...Array<number>(30).fill(200), 429]);
  now += 60_000;
  expect((await ask(ercot, DAM, DAY, headers)).status).toBe(200);
});

async function begin(options: Partial<ErcotOptions> = {}): Promise<Ercot> {
  const ercot = await startErcot({ now: () => now, points: ['HB_HUBAVG'], ...options });
  cleanups.push(() => ercot.close());
  return ercot;
}

function login(ercot: Ercot, form: Readonly<Record<string, string>>): Promise<Response> {
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  return fetch(ercot.tokenUrl, { method: 'POST', headers, body: new URLSearchParams(form).toString() });
}

async function tokenOf(ercot: Ercot): Promise<string> {
  const answer = await (await login(ercot, LOGIN)).json();
  return answer.id_token;
}

interface Page {
  readonly _meta: { readonly totalRecords: number; readonly totalPages: number };
  readonly fields: readonly { readonly name: string }[];
  readonly data: readonly (readonly unknown[])[];
}

async function ask(
  ercot: Ercot,
  path: string,
  parameters: Readonly<Record<string, string>>,
  headers?: Readonly<Record<string, string>>,
): Promise<{ readonly status: number; readonly body: Page }> {
  const own = headers ?? { authorization: `Bearer ${await tokenOf(ercot)}`, 'ocp-apim-subscription-key': KEY };
  const response = await fetch(`${ercot.url}/${path}?${new URLSearchParams(parameters)}`, { headers: { ...own } });
  return { status: response.status, body: await response.json() };
}
