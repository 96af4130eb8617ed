import { describe, expect, test } from 'vitest';
import { isoFromInstant } from '../../../domain/instant.ts';
import { parseNodeName } from '../../../domain/market.ts';
import { REPORT_NAMES, type ReportName } from './reports.ts';
import { filesOf, isSppRequest, sppRequests } from './requests.ts';

describe('the day-ahead report', () => {
  test('is a file a Central day, of every day in which an hour of the range begins', () => {
    expect(asked('da-lmp-by-settlement-location', '2026-03-08T06:00Z', '2026-03-10T06:00Z')).toEqual([
      ['2026-03-08T06:00', '2026-03-09T05:00', '/2026/03/By_Day/DA-LMP-SL-202603080100.csv'],
      ['2026-03-09T05:00', '2026-03-10T05:00', '/2026/03/By_Day/DA-LMP-SL-202603090100.csv'],
      ['2026-03-10T05:00', '2026-03-11T05:00', '/2026/03/By_Day/DA-LMP-SL-202603100100.csv'],
    ]);
    expect(asked('da-lmp-by-settlement-location', '2026-04-12T04:00:01Z', '2026-04-12T06:00Z')).toHaveLength(1);
  });
});

describe('the real-time report', () => {
  test('is asked for by the hour: a file an interval that begins in the range', () => {
    const requests = sppRequests('rtbm-lmp-by-location', range('2026-06-01T16:50:00Z', '2026-06-01T17:06:00Z'));
    expect(requests).toEqual([
      {
        from: Date.parse('2026-06-01T16:50Z'),
        to: Date.parse('2026-06-01T17:00Z'),
        request: 'rtbm-lmp-by-location?path=/2026/06/By_Interval/01/RTBM-LMP-SL-{202606011155,202606011200}.csv',
      },
      {
        from: Date.parse('2026-06-01T17:00Z'),
        to: Date.parse('2026-06-01T17:10Z'),
        request: 'rtbm-lmp-by-location?path=/2026/06/By_Interval/01/RTBM-LMP-SL-{202606011205,202606011210}.csv',
      },
    ]);
    expect(sppRequests('rtbm-lmp-by-location', range('2026-06-01T16:00Z', '2026-06-01T16:00Z'))).toEqual([]);
  });

  test('takes 720 requests and 8,640 files for 30 days', () => {
    const requests = sppRequests('rtbm-lmp-by-location', range('2026-06-01T05:00Z', '2026-07-01T05:00Z'));
    expect(requests).toHaveLength(720);
    expect(requests.flatMap(({ request }) => filesOf(request))).toHaveLength(8640);
    expect(new Set(requests.flatMap(({ request }) => filesOf(request))).size).toBe(8640);
  });

  test('has the interval before midnight in the folder of its start, named after its end', () => {
    expect(asked('rtbm-lmp-by-location', '2026-07-01T04:55Z', '2026-07-01T05:00Z')).toEqual([
      ['2026-07-01T04:55', '2026-07-01T05:00', '/2026/06/By_Interval/30/RTBM-LMP-SL-202607010000.csv'],
    ]);
  });

  test('has a d in the repeated hour of autumn, and both names where it is unknown which it has', () => {
    expect(stamps('2026-11-01T06:00Z')).toEqual([...labels('2026110101', '05'), '202611010200', '202611010100d']);
    expect(stamps('2026-11-01T07:00Z')).toEqual([
      ...labels('2026110101', '05').map((label) => `${label}d`),
      '202611010200d',
      '202611010200',
    ]);
    expect(stamps('2026-11-01T08:00Z')).toEqual([...labels('2026110102', '05'), '202611010300']);
  });

  test('has both names also for the interval that ends as spring leaves an hour out', () => {
    expect(stamps('2026-03-08T07:00Z')).toEqual([...labels('2026030801', '05'), '202603080200', '202603080300']);
    expect(stamps('2026-03-08T08:00Z')).toEqual([...labels('2026030803', '05'), '202603080400']);
  });
});

test.each(REPORT_NAMES)('every request of %s is known again, and is none of the other', (report) => {
  const other = REPORT_NAMES.find((each) => each !== report) ?? report;
  for (const [from, to] of [
    ['2026-11-01T04:00Z', '2026-11-01T09:07Z'],
    ['2026-03-08T06:58Z', '2026-03-08T09:00Z'],
  ] as const) {
    for (const { request } of sppRequests(report, range(from, to))) {
      expect(isSppRequest(report, request)).toBe(true);
      expect(isSppRequest(other, request)).toBe(false);
      for (const file of filesOf(request)) expect(isSppRequest(report, file)).toBe(true);
    }
  }
});

test.each([
  'da-lmp-by-settlement-location?path=/2026/04/By_Day/DA-LMP-SL-202605120100.csv',
  'da-lmp-by-settlement-location?path=/../secrets.csv',
  'rtbm-lmp-by-location?path=/2026/06/By_Interval/01/RTBM-LMP-SL-{}.csv',
  'rtbm-lmp-by-location?path=/2026/06/By_Interval/01/RTBM-LMP-SL-{202606011205,../../x}.csv',
  'rtbm-lmp-by-location?path=/2026/06/By_Interval/01/RTBM-LMP-SL-202606011205.csv&x=1',
  '',
])('what no request of ours is, is not asked: %s', (text) => {
  expect(REPORT_NAMES.some((report) => isSppRequest(report, text))).toBe(false);
});

test('nodes of another market are refused; those of SPP make no difference', () => {
  const [hub, other] = ['SPP:SPPNORTH_HUB', 'PJM:PJM-WEST'].map((name) => parseNodeName(name));
  if (!hub || !other) throw new Error('no names');
  const june = { from: Date.parse('2026-06-01T05:00Z'), to: Date.parse('2026-06-02T05:00Z') };
  for (const report of REPORT_NAMES) {
    expect(sppRequests(report, { ...june, nodes: [hub] })).toEqual(sppRequests(report, { ...june, nodes: undefined }));
    expect(() => sppRequests(report, { ...june, nodes: [hub, other] })).toThrow(/PJM:PJM-WEST is no node of SPP/);
  }
});

function range(from: string, to: string) {
  return { from: Date.parse(from), to: Date.parse(to), nodes: undefined };
}

function asked(report: ReportName, from: string, to: string) {
  return sppRequests(report, range(from, to)).map((each) => [
    isoFromInstant(each.from).slice(0, 16),
    isoFromInstant(each.to).slice(0, 16),
    each.request.slice(each.request.indexOf('=') + 1),
  ]);
}

/** The stamps of the hour that begins then. */
function stamps(hour: string): string[] {
  const from = Date.parse(hour);
  const requests = sppRequests('rtbm-lmp-by-location', { from, to: from + 3_600_000, nodes: undefined });
  expect(requests).toHaveLength(1);
  return requests.flatMap(({ request }) => filesOf(request)).map((file) => /(\d{12}d?)\.csv$/.exec(file)?.[1] ?? file);
}

/** The eleven stamps of an hour from the minute on. */
function labels(hour: string, minute: string): string[] {
  return Array.from({ length: 11 }, (_, i) => `${hour}${String(Number(minute) + 5 * i).padStart(2, '0')}`);
}
