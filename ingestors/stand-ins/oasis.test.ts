import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { readZip } from '../sources/zip.ts';
import { type Oasis, type OasisOptions, startOasis } from './oasis.ts';
import { simulatedPrices } from './oasis-report.ts';

const NOW = Date.parse('2024-07-02T12:30:00Z');
const NODES = Array.from({ length: 12 }, (_, i) => `NODE_${i}`);
const GOOD = {
  queryname: 'PRC_LMP',
  version: '12',
  resultformat: '6',
  market_run_id: 'DAM',
  startdatetime: '20240701T07:00-0000',
  enddatetime: '20240702T07:00-0000',
  node: 'NODE_0,NODE_1',
};

let oasis: Oasis;
beforeAll(async () => {
  oasis = await startOasis({ now: () => NOW, nodes: NODES, limits: { spacingMs: 0 } });
});
afterAll(() => oasis.close());

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

test('a good request is answered with a zip of one CSV', async () => {
  const { name, text } = await ask(GOOD);
  expect(name).toBe('20240701_20240702_PRC_LMP_DAM_20240702_05_30_00_v12.csv');
  expect(text.trimEnd().split('\n')).toHaveLength(1 + 24 * 5 * 2);
});

test('the repeated hour of autumn is OPR_HR 25 and filed between 2 and 3; spring has no 3', async () => {
  const later = await startOasis({
    now: () => Date.parse('2024-12-01T00:00Z'),
    nodes: NODES,
    limits: { spacingMs: 0 },
  });
  const hours = async (startdatetime: string, enddatetime: string) => {
    const { text } = await ask({ ...GOOD, node: 'NODE_0', startdatetime, enddatetime }, later);
    return text
      .split('\n')
      .filter((line) => line.includes(',LMP_PRC,'))
      .slice(0, 4)
      .map((line) => line.split(',')[3]);
  };
  expect(await hours('20241103T07:00-0000', '20241104T08:00-0000')).toEqual(['1', '2', '25', '3']);
  expect(await hours('20240310T08:00-0000', '20240311T07:00-0000')).toEqual(['1', '2', '4', '5']);
  await later.close();
});

test('the components sum to the LMP', () => {
  for (let hour = 0; hour < 1000; hour += 1) {
    const { LMP, MCE, MCC, MCL, MGHG } = simulatedPrices(7, 'DAM', 'N', hour * 3_600_000);
    expect(Math.abs(LMP - (MCE + MCC + MCL + MGHG))).toBeLessThan(1e-5);
  }
});

test('PRC_HASP_LMP version 1 has no greenhouse gas, version 3 has', async () => {
  const hasp = { ...GOOD, queryname: 'PRC_HASP_LMP', market_run_id: '' };
  expect((await ask({ ...hasp, version: '1' })).text).not.toContain('MGHG');
  expect((await ask({ ...hasp, version: '3' })).text).toContain('MGHG');
});

describe('what OASIS refuses, with HTTP 200', () => {
  test.each([
    [1000, { node: 'UNKNOWN' }],
    [1000, { startdatetime: '20240710T07:00-0000', enddatetime: '20240711T07:00-0000' }],
    [1001, { market_run_id: 'RTM' }],
    [1002, { startdatetime: '2024-07-01' }],
    [1002, { enddatetime: '20240601T07:00-0000' }],
    [1004, { startdatetime: '20240501T07:00-0000' }],
    [1005, { queryname: 'PRC_NOTHING' }],
    [1014, { startdatetime: '20190101T07:00-0000', enddatetime: '20190102T07:00-0000' }],
    [1016, { node: '', grp_type: 'SOME' }],
    [1017, { node: NODES.slice(0, 11).join(',') }],
    [1018, { node: '', grp_type: 'ALL', enddatetime: '20240703T07:00-0000' }],
    [1020, { version: '2' }],
  ])('%i: %o', async (code, change) => {
    const { name, text } = await ask({ ...GOOD, ...change });
    expect(name).toMatch(/\.xml$/);
    expect(text).toContain(`<m:ERR_CODE>${code}</m:ERR_CODE>`);
  });
});

test('who asks again within 5 seconds is throttled', async () => {
  let now = NOW;
  const strict = await startOasis({ now: () => now, nodes: NODES });
  const url = `${strict.url}/SingleZip?${new URLSearchParams(GOOD)}`;
  const statuses: number[] = [];
  for (const wait of [0, 4999, 4999, 5000]) {
    now += wait;
    statuses.push((await fetch(url)).status);
  }
  await strict.close();
  expect(statuses).toEqual([200, 429, 429, 200]);
});

