import { describe, expect, test } from 'vitest';
import { DAY_MS, HOUR_MS, isoFromInstant } from '../../../domain/instant.ts';
import { type Correction, correctedReports, correctionSweep } from './corrections.ts';
import { REPORT_NAMES } from './reports.ts';

const at = (iso: string) => Date.parse(iso);
const NOON = at('2024-07-15T19:00Z');
const TODAY = at('2024-07-15T07:00Z');

describe('the sweep for corrections', () => {
  test('asks for each past day of the window, oldest first', () => {
    const { days, next } = correctionSweep(undefined, NOON, 3);
    expect(days.map(({ start }) => isoFromInstant(start).slice(0, 10))).toEqual([
      '2024-07-12',
      '2024-07-13',
      '2024-07-14',
    ]);
    expect(days.at(-1)?.end).toBe(TODAY);
    expect(next).toBe(TODAY);
  });

  test.each([
    ['the operating day that has begun', TODAY, 0],
    ['the day before', TODAY - DAY_MS, 14],
    ['a long while ago', TODAY - 100 * DAY_MS, 14],
  ])('that was last whole in %s has %i days', (_, position, count) => {
    expect(correctionSweep(position, NOON, 14).days).toHaveLength(count);
  });

  test('keeps to operating days where the clock changes', () => {
    const { days } = correctionSweep(undefined, at('2024-11-05T20:00Z'), 3);
    expect(days.map(({ start, end }) => (end - start) / HOUR_MS)).toEqual([24, 25, 24]);
  });

  test('leaves the position where it is until it is whole', () => {
    expect(correctionSweep(TODAY - DAY_MS, NOON, 3).reached).toBe(TODAY - DAY_MS);
    expect(correctionSweep(undefined, NOON, 3).reached).toBe(TODAY - 3 * DAY_MS);
  });
});

describe('the reports to ask again', () => {
  const made = (market: string, madeAt: number | undefined = NOON): Correction => ({ market, madeAt });

  test.each([
    [['DAM'], ['PRC_LMP']],
    [['RTD'], ['PRC_INTVL_LMP']],
    [['RTPD', 'RTPD'], ['PRC_RTPD_LMP']],
    [
      ['HASP', 'DAM'],
      ['PRC_LMP', 'PRC_HASP_LMP'],
    ],
    [[], []],
    [['DAM', 'SOMETHING'], REPORT_NAMES],
  ])('for corrections of %j are %j', (markets, reports) => {
    const corrections = markets.map((market) => made(market));
    expect(correctedReports(REPORT_NAMES, corrections, 0)).toEqual(reports);
  });

  test('are only those that are polled', () => {
    expect(correctedReports(['PRC_LMP'], [made('RTD'), made('DAM')], 0)).toEqual(['PRC_LMP']);
    expect(correctedReports(['PRC_LMP'], [made('SOMETHING')], 0)).toEqual(['PRC_LMP']);
  });

  test('leave out what an earlier sweep has taken, and never what does not say when it was made', () => {
    const { newSince } = correctionSweep(TODAY - DAY_MS, NOON, 14);
    const old = made('DAM', newSince - 1);
    expect(correctedReports(REPORT_NAMES, [old, made('RTD', newSince), made('RTPD', undefined)], newSince)).toEqual([
      'PRC_INTVL_LMP',
      'PRC_RTPD_LMP',
    ]);
  });

  test('may be told of a day after they were corrected', () => {
    expect(correctionSweep(TODAY - DAY_MS, NOON, 14).newSince).toBe(TODAY - 2 * DAY_MS);
  });
});
