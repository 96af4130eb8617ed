import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { wallTimeAt } from '../../../domain/calendar.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../../domain/instant.ts';
import { EASTERN, REPORT_NAMES, type ReportName } from './reports.ts';
import { backfillRequests, isRequest, pollRequests, questionOf } from './requests.ts';

const at = (iso: string) => Date.parse(iso);
const NOW = at('2024-07-02T12:30Z');
const DA = '&row_is_current=true&pnode_id=1;51288';

describe('the requests of a backfill', () => {
  test('name the first and the last interval by the Eastern clock', () => {
    expect(texts('da_hrl_lmps', '2024-07-01T04:00Z', '2024-07-02T04:00Z')).toEqual([
      `da_hrl_lmps?startRow=1&rowCount=50000&datetime_beginning_ept=07/01/2024%2000:00to07/01/2024%2023:00${DA}`,
    ]);
  });

  test('of the unverified report say nothing of versions, which it has not', () => {
    expect(texts('rt_unverified_fivemin_lmps', '2024-07-02T04:01Z', '2024-07-02T05:00Z')).toEqual([
      'rt_unverified_fivemin_lmps?startRow=1&rowCount=50000&datetime_beginning_ept=07/02/2024%2000:05to07/02/2024%2000:55&pnode_id=1;51288',
    ]);
  });

  test('end with the calendar year', () => {
    expect(ranges('da_hrl_lmps', '2023-06-01T04:00Z', '2024-02-01T05:00Z')).toEqual([
      '06/01/2023 00:00to12/31/2023 23:00',
      '01/01/2024 00:00to01/31/2024 23:00',
    ]);
  });

  test.each([
    ['da_hrl_lmps', '2022-06-30T10:00Z', '2022-07-05T04:00Z', 2, '07/02/2022 00:00to07/04/2022 23:00'],
    ['rt_fivemin_hrl_lmps', '2023-12-29T02:00Z', '2023-12-30T05:00Z', 3, '12/29/2023 00:00to12/29/2023 23:55'],
  ] as const)(
    'of %s name no node where it is archived, and cross its end never',
    (report, from, to, archived, rest) => {
      const all = texts(report, from, to);
      const questions = all.map(questionOf);
      expect(questions.map(({ kept }) => kept && [...kept])).toEqual([
        ...Array(archived).fill(['1', '51288']),
        undefined,
      ]);
      expect(questions.slice(0, archived).some(({ path }) => path.includes('pnode_id'))).toBe(false);
      expect(rangeOf(all.at(-1) ?? '')).toBe(rest);
    },
  );

  test('name at most a hundred nodes each', () => {
    const pnodeIds = Array.from({ length: 250 }, (_, i) => String(i + 1));
    const range = { from: at('2024-07-01T04:00Z'), to: at('2024-07-02T04:00Z') };
    const requests = backfillRequests({ report: 'da_hrl_lmps', pnodeIds, now: NOW }, range);
    expect(requests.map(({ request }) => request.split('pnode_id=')[1]?.split(';').length)).toEqual([100, 100, 50]);
    expect(Math.max(...requests.map(({ request }) => request.length))).toBeLessThan(1_500);
  });

  test('hold a page of rows or so each', () => {
    const pnodeIds = Array.from({ length: 20 }, (_, i) => String(i + 1));
    const range = { from: at('2024-03-01T05:00Z'), to: at('2024-04-01T04:00Z') };
    const requests = backfillRequests({ report: 'rt_fivemin_hrl_lmps', pnodeIds, now: NOW }, range);
    expect(requests.map(({ from, to }) => Math.round((to - from) / DAY_MS))).toEqual([8, 8, 8, 7]);
  });

  test('cover what was asked for and nothing twice, each with the clock times of all its intervals', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...REPORT_NAMES),
        rangeAround('2023-11-05T06:00Z', '2024-03-10T07:00Z'),
        (report, [from, to]) => {
          const intervalMs = report.includes('fivemin') ? 5 * MINUTE_MS : HOUR_MS;
          const requests = backfillRequests({ report, pnodeIds: ['1'], now: at('2024-03-12T00:00Z') }, { from, to });
          const [start, end] = [from, to].map((each) => Math.ceil(each / intervalMs) * intervalMs);
          expect(requests.length > 0).toBe(start !== end);
          expect([requests[0]?.from ?? start, requests.at(-1)?.to ?? end]).toEqual([start, end]);
          for (const [i, each] of requests.entries()) {
            expect(each.from).toBe(requests[i - 1]?.to ?? each.from);
            expect(isRequest(report, each.request)).toBe(true);
            const [first = '', last = ''] = rangeOf(each.request).split('to').map(sortable);
            for (let start = each.from; start < each.to; start += intervalMs) {
              expect([first <= clockAt(start), clockAt(start) <= last]).toEqual([true, true]);
            }
          }
        },
      ),
    );
  });
});

