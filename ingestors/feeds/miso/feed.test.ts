import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { isBusbarError } from '../../../domain/errors.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../../domain/instant.ts';
import { readConfig } from '../../../runtime/config.ts';
import { sourcePartsOn } from '../../../tests/support/source-parts.ts';
import type { PolledSource } from '../../feed.ts';
import { systemClock } from '../../sources/system-clock.ts';
import { misoLmp } from './feed.ts';
import { MISO_ENV, type MisoSettings } from './settings.ts';

const settingsOf = (env: Readonly<Record<string, string>>) => readConfig(env, [MISO_ENV]).settings(MISO_ENV);
const KEYLESS = ['da_expost_lmp', 'rt_lmp_prelim', 'rt_lmp_final', 'GetRealTimeFiveMinExPost'];

test('each report is in one stream', () => {
  const names = Object.values(misoLmp.streams ?? {}).flat();
  expect(names.toSorted()).toEqual([...KEYLESS, 'lmp-expost'].toSorted());
});

test.each([
  ['no nodes', { MISO_API_KEY: 'key' }, []],
  ['nodes', { MISO_NODES: 'INDIANA.HUB' }, KEYLESS],
  ['nodes and a key', { MISO_NODES: 'INDIANA.HUB', MISO_API_KEY: 'key' }, [...KEYLESS, 'lmp-expost']],
  ['all nodes and a key', { MISO_NODES: 'ALL', MISO_API_KEY: 'key' }, KEYLESS],
])('with %s it is known what is polled', (_, env, partitions) => {
  expect(source().partitions(settingsOf(env))).toEqual(partitions);
  expect(
    source()
      .expectations(settingsOf(env))
      .map(({ partition }) => partition),
  ).toEqual(partitions);
});

test('each report that is polled owes its intervals, of the nodes named or of all that have prices', () => {
  const owed = source().expectations(settingsOf({ MISO_NODES: 'INDIANA.HUB' }));
  const common = { market: 'MISO', nodes: ['MISO:INDIANA.HUB'] };
  const hourly = { ...common, run: 'REAL_TIME_HOURLY', intervalMs: HOUR_MS };
  expect(owed).toEqual([
    { ...common, partition: 'da_expost_lmp', run: 'DAY_AHEAD_HOURLY', intervalMs: HOUR_MS, dueMs: 0 },
    { ...hourly, partition: 'rt_lmp_prelim', dueMs: 3 * DAY_MS },
    { ...hourly, partition: 'rt_lmp_final', dueMs: 14 * DAY_MS },
    {
      ...common,
      partition: 'GetRealTimeFiveMinExPost',
      run: 'REAL_TIME_5_MIN',
      intervalMs: 5 * MINUTE_MS,
      dueMs: HOUR_MS,
    },
  ]);
  expect(source().expectations(settingsOf({ MISO_NODES: 'ALL' }))[0]?.nodes).toEqual([]);
});

test('a backfill is planned for a report of MISO and for no other', () => {
  const range = { from: Date.parse('2025-11-01T05:00Z'), to: Date.parse('2025-11-01T06:00Z'), nodes: undefined };
  expect(source().chunks(settingsOf({ MISO_NODES: 'ALL' }), 'da_expost_lmp', range, range.to)).toEqual([
    { from: range.from, to: range.from + DAY_MS, request: 'marketreports/20251101_da_expost_lmp.csv' },
  ]);
  expect(() => source().chunks(settingsOf({ MISO_NODES: 'ALL' }), 'PRC_LMP', range, range.to)).toThrow(
    expect.objectContaining({ code: 'BAD_USER_INPUT' }),
  );
});

test('the key shows itself to nobody who does not ask for it', () => {
  const settings = settingsOf({ MISO_NODES: 'A', MISO_API_KEY: 'a-key' });
  expect(settings.MISO_API_KEY?.reveal()).toBe('a-key');
  expect(`${inspect(settings, { depth: 9 })} ${JSON.stringify(settings)} ${settings.MISO_API_KEY}`).not.toContain(
    'a-key',
  );
});

test.each(['INDIANA HUB', 'ALL,INDIANA.HUB', 'A#B', 'A/B'])('MISO_NODES=%s is refused', (nodes) => {
  expect(() => settingsOf({ MISO_NODES: nodes })).toThrow(
    expect.toSatisfy((error: unknown) => isBusbarError(error, 'CONFIG_INVALID')),
  );
});

test('all who ask MISO take turns, as far apart as the settings say', async () => {
  const asked: unknown[] = [];
  const turns = {
    of: (...named: readonly [string, number]) => {
      asked.push(named);
      return { turn: async () => {} };
    },
  };
  await source()
    .open(settingsOf({ MISO_NODES: 'A', MISO_REQUEST_SPACING_MS: '7000' }), { ...sourcePartsOn(systemClock), turns })
    .close();
  expect(asked).toEqual([['miso', 7000]]);
});

function source(): PolledSource<MisoSettings> {
  if (misoLmp.source.kind !== 'poll') throw new TypeError('not polled');
  return misoLmp.source;
}
