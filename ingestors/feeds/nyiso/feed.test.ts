import { describe, expect, test } from 'vitest';
import { HOUR_MS, MINUTE_MS } from '../../../domain/instant.ts';
import { readConfig } from '../../../runtime/config.ts';
import { sourcePartsOn } from '../../../tests/support/source-parts.ts';
import type { PolledSource } from '../../feed.ts';
import { systemClock } from '../../sources/system-clock.ts';
import { nyisoLmp } from './feed.ts';
import { NYISO_ENV, type NyisoSettings } from './settings.ts';

const settingsOf = (env: Readonly<Record<string, string>>) => readConfig(env, [NYISO_ENV]).settings(NYISO_ENV);

test('a stream is a name for its reports, and each report is in one', () => {
  expect(nyisoLmp.streams).toEqual({
    'iso.rt.lmp.nyiso': ['realtime_zone', 'realtime_gen', 'rtlbmp_zone', 'rtlbmp_gen'],
    'iso.da.lmp.nyiso': ['damlbmp_zone', 'damlbmp_gen'],
  });
});

test('without nodes nothing is polled and nothing owed', () => {
  expect(source().partitions(settingsOf({}))).toEqual([]);
  expect(source().expectations(settingsOf({}))).toEqual([]);
});

test('zones have the zone files polled, and other names the generator files', () => {
  const polled = (nodes: string) => source().partitions(settingsOf({ NYISO_NODES: nodes }));
  const zones = ['damlbmp_zone', 'rtlbmp_zone', 'realtime_zone'];
  const generators = ['damlbmp_gen', 'rtlbmp_gen', 'realtime_gen'];
  expect(polled('N.Y.C.,H Q')).toEqual(zones);
  expect(polled('ASTORIA___2')).toEqual(generators);
  expect(polled('HUD VL,ASTORIA___2').toSorted()).toEqual([...zones, ...generators].toSorted());
});

test('each report that is polled owes its intervals for the nodes that its files have', () => {
  const owed = source().expectations(settingsOf({ NYISO_NODES: 'N.Y.C.,WEST,ASTORIA___2' }));
  const zones = { market: 'NYISO', nodes: ['NYISO:N.Y.C.', 'NYISO:WEST'] };
  const generators = { market: 'NYISO', nodes: ['NYISO:ASTORIA___2'] };
  const dayAhead = { run: 'DAY_AHEAD_HOURLY', intervalMs: HOUR_MS, dueMs: 0 };
  const hourly = { run: 'REAL_TIME_HOURLY', intervalMs: HOUR_MS, dueMs: 3 * HOUR_MS };
  const fiveMinutes = { run: 'REAL_TIME_5_MIN', intervalMs: 5 * MINUTE_MS, dueMs: 2 * HOUR_MS };
  expect(owed).toEqual([
    { partition: 'damlbmp_zone', ...zones, ...dayAhead },
    { partition: 'damlbmp_gen', ...generators, ...dayAhead },
    { partition: 'rtlbmp_zone', ...zones, ...hourly },
    { partition: 'rtlbmp_gen', ...generators, ...hourly },
    { partition: 'realtime_zone', ...zones, ...fiveMinutes },
    { partition: 'realtime_gen', ...generators, ...fiveMinutes },
  ]);
});

test('a backfill asks for a file a day, and a report that there is not is refused', () => {
  const range = { from: Date.parse('2024-02-28T12:00Z'), to: Date.parse('2024-03-01T12:00Z'), nodes: undefined };
  expect(
    source()
      .chunks(settingsOf({}), 'damlbmp_zone', range, Date.parse('2026-01-01T00:00Z'))
      .map(({ request }) => request),
  ).toEqual([
    'damlbmp/20240201damlbmp_zone_csv.zip#20240228damlbmp_zone.csv',
    'damlbmp/20240201damlbmp_zone_csv.zip#20240229damlbmp_zone.csv',
    'damlbmp/20240301damlbmp_zone_csv.zip#20240301damlbmp_zone.csv',
  ]);
  expect(() => source().chunks(settingsOf({}), 'damlbmp', range, range.to)).toThrow(/NYISO has no "damlbmp"/);
});

test('all who ask NYISO take turns, as far apart as the settings say', async () => {
  const asked: unknown[] = [];
  const turns = {
    of: (...named: readonly [string, number]) => {
      asked.push(named);
      return { turn: async () => {} };
    },
  };
  await source()
    .open(settingsOf({ NYISO_REQUEST_SPACING_MS: '7000' }), { ...sourcePartsOn(systemClock), turns })
    .close();
  expect(asked).toEqual([['nyiso-mis', 7000]]);
});

describe('the settings', () => {
  test('are those of the real NYISO where nothing is said', () => {
    expect(settingsOf({})).toEqual({
      NYISO_NODES: [],
      NYISO_URL: 'http://mis.nyiso.com/public/csv',
      NYISO_REQUEST_SPACING_MS: 1000,
      NYISO_LOOKBACK_HOURS: 24,
    });
  });

  test('name a node once that is listed twice, blanks within names kept', () => {
    expect(settingsOf({ NYISO_NODES: ' HUD VL, HUD VL,WEST,' }).NYISO_NODES).toEqual(['HUD VL', 'WEST']);
  });

  test.each([
    ['NYISO_NODES', 'NYISO:WEST'],
    ['NYISO_URL', 'ftp://mis'],
    ['NYISO_REQUEST_SPACING_MS', '-1'],
    ['NYISO_LOOKBACK_HOURS', '169'],
  ])('a wrong %s is named', (name, value) => {
    expect(() => settingsOf({ [name]: value })).toThrow(new RegExp(`${name}: `));
  });
});

function source(): PolledSource<NyisoSettings> {
  if (nyisoLmp.source.kind !== 'poll') throw new TypeError('not polled');
  return nyisoLmp.source;
}