describe('corrections', () => {
  const GROUP = {
    groupid: 'PRC_CORR_GRP',
    version: '1',
    resultformat: '6',
    startdatetime: '20240701T07:00-0000',
    enddatetime: '20240702T07:00-0000',
  };
  const prices = (text: string) =>
    new Map(
      text
        .trimEnd()
        .split('\n')
        .slice(1)
        .map((line): [string, number] => [line.split(',').toSpliced(14).join(','), Number(line.split(',')[14])]),
    );

  test('change the report of that day and node from then on, and nothing else', async () => {
    const own = await begin();
    const before = prices((await ask(GOOD, own)).text);
    own.correct({ day: '2024-07-01', report: 'PRC_LMP', node: 'NODE_1', delta: 7.5 });
    const after = prices((await ask(GOOD, own)).text);
    for (const [row, price] of before) {
      const added = row.includes('NODE_1') && /,(LMP|MCC),/.test(row) ? 7.5 : 0;
      expect(after.get(row)).toBeCloseTo(price + added, 5);
    }
    const nextDay = { ...GOOD, startdatetime: '20240702T07:00-0000', enddatetime: '20240703T07:00-0000' };
    expect((await ask(nextDay, own)).text).toBe((await ask(nextDay)).text);
  });

  test('are told of by trade date in a notice, and of a day without any there is no data', async () => {
    const own = await begin();
    own.correct({ day: '2024-07-01', report: 'PRC_INTVL_LMP', node: 'NODE_1', delta: 7.5 });
    const { name, text } = await ask(GROUP, own, 'GroupZip');
    const rows = text.trimEnd().split('\n').slice(1);
    expect(name).toBe('20240701_PRC_CORR_GRP_20240702_05_30_00_v1.csv');
    expect(rows.filter((row) => row.includes(',RTD,'))).toHaveLength(24);
    expect(rows.filter((row) => row.includes('No records found for report.'))).toHaveLength(3);
    const dayBefore = { ...GROUP, startdatetime: '20240630T07:00-0000', enddatetime: '20240701T07:00-0000' };
    expect((await ask(dayBefore, own, 'GroupZip')).text).toContain('<m:ERR_CODE>1000</m:ERR_CODE>');
  });

  test('are in the group as prices where that is asked for, a member for each report', async () => {
    const own = await begin({ corrections: 'prices' });
    own.correct({ day: '2024-07-01', report: 'PRC_LMP', node: 'NODE_1', delta: 7.5 });
    const inReport = (await ask({ ...GOOD, node: 'NODE_1' }, own)).text;
    expect(await ask(GROUP, own, 'GroupZip')).toMatchObject({ name: /PRC_LMP_DAM/, text: inReport });
  });

  test.each([
    [1016, { groupid: 'DAM_LMP_GRP' }],
    [1020, { version: '2' }],
    [1002, { startdatetime: '20240701' }],
    [1002, { enddatetime: '20240701T06:00-0000' }],
    [1014, { startdatetime: '20190101T08:00-0000', enddatetime: '20190102T08:00-0000' }],
    [1018, { enddatetime: '20240703T07:00-0000' }],
  ])('%i: %o', async (code, change) => {
    const { text } = await ask({ ...GROUP, ...change }, oasis, 'GroupZip');
    expect(text).toContain(`<m:ERR_CODE>${code}</m:ERR_CODE>`);
  });

  test('of a report or a day that there is not are refused', async () => {
    const wrong = { day: '2024-07-01', report: 'PRC_NOTHING', node: 'NODE_1', delta: 1 };
    expect(() => oasis.correct(wrong)).toThrow(TypeError);
    expect(() => oasis.correct({ ...wrong, report: 'PRC_LMP', day: '2024-07-32' })).toThrow(RangeError);
  });
});

test('a share of requests goes wrong, and never hides that somebody asked too often', async () => {
  const own = await begin({ limits: { spacingMs: 5000 } });
  own.failing({ share: 1, troubles: ['SERVER_ERROR'] });
  for (let i = 0; i < 2; i += 1) await (await fetch(urlOf(GOOD, own))).arrayBuffer();
  expect(own.requests.map(({ answer, injected }) => [answer.slice(0, 3), injected])).toEqual([
    ['503', true],
    ['429', false],
  ]);
});

test('the log says of each request when it came, what it asked for and what it was answered', async () => {
  const own = await begin();
  await ask(GOOD, own);
  expect(own.requests).toEqual([
    {
      at: NOW,
      form: 'SingleZip',
      parameters: GOOD,
      answer: '200 20240701_20240702_PRC_LMP_DAM_20240702_05_30_00_v12.csv',
      injected: false,
    },
  ]);
});

async function begin(options: Partial<OasisOptions> = {}): Promise<Oasis> {
  const begun = await startOasis({ now: () => NOW, nodes: NODES, limits: { spacingMs: 0 }, ...options });
  cleanups.push(() => begun.close());
  return begun;
}

function urlOf(parameters: Readonly<Record<string, string>>, server: Oasis, form = 'SingleZip'): string {
  return `${server.url}/${form}?${new URLSearchParams(parameters)}`;
}

async function ask(parameters: Readonly<Record<string, string>>, server = oasis, form = 'SingleZip') {
  const response = await fetch(urlOf(parameters, server, form));
  expect(response.status).toBe(200);
  const members = await readZip(Buffer.from(await response.arrayBuffer()), { membersMax: 1, bytesMax: 10_000_000 });
  return { name: members[0]?.name, text: members[0]?.bytes.toString() ?? '' };
}
