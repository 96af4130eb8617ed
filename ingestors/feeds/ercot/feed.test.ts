import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { HOUR_MS, MINUTE_MS } from '../../../domain/instant.ts';
import { readConfig } from '../../../runtime/config.ts';
import { sourcePartsOn } from '../../../tests/support/source-parts.ts';
import type { PolledSource } from '../../feed.ts';
import { systemClock } from '../../sources/system-clock.ts';
import { ercotLmp } from './feed.ts';
import { ERCOT_ENV, type ErcotSettings } from './settings.ts';

const settingsOf = (env: Readonly<Record<string, string>>) => readConfig(env, [ERCOT_ENV]).settings(ERCOT_ENV);
const ALL = {
  ERCOT_NODES: 'HB_NORTH, LZ_WEST',
  ERCOT_USERNAME: 'me',
  ERCOT_PASSWORD: 'open sesame',
  ERCOT_SUBSCRIPTION_KEY: 'hush',
};

test('a stream is a name for its reports, and each report is in one', () => {
  expect(ercotLmp.streams).toEqual({
    'iso.rt.lmp.ercot': ['np6-905-cd', 'np6-788-cd'],
    'iso.da.lmp.ercot': ['np4-190-cd'],
  });
});

test('all that are configured are polled, or those that are named', () => {
  expect(source().partitions(settingsOf(ALL))).toEqual(['np4-190-cd', 'np6-905-cd', 'np6-788-cd']);
  expect(source().partitions(settingsOf({ ...ALL, ERCOT_REPORTS: 'np6-788-cd' }))).toEqual(['np6-788-cd']);
});

test.each(Object.keys(ALL))('without %s nothing is polled and nothing owed', (name) => {
  const settings = settingsOf({ ...ALL, [name]: '' });
  expect(source().partitions(settings)).toEqual([]);
  expect(source().expectations(settings)).toEqual([]);
});

test('the reports on a grid owe their intervals for every node, and that of SCED owes none', () => {
  const nodes = ['ERCOT:HB_NORTH', 'ERCOT:LZ_WEST'];
  expect(source().expectations(settingsOf(ALL))).toEqual([
    { partition: 'np4-190-cd', run: 'DAY_AHEAD_HOURLY', market: 'ERCOT', nodes, intervalMs: HOUR_MS, dueMs: 0 },
    {
      partition: 'np6-905-cd',
      run: 'REAL_TIME_15_MIN',
      market: 'ERCOT',
      nodes,
      intervalMs: 15 * MINUTE_MS,
      dueMs: HOUR_MS,
    },
  ]);
});

test('no secret shows in the settings', () => {
  const settings = settingsOf(ALL);
  expect(`${inspect(settings, { showHidden: true })}${JSON.stringify(settings)}`).not.toMatch(/sesame|hush/);
});

test.each([
  ['ERCOT_NODES', 'HB NORTH'],
  ['ERCOT_REPORTS', 'np6-788-cd,np1-1-cd'],
  ['ERCOT_SUBSCRIPTION_KEY', 'hush hush'],
  ['ERCOT_URL', 'ftp://example.com'],
])('%s of a wrong form is refused, without its value', (name, value) => {
  const read = () => settingsOf({ ...ALL, [name]: value });
  expect(read).toThrow(new RegExp(name));
  expect(read).not.toThrow(new RegExp(value));
});

test('all who ask ERCOT take turns, two seconds apart unless the settings say otherwise', async () => {
  const asked: unknown[] = [];
  const turns = {
    of: (...named: readonly [string, number]) => {
      asked.push(named);
      return { turn: async () => {} };
    },
  };
  await source()
    .open(settingsOf(ALL), { ...sourcePartsOn(systemClock), turns })
    .close();
  await source()
    .open(settingsOf({ ...ALL, ERCOT_REQUEST_SPACING_MS: '7000' }), { ...sourcePartsOn(systemClock), turns })
    .close();
  expect(asked).toEqual([
    ['ercot', 2000],
    ['ercot-login', 1000],
    ['ercot', 7000],
    ['ercot-login', 1000],
  ]);
});

function source(): PolledSource<ErcotSettings> {
  if (ercotLmp.source.kind !== 'poll') throw new TypeError('not polled');
  return ercotLmp.source;
}
