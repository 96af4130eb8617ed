import { describe, expect, test } from 'vitest';
import { HOUR_MS, MINUTE_MS } from '../../../domain/instant.ts';
import { readConfig } from '../../../runtime/config.ts';
import { sourcePartsOn } from '../../../tests/support/source-parts.ts';
import type { PolledSource } from '../../feed.ts';
import { systemClock } from '../../sources/system-clock.ts';
import { sppLmp } from './feed.ts';
import { REPORT_NAMES } from './reports.ts';
import { SPP_ENV, type SppSettings } from './settings.ts';

const settingsOf = (env: Readonly<Record<string, string>>) => readConfig(env, [SPP_ENV]).settings(SPP_ENV);

test('a stream is a name for its report, and each report is in one', () => {
  expect(sppLmp.streams).toEqual({
    'iso.rt.lmp.spp': ['rtbm-lmp-by-location'],
    'iso.da.lmp.spp': ['da-lmp-by-settlement-location'],
  });
});

test('without nodes nothing is polled and nothing owed', () => {
  expect(source().partitions(settingsOf({}))).toEqual([]);
  expect(source().expectations(settingsOf({}))).toEqual([]);
});

test('with nodes both reports are polled, and owe their intervals for every node', () => {
  const settings = settingsOf({ SPP_NODES: 'SPPNORTH_HUB, SWPW/SWPW_HUB' });
  const nodes = ['SPP:SPPNORTH_HUB', 'SPP:SWPW/SWPW_HUB'];
  expect(source().partitions(settings)).toEqual(REPORT_NAMES);
  expect(source().expectations(settings)).toEqual([
    {
      partition: 'da-lmp-by-settlement-location',
      run: 'DAY_AHEAD_HOURLY',
      market: 'SPP',
      nodes,
      intervalMs: HOUR_MS,
      dueMs: 0,
    },
    {
      partition: 'rtbm-lmp-by-location',
      run: 'REAL_TIME_5_MIN',
      market: 'SPP',
      nodes,
      intervalMs: 5 * MINUTE_MS,
      dueMs: 20 * MINUTE_MS,
    },
  ]);
});

test('with ALL both reports are polled, and owe their intervals for the nodes that have prices', () => {
  const settings = settingsOf({ SPP_NODES: ' ALL ' });
  expect(source().partitions(settings)).toEqual(REPORT_NAMES);
  expect(
    source()
      .expectations(settings)
      .map(({ nodes }) => nodes),
  ).toEqual([[], []]);
});

test('a backfill asks for both reports without any nodes, and for no other', () => {
  const june = { from: Date.parse('2026-06-01T05:00Z'), to: Date.parse('2026-06-02T05:00Z'), nodes: undefined };
  const counts = REPORT_NAMES.map((report) => source().chunks(settingsOf({}), report, june, june.to).length);
  expect(counts).toEqual([1, 24]);
  expect(() => source().chunks(settingsOf({}), 'da-lmp-by-bus', june, june.to)).toThrow(/SPP has no "da-lmp-by-bus"/);
});

test('all who ask the portal take turns, as far apart as the settings say', async () => {
  const asked: unknown[] = [];
  const turns = {
    of: (...named: readonly [string, number]) => {
      asked.push(named);
      return { turn: async () => {} };
    },
  };
  const poller = source().open(settingsOf({ SPP_NODES: 'ALL', SPP_REQUEST_SPACING_MS: '700' }), {
    ...sourcePartsOn(systemClock),
    turns,
  });
  await poller.close();
  expect(asked).toEqual([['spp-portal', 700]]);
});

describe('settings', () => {
  test('have the real address and a polite pace by default', () => {
    expect(settingsOf({})).toEqual({
      SPP_NODES: [],
      SPP_URL: 'https://portal.spp.org/file-browser-api/download',
      SPP_REQUEST_SPACING_MS: 1000,
      SPP_LOOKBACK_HOURS: 24,
    });
  });

  test('name a location once that is listed twice', () => {
    expect(settingsOf({ SPP_NODES: 'A, B.C_1,A' }).SPP_NODES).toEqual(['A', 'B.C_1']);
  });

  test.each([
    ['SPP_NODES', 'SPP:SPPNORTH_HUB'],
    ['SPP_NODES', 'ALL,SPPNORTH_HUB'],
    ['SPP_URL', 'ftp://portal'],
    ['SPP_REQUEST_SPACING_MS', '-1'],
    ['SPP_LOOKBACK_HOURS', 'soon'],
  ])('a wrong %s is named: %s', (name, value) => {
    expect(() => settingsOf({ [name]: value })).toThrow(new RegExp(`${name}: `));
  });
});

function source(): PolledSource<SppSettings> {
  if (sppLmp.source.kind !== 'poll') throw new TypeError('not polled');
  return sppLmp.source;
}
