import { expect, test } from 'vitest';
import { HOUR_MS, MINUTE_MS } from '../../../domain/instant.ts';
import { readConfig } from '../../../runtime/config.ts';
import { sourcePartsOn } from '../../../tests/support/source-parts.ts';
import type { PolledSource } from '../../feed.ts';
import { systemClock } from '../../sources/system-clock.ts';
import { caisoLmp } from './feed.ts';
import { CAISO_ENV, type CaisoSettings } from './settings.ts';

const settingsOf = (env: Readonly<Record<string, string>>) => readConfig(env, [CAISO_ENV]).settings(CAISO_ENV);
const NODES = { CAISO_NODES: 'TH_NP15_GEN-APND,N1' };

test('a stream is a name for its reports, and each report is in one', () => {
  expect(caisoLmp.streams).toEqual({
    'iso.rt.lmp.caiso': ['PRC_INTVL_LMP', 'PRC_RTPD_LMP', 'PRC_HASP_LMP'],
    'iso.da.lmp.caiso': ['PRC_LMP'],
  });
});

test('without nodes nothing is polled and nothing owed', () => {
  expect(source().partitions(settingsOf({}))).toEqual([]);
  expect(source().expectations(settingsOf({}))).toEqual([]);
});

test('with nodes each report is polled, and the corrections', () => {
  const env = { ...NODES, CAISO_REPORTS: 'PRC_LMP,PRC_HASP_LMP' };
  expect(source().partitions(settingsOf(env))).toEqual(['PRC_LMP', 'PRC_HASP_LMP', 'PRC_CORR_GRP']);
  expect(source().partitions(settingsOf({ ...env, CAISO_CORRECTIONS_DAYS: '0' }))).toEqual(['PRC_LMP', 'PRC_HASP_LMP']);
});

test('each report that is polled owes its intervals for every node', () => {
  const owed = source().expectations(settingsOf({ ...NODES, CAISO_REPORTS: 'PRC_LMP,PRC_INTVL_LMP,PRC_HASP_LMP' }));
  const nodes = ['CAISO:TH_NP15_GEN-APND', 'CAISO:N1'];
  expect(owed).toEqual([
    { partition: 'PRC_LMP', run: 'DAY_AHEAD_HOURLY', market: 'CAISO', nodes, intervalMs: HOUR_MS, dueMs: 0 },
    {
      partition: 'PRC_INTVL_LMP',
      run: 'REAL_TIME_5_MIN',
      market: 'CAISO',
      nodes,
      intervalMs: 5 * MINUTE_MS,
      dueMs: 2 * HOUR_MS,
    },
    {
      partition: 'PRC_HASP_LMP',
      run: 'HOUR_AHEAD_15_MIN',
      market: 'CAISO',
      nodes,
      intervalMs: 15 * MINUTE_MS,
      dueMs: 2 * HOUR_MS,
    },
  ]);
});

test('all who ask OASIS take turns, as far apart as the settings say', async () => {
  const asked: unknown[] = [];
  const turns = {
    of: (...named: readonly [string, number]) => {
      asked.push(named);
      return { turn: async () => {} };
    },
  };
  const poller = source().open(settingsOf({ ...NODES, CAISO_REQUEST_SPACING_MS: '7000' }), {
    ...sourcePartsOn(systemClock),
    turns,
  });
  await poller.close();
  expect(asked).toEqual([['caiso-oasis', 7000]]);
});

function source(): PolledSource<CaisoSettings> {
  if (caisoLmp.source.kind !== 'poll') throw new TypeError('not polled');
  return caisoLmp.source;
}
