import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { HOUR_MS } from '../../../domain/instant.ts';
import { type NodeName, nodeNameFrom } from '../../../domain/market.ts';
import { readConfig } from '../../../runtime/config.ts';
import { sourcePartsOn } from '../../../tests/support/source-parts.ts';
import type { PolledSource } from '../../feed.ts';
import { systemClock } from '../../sources/system-clock.ts';
import { isoneLmp } from './feed.ts';
import { REPORT_NAMES } from './reports.ts';
import { ISONE_ENV, type IsoneSettings } from './settings.ts';

const at = (iso: string) => Date.parse(iso);
const settingsOf = (env: Readonly<Record<string, string>>) => readConfig(env, [ISONE_ENV]).settings(ISONE_ENV);
const USER = { ISONE_USERNAME: 'trader', ISONE_PASSWORD: 'correct horse' };
const SETTINGS = settingsOf({ ...USER, ISONE_NODES: '4000, 4001,4000,321' });
const WEEKEND = { from: at('2024-11-02T04:00Z'), to: at('2024-11-04T05:00Z'), nodes: undefined };

test('a stream is a name for its reports, and each report is in one', () => {
  expect(
    Object.values(isoneLmp.streams ?? {})
      .flat()
      .sort(),
  ).toEqual([...REPORT_NAMES].sort());
});

test.each([
  ['no nodes', { ...USER }],
  ['no user', { ISONE_NODES: '4000', ISONE_PASSWORD: 'correct horse' }],
  ['no password', { ISONE_NODES: '4000', ISONE_USERNAME: 'trader' }],
])('with %s nothing is polled and nothing owed', (_, env) => {
  expect(source().partitions(settingsOf(env))).toEqual([]);
  expect(source().expectations(settingsOf(env))).toEqual([]);
});

test('each report owes its intervals for the locations whose names are known', () => {
  expect(source().partitions(SETTINGS)).toEqual(REPORT_NAMES);
  const nodes = ['ISONE:.H.INTERNAL_HUB', 'ISONE:.Z.MAINE'];
  const hourly = { market: 'ISONE', nodes, intervalMs: HOUR_MS };
  const fiveMinutes = { market: 'ISONE', nodes, intervalMs: HOUR_MS / 12 };
  expect(source().expectations(SETTINGS)).toEqual([
    { partition: 'hourlylmp-da-final', run: 'DAY_AHEAD_HOURLY', ...hourly, dueMs: 0 },
    { partition: 'hourlylmp-rt-prelim', run: 'REAL_TIME_HOURLY', ...hourly, dueMs: 3 * HOUR_MS },
    { partition: 'hourlylmp-rt-final', run: 'REAL_TIME_HOURLY', ...hourly, dueMs: 168 * HOUR_MS },
    { partition: 'fiveminutelmp-prelim', run: 'REAL_TIME_5_MIN', ...fiveMinutes, dueMs: 2 * HOUR_MS },
    { partition: 'fiveminutelmp-final', run: 'REAL_TIME_5_MIN', ...fiveMinutes, dueMs: 168 * HOUR_MS },
  ]);
  expect(source().expectations(settingsOf({ ...USER, ISONE_NODES: '321' }))).toEqual([]);
  const named = source().expectations(settingsOf({ ...USER, ISONE_NODES: '321=UN.FRNKLNSQ13.810CC' }));
  expect(named.map((each) => each.nodes)).toEqual(REPORT_NAMES.map(() => ['ISONE:UN.FRNKLNSQ13.810CC']));
});

test('all who ask take turns, as far apart as the settings say', async () => {
  const asked: unknown[] = [];
  const turns = {
    of: (...named: readonly [string, number]) => {
      asked.push(named);
      return { turn: async () => {} };
    },
  };
  await source()
    .open(settingsOf({ ...USER, ISONE_NODES: '4000', ISONE_REQUEST_SPACING_MS: '2500' }), {
      ...sourcePartsOn(systemClock),
      turns,
    })
    .close();
  expect(asked).toEqual([['isone-webservices', 2500]]);
});

test('the password does not show itself', () => {
  expect(`${inspect(SETTINGS, { depth: 9 })} ${JSON.stringify(SETTINGS)}`).not.toContain('correct horse');
});