describe('the requests of a poll', () => {
  test('of what comes by days are of whole days, 23 and 25 hours too', () => {
    const range = { from: at('2024-11-02T15:00Z'), to: at('2024-11-04T17:00Z') };
    const requests = pollRequests({ report: 'rt_hrl_lmps', pnodeIds: ['1'], now: range.to }, range);
    expect(requests.map(({ request }) => rangeOf(request))).toEqual([
      '11/02/2024 00:00to11/02/2024 23:00',
      '11/03/2024 00:00to11/03/2024 23:00',
      '11/04/2024 00:00to11/04/2024 23:00',
    ]);
    expect(requests.map(({ from, to }) => (to - from) / HOUR_MS)).toEqual([24, 25, 24]);
  });

  test('of what comes as intervals end are of the range', () => {
    const range = { from: at('2024-07-02T11:30Z'), to: NOW };
    const requests = pollRequests({ report: 'rt_unverified_fivemin_lmps', pnodeIds: ['1'], now: NOW }, range);
    expect(requests.map(({ request }) => rangeOf(request))).toEqual(['07/02/2024 07:30to07/02/2024 08:25']);
  });
});

describe('a text', () => {
  const good = texts('da_hrl_lmps', '2024-07-01T04:00Z', '2024-07-02T04:00Z')[0] ?? '';

  test('that was made here is a request, of its own report alone', () => {
    expect(REPORT_NAMES.filter((report) => isRequest(report, good))).toEqual(['da_hrl_lmps']);
  });

  test.each([
    ['another path', good.replace('da_hrl_lmps', '../da_hrl_lmps')],
    ['another host', `https://elsewhere/${good}`],
    ['a key', `${good}&subscription-key=1`],
    ['no nodes', good.replace(/pnode_id=.*/, 'pnode_id=')],
    ['another number of rows', good.replace('50000', '500000')],
    ['two of them', `${good}\n${good}`],
  ])('with %s is none', (_, text) => {
    expect(isRequest('da_hrl_lmps', text)).toBe(false);
  });
});

function texts(report: ReportName, from: string, to: string): string[] {
  const asking = { report, pnodeIds: ['1', '51288'], now: NOW };
  return backfillRequests(asking, { from: at(from), to: at(to) }).map(({ request }) => request);
}

function ranges(report: ReportName, from: string, to: string): string[] {
  return texts(report, from, to).map(rangeOf);
}

function rangeOf(request: string): string {
  return new URLSearchParams(questionOf(request).path.split('?')[1]).get('datetime_beginning_ept') ?? '';
}

/** Some hours around the one that is repeated, or left out. */
function rangeAround(...isos: string[]) {
  const minute = fc.integer({ min: -200, max: 200 });
  const length = fc.integer({ min: 1, max: 300 });
  return fc.tuple(fc.constantFrom(...isos), minute, length).map(([iso, before, length]): [number, number] => {
    const from = at(iso) + before * MINUTE_MS;
    return [from, from + length * MINUTE_MS];
  });
}

function clockAt(instant: number): string {
  const { year, month, day, hour, minute } = wallTimeAt(EASTERN, instant);
  return [year, month, day, hour, minute].map((part) => String(part).padStart(2, '0')).join(' ');
}

/** `03/10/2024 00:00` → `2024 03 10 00 00` */
function sortable(text: string): string {
  const [month, day, year, hour, minute] = text.split(/[/ :]/);
  return [year, month, day, hour, minute].join(' ');
}
