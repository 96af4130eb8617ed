import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { HOUR_MS, MINUTE_MS } from '../../../domain/instant.ts';
import { type NodeName, parseNodeName } from '../../../domain/market.ts';
import { readConfig, variables } from '../../../runtime/config.ts';
import { sourcePartsOn } from '../../../tests/support/source-parts.ts';
import type { PolledSource } from '../../feed.ts';
import { systemClock } from '../../sources/system-clock.ts';
import { pjmLmp } from './feed.ts';
import { REPORT_NAMES } from './reports.ts';
import { PJM_ENV, type PjmSettings } from './settings.ts';

const settingsOf = (env: Readonly<Record<string, string>>) => readConfig(env, [PJM_ENV]).settings(PJM_ENV);
const ENV = { PJM_NODES: '51288=WESTERN HUB, 1=PJM-RTO', PJM_API_KEY: 'sesame' };
const NOW = Date.parse('2024-07-02T12:30Z');

test('a stream is a name for its reports, and each report is in one', () => {
  expect(
    Object.values(pjmLmp.streams ?? {})
      .flat()
      .toSorted(),
  ).toEqual(REPORT_NAMES.toSorted());
});

test('without nodes or without a key nothing is polled and nothing owed', () => {
  for (const env of [{}, { PJM_NODES: '1' }, { PJM_API_KEY: 'sesame' }]) {
    expect(source().partitions(settingsOf(env))).toEqual([]);
    expect(source().expectations(settingsOf(env))).toEqual([]);
  }
});

test('with both each report is polled, and owes its intervals for every node', () => {
  expect(source().partitions(settingsOf(ENV))).toEqual(REPORT_NAMES);
  const owed = source().expectations(settingsOf(ENV));
  const nodes = ['PJM:WESTERN HUB', 'PJM:PJM-RTO'];
  const of = (partition: string) => owed.find((each) => each.partition === partition);
  expect(of('da_hrl_lmps')).toEqual({
    partition: 'da_hrl_lmps',
    run: 'DAY_AHEAD_HOURLY',
    market: 'PJM',
    nodes,
    intervalMs: HOUR_MS,
    dueMs: 0,
  });
  expect(of('rt_unverified_fivemin_lmps')).toMatchObject({ intervalMs: 5 * MINUTE_MS, dueMs: HOUR_MS + 5 * MINUTE_MS });
  expect(of('rt_hrl_lmps')).toMatchObject({ run: 'REAL_TIME_HOURLY', dueMs: (6 * 24 + 1) * HOUR_MS });
});

test('where a node has no name, what is owed is what has come before', () => {
  const owed = source().expectations(settingsOf({ ...ENV, PJM_NODES: '51288=WESTERN HUB,1' }));
  expect(owed.map(({ nodes }) => nodes)).toEqual([[], [], [], []]);
});

test('all who ask PJM take turns, as far apart as the settings say', async () => {
  const asked: unknown[] = [];
  const turns = {
    of: (...named: readonly [string, number]) => {
      asked.push(named);
      return { turn: async () => {} };
    },
  };
  await source()
    .open(settingsOf(ENV), { ...sourcePartsOn(systemClock), turns })
    .close();
  expect(asked).toEqual([['pjm-data-miner', 10_000]]);
});

describe('a backfill', () => {
  test.each([
    [undefined, '51288;1'],
    [['PJM:WESTERN HUB'], '51288'],
    [['PJM:PJM-RTO', 'PJM:33092371', 'PJM:33092371'], '1;33092371'],
  ])('of %j asks for the pnode_ids %s', (nodes, ids) => {
    expect(chunks(nodes).map(({ request }) => request.split('pnode_id=')[1])).toEqual([ids]);
  });

  test.each([
    [['PJM:EASTERN HUB'], {}, /pnode_id, and that of PJM:EASTERN HUB is not known: write it into PJM_NODES/],
    [['MISO:1'], {}, /no node of PJM/],
    [undefined, { PJM_NODES: '' }, /no nodes to ask for/],
    [undefined, { PJM_API_KEY: '' }, /PJM_API_KEY/],
  ])('of %j with %j is refused with the reason', (nodes, env, reason) => {
    expect(() => chunks(nodes, env)).toThrow(reason);
  });

  test('of a report that there is not is refused with those that there are', () => {
    expect(() => chunks(undefined, {}, 'rt_unverified_hrl_lmps')).toThrow(/da_hrl_lmps, rt_hrl_lmps/);
  });
});

describe('settings', () => {
  test('have the real address and the limit of who is no member by default', () => {
    expect(settingsOf({})).toMatchObject({
      PJM_NODES: [],
      PJM_URL: 'https://api.pjm.com/api/v1',
      PJM_REQUEST_SPACING_MS: 10_000,
      PJM_LOOKBACK_HOURS: 24,
    });
    expect(
      variables([PJM_ENV])
        .filter(({ name }) => name.startsWith('PJM_'))
        .every(({ description }) => description),
    ).toBe(true);
  });

  test('never show the key', () => {
    const settings = settingsOf(ENV);
    const shown = `${inspect(settings, { depth: 9, showHidden: true })}${JSON.stringify(settings)}${settings.PJM_API_KEY}`;
    expect(shown).not.toContain('sesame');
    expect(settings.PJM_API_KEY?.reveal()).toBe('sesame');
  });

  test.each([
    ['PJM_NODES', 'WESTERN HUB'],
    ['PJM_NODES', '51288=,1'],
    ['PJM_NODES', '1,1'],
    ['PJM_NODES', '1=A,2=A'],
    ['PJM_NODES', '007'],
    ['PJM_API_KEY', 'two words'],
    ['PJM_API_KEY', 'a\r\nb'],
    ['PJM_URL', 'ftp://pjm'],
    ['PJM_REQUEST_SPACING_MS', '-1'],
    ['PJM_LOOKBACK_HOURS', '0'],
  ])('a wrong %s is named, and its value is not', (name, value) => {
    expect(() => settingsOf({ [name]: value })).toThrow(new RegExp(`${name}: `));
    if (name === 'PJM_API_KEY') expect(() => settingsOf({ [name]: value })).not.toThrow(value);
  });
});

function chunks(nodes?: readonly string[], env: Readonly<Record<string, string>> = {}, partition = 'da_hrl_lmps') {
  const range = { from: NOW - 24 * HOUR_MS, to: NOW };
  const asked = { ...range, nodes: nodes?.map(nodeNamed) };
  return pjmLmp.source.chunks(settingsOf({ ...ENV, ...env }), partition, asked, NOW);
}

function nodeNamed(text: string): NodeName {
  const node = parseNodeName(text);
  if (!node) throw new TypeError(text);
  return node;
}

function source(): PolledSource<PjmSettings> {
  if (pjmLmp.source.kind !== 'poll') throw new TypeError('not polled');
  return pjmLmp.source;
}