test.each([
  ['ISONE_NODES', '.H.INTERNAL_HUB'],
  ['ISONE_NODES', '4000,04001'],
  ['ISONE_NODES', '321='],
  ['ISONE_NODES', '321=UN.FRNKLNSQ13.810CC,321'],
  ['ISONE_NODES', 'UN.NODE=321'],
  ['ISONE_URL', 'webservices.iso-ne.com'],
  ['ISONE_REQUEST_SPACING_MS', '-1'],
  ['ISONE_LOOKBACK_HOURS', '0'],
])('a wrong %s is named', (name, value) => {
  expect(() => settingsOf({ [name]: value })).toThrow(new RegExp(`${name}: `));
});

describe('the chunks of a backfill', () => {
  test('are a request for each day and location, days of 25 hours among them', () => {
    const chunks = source().chunks(
      settingsOf({ ...USER, ISONE_NODES: '4000,321' }),
      'fiveminutelmp-final',
      WEEKEND,
      WEEKEND.to,
    );
    expect(chunks.map(({ from, to, request }) => [(to - from) / HOUR_MS, request])).toEqual([
      [24, 'fiveminutelmp/final/day/20241102/location/4000'],
      [24, 'fiveminutelmp/final/day/20241102/location/321'],
      [25, 'fiveminutelmp/final/day/20241103/location/4000'],
      [25, 'fiveminutelmp/final/day/20241103/location/321'],
    ]);
  });

  test('of nodes ask for their ids, each once', () => {
    const nodes = [node('.Z.MAINE'), node('.I.ROSETON 345 1'), node('4001'), node('321')];
    const day = { from: WEEKEND.from, to: WEEKEND.from + 1, nodes };
    expect(
      source()
        .chunks(SETTINGS, 'hourlylmp-da-final', day, WEEKEND.to)
        .map(({ request }) => request.split('/').at(-1)),
    ).toEqual(['4001', '4011', '321']);
  });

  test('of a network node that the settings name ask for its id', () => {
    const settings = settingsOf({ ...USER, ISONE_NODES: '4000,321=UN.FRNKLNSQ13.810CC' });
    const nodes = [node('UN.FRNKLNSQ13.810CC')];
    const requests = (asked: readonly NodeName[] | undefined) =>
      source()
        .chunks(settings, 'hourlylmp-da-final', { from: WEEKEND.from, to: WEEKEND.from + 1, nodes: asked }, WEEKEND.to)
        .map(({ request }) => request.split('/').at(-1));
    expect(requests(nodes)).toEqual(['321']);
    expect(requests(undefined)).toEqual(['4000', '321']);
  });

  test('of nothing are none', () => {
    expect(
      source().chunks(
        SETTINGS,
        'hourlylmp-da-final',
        { ...WEEKEND, from: WEEKEND.from + 1, to: WEEKEND.from + 1 },
        WEEKEND.to,
      ),
    ).toEqual([]);
  });

  test.each([
    ['an unknown partition', SETTINGS, 'hourlylmp', undefined, /one of hourlylmp-da-final, .*fiveminutelmp-final/],
    ['a node of another market', SETTINGS, 'hourlylmp-da-final', [nodeIn('PJM', '51217')], /no node of ISO-NE/],
    ['a name whose id nobody knows', SETTINGS, 'hourlylmp-da-final', [node('UN.FRNKLNSQ13.810CC')], /name its id/],
    ['no nodes', settingsOf(USER), 'hourlylmp-da-final', undefined, /set ISONE_NODES/],
    ['nobody who asks', settingsOf({ ISONE_NODES: '4000' }), 'hourlylmp-da-final', undefined, /ISONE_PASSWORD/],
  ])('for %s are refused with what to do', (_, settings, partition, nodes, message) => {
    expect(() => source().chunks(settings, partition, { ...WEEKEND, nodes }, WEEKEND.to)).toThrow(
      expect.objectContaining({ code: 'BAD_USER_INPUT', message: expect.stringMatching(message) }),
    );
  });
});

function node(name: string): NodeName {
  return nodeIn('ISONE', name);
}

function nodeIn(market: string, name: string): NodeName {
  const found = nodeNameFrom(market, name);
  if (!found) throw new TypeError(name);
  return found;
}

function source(): PolledSource<IsoneSettings> {
  if (isoneLmp.source.kind !== 'poll') throw new TypeError('not polled');
  return isoneLmp.source;
}
