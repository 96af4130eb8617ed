import { expect, test } from 'vitest';
import { DAY_MS, HOUR_MS, isoFromInstant, MINUTE_MS } from '../../../domain/instant.ts';
import { REPORT_NAMES, type ReportName } from './reports.ts';
import { ercotRequests, isRequestOf, pathsOf } from './requests.ts';

const at = (iso: string) => Date.parse(iso);
const asked = (report: ReportName, from: string, to: string, nodes: readonly string[] = ['X']) =>
  ercotRequests(report, nodes, at(from), at(to)).map(({ request, ...range }) => ({
    request: request.replace(/^.*?\?/, ''),
    from: isoFromInstant(range.from),
    to: isoFromInstant(range.to),
  }));

test('days are asked for whole, by their Central dates', () => {
  expect(asked('np4-190-cd', '2025-11-02T06:30Z', '2025-11-02T07:00Z', ['HB_NORTH', 'LZ_WEST'])).toEqual([
    {
      request: 'deliveryDateFrom=2025-11-02&deliveryDateTo=2025-11-02&settlementPoint=HB_NORTH,LZ_WEST',
      from: '2025-11-02T05:00:00.000Z',
      to: '2025-11-03T06:00:00.000Z',
    },
  ]);
});

test('the last day is asked for by itself, the days before it together, as many as fit in a request', () => {
  const days = asked('np4-190-cd', '2025-10-31T05:00Z', '2025-12-04T06:00Z').map(({ request }) => request.slice(0, 57));
  expect(days).toEqual(
    [
      'deliveryDateFrom=2025-10-31&deliveryDateTo=2025-11-30&sett',
      'deliveryDateFrom=2025-12-01&deliveryDateTo=2025-12-02&sett',
      'deliveryDateFrom=2025-12-03&deliveryDateTo=2025-12-03&sett',
    ].map((text) => text.slice(0, 57)),
  );
});

test('runs of SCED are asked for by whole hours of the clock', () => {
  expect(asked('np6-788-cd', '2026-06-25T05:40Z', '2026-06-25T07:10Z')).toEqual([
    {
      request: 'SCEDTimestampFrom=2026-06-25T00:00:00&SCEDTimestampTo=2026-06-25T02:59:59&settlementPoint=X',
      from: '2026-06-25T05:00:00.000Z',
      to: '2026-06-25T08:00:00.000Z',
    },
  ]);
});

test.each([
  ['from the first pass into the second', '2025-11-02T06:50Z', '2025-11-02T07:10Z'],
  ['within the first pass', '2025-11-02T06:10Z', '2025-11-02T06:20Z'],
  ['within the second pass', '2025-11-02T07:10Z', '2025-11-02T07:20Z'],
])('the repeated hour is asked for whole: %s', (_, from, to) => {
  const requests = asked('np6-788-cd', from, to).map(({ request }) => request);
  expect(requests).toEqual([
    'SCEDTimestampFrom=2025-11-02T01:00:00&SCEDTimestampTo=2025-11-02T01:59:59&settlementPoint=X',
  ]);
});

test.each(REPORT_NAMES)(
  'what is asked of %s covers the range without a hole, in spring and in autumn too',
  (report) => {
    for (const start of ['2025-10-31T17:20Z', '2026-03-06T17:20Z', '2026-07-01T05:00Z'].map(at)) {
      for (const length of [MINUTE_MS, HOUR_MS, 30 * HOUR_MS, 3 * DAY_MS, 70 * DAY_MS]) {
        const requests = ercotRequests(report, ['X'], start, start + length);
        expect(requests[0]?.from).toBeLessThanOrEqual(start);
        expect(requests.at(-1)?.to).toBeGreaterThanOrEqual(start + length);
        expect(requests.slice(1).map(({ from }) => from)).toEqual(requests.slice(0, -1).map(({ to }) => to));
        expect(requests.every(({ request }) => isRequestOf(report, request))).toBe(true);
      }
    }
  },
);

test('of an empty range nothing is asked', () => {
  expect(ercotRequests('np6-788-cd', ['X'], 5, 5)).toEqual([]);
  expect(ercotRequests('np4-190-cd', ['X'], 5, 4)).toEqual([]);
});

test('ERCOT takes one settlement point a request', () => {
  const [request] = ercotRequests(
    'np6-905-cd',
    ['HB_NORTH', 'LZ_WEST'],
    at('2026-06-25T05:00Z'),
    at('2026-06-25T06:00Z'),
  );
  const range = 'deliveryDateFrom=2026-06-25&deliveryDateTo=2026-06-25';
  expect(pathsOf(request?.request ?? '')).toEqual([
    `np6-905-cd/spp_node_zone_hub?${range}&settlementPoint=HB_NORTH`,
    `np6-905-cd/spp_node_zone_hub?${range}&settlementPoint=LZ_WEST`,
  ]);
});

const DAM = 'np4-190-cd/dam_stlmnt_pnt_prices?deliveryDateFrom=2025-11-02&deliveryDateTo=2025-11-02&settlementPoint=X';

test.each([
  ['of another report', DAM.replace('np4-190-cd', 'np6-905-cd')],
  ['of another host', `https://elsewhere.example/${DAM}`],
  ['with a parameter more', `${DAM}&size=1`],
  ['with a name that is none', `${DAM}/../x`],
  ['with the end before the start', DAM.replace('To=2025-11-02', 'To=2025-11-01')],
  ['with moments for days', DAM.replaceAll('2025-11-02', '2025-11-02T00:00:00')],
  ['without nodes', DAM.replace('=X', '=')],
])('a text %s is no request', (_, text) => {
  expect(isRequestOf('np4-190-cd', DAM)).toBe(true);
  expect(isRequestOf('np4-190-cd', text)).toBe(false);
});
