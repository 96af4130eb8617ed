import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DAY_MS, HOUR_MS, isoFromInstant } from '../../../domain/instant.ts';
import { pollPlan } from './poll-plan.ts';
import { REPORT_NAMES, REPORTS } from './reports.ts';
import { oasisRequests, type Window } from './requests.ts';

const at = (iso: string) => Date.parse(iso);
const shown = (windows: readonly Window[]) =>
  windows.map(({ start, end }) => `${isoFromInstant(start).slice(0, 16)} ${isoFromInstant(end).slice(0, 16)}`);

describe('the plan of a day-ahead poll', () => {
  test('before 13:00 Pacific asks to the end of today', () => {
    const plan = pollPlan(REPORTS.PRC_LMP, at('2024-01-10T08:00Z'), at('2024-01-10T20:59Z'), 0);
    expect(shown(plan.windows)).toEqual(['2024-01-10T08:00 2024-01-11T08:00']);
  });

  test('from 13:00 Pacific on asks for tomorrow too, in a request of its own', () => {
    const plan = pollPlan(REPORTS.PRC_LMP, at('2024-01-10T08:00Z'), at('2024-01-10T21:00Z'), 0);
    expect(shown(plan.windows)).toEqual(['2024-01-10T08:00 2024-01-11T08:00', '2024-01-11T08:00 2024-01-12T08:00']);
  });

  test('asks nothing where the position is at the horizon', () => {
    expect(pollPlan(REPORTS.PRC_LMP, at('2024-01-12T08:00Z'), at('2024-01-10T21:00Z'), 0).windows).toEqual([]);
  });

  test('a first poll begins with the operating day that the lookback reaches', () => {
    const plan = pollPlan(REPORTS.PRC_LMP, undefined, at('2024-01-10T12:00Z'), 24 * HOUR_MS);
    expect(shown(plan.windows)).toEqual(['2024-01-09T08:00 2024-01-10T08:00', '2024-01-10T08:00 2024-01-11T08:00']);
  });

  test('the days of the clock changes have 23 and 25 hours', () => {
    const spring = pollPlan(REPORTS.PRC_LMP, at('2024-03-10T08:00Z'), at('2024-03-10T12:00Z'), 0);
    expect(shown(spring.windows)).toEqual(['2024-03-10T08:00 2024-03-11T07:00']);
    const autumn = pollPlan(REPORTS.PRC_LMP, at('2024-11-03T07:00Z'), at('2024-11-03T12:00Z'), 0);
    expect(shown(autumn.windows)).toEqual(['2024-11-03T07:00 2024-11-04T08:00']);
  });
});

describe('the plan of a real-time poll', () => {
  test('asks from the position to now and settles two hours before', () => {
    const plan = pollPlan(REPORTS.PRC_INTVL_LMP, at('2024-01-10T10:00Z'), at('2024-01-10T12:03Z'), 0);
    expect(shown(plan.windows)).toEqual(['2024-01-10T10:00 2024-01-10T12:05']);
    expect(isoFromInstant(plan.positionMax)).toBe('2024-01-10T10:00:00.000Z');
  });

  test('asks past now where prices are published ahead', () => {
    const plan = pollPlan(REPORTS.PRC_HASP_LMP, at('2024-01-10T10:00Z'), at('2024-01-10T12:03Z'), 0);
    expect(shown(plan.windows)).toEqual(['2024-01-10T10:00 2024-01-10T14:15']);
  });

  test('a long outage is asked for in modest windows', () => {
    const plan = pollPlan(REPORTS.PRC_INTVL_LMP, at('2024-01-01T00:00Z'), at('2024-01-06T00:00Z'), 0);
    expect(plan.windows.map(({ start, end }) => (end - start) / DAY_MS)).toEqual([2, 2, 1]);
  });
});

describe('the requests of a backfill', () => {
  test('cover the range once, within 31 days and ten nodes each', () => {
    const range = fc.tuple(
      fc.integer({ min: at('2023-01-01'), max: at('2025-01-01') }),
      fc.integer({ min: 1, max: 200 * DAY_MS }),
    );
    fc.assert(
      fc.property(
        range,
        fc.constantFrom(...REPORT_NAMES),
        fc.integer({ min: 1, max: 25 }),
        ([start, length], report, count) => {
          const nodes = Array.from({ length: count }, (_, i) => `N${i}`);
          const requests = oasisRequests(report, nodes, start, start + length);
          const perWindow = Math.ceil(count / 10);
          let reached = requests[0]?.start ?? 0;
          expect(reached).toBeLessThanOrEqual(start);
          for (let i = 0; i < requests.length; i += perWindow) {
            const window = requests.slice(i, i + perWindow);
            expect(window.flatMap((request) => request.nodes)).toEqual(nodes);
            expect(new Set(window.map((request) => `${request.start} ${request.end}`)).size).toBe(1);
            expect(window[0]?.start).toBe(reached);
            reached = window[0]?.end ?? 0;
            expect(reached - (window[0]?.start ?? 0)).toBeLessThanOrEqual(31 * DAY_MS);
          }
          expect(reached).toBeGreaterThanOrEqual(start + length);
        },
      ),
    );
  });
});
