import { describe, expect, test } from 'vitest';
import { DAY_MS, HOUR_MS, isoFromInstant } from '../../../domain/instant.ts';
import { type NodeName, nodeNameFrom, parseNodeName } from '../../../domain/market.ts';
import { readConfig } from '../../../runtime/config.ts';
import type { Chunk } from '../../feed.ts';
import { caisoChunks } from './chunks.ts';
import { CAISO_ENV } from './settings.ts';

const at = (iso: string) => Date.parse(iso);
const settingsOf = (env: Readonly<Record<string, string>>) => readConfig(env, [CAISO_ENV]).settings(CAISO_ENV);
const SETTINGS = settingsOf({ CAISO_NODES: 'TH_NP15_GEN-APND,TH_SP15_GEN-APND' });
const WEEK = { from: at('2024-07-01T07:00Z'), to: at('2024-07-08T07:00Z'), nodes: undefined };
const shown = (chunks: readonly Chunk[]) =>
  chunks.map(({ from, to }) => `${isoFromInstant(from).slice(0, 16)} ${isoFromInstant(to).slice(0, 16)}`);

describe('the chunks of a backfill', () => {
  test('are requests that a person can read, relative to the base URL', () => {
    expect(caisoChunks(SETTINGS, 'PRC_LMP', WEEK)).toEqual([
      {
        from: WEEK.from,
        to: WEEK.to,
        request:
          'SingleZip?queryname=PRC_LMP&version=12&resultformat=6&startdatetime=20240701T07:00-0000&enddatetime=20240708T07:00-0000&market_run_id=DAM&node=TH_NP15_GEN-APND,TH_SP15_GEN-APND',
      },
    ]);
  });

  test.each([
    ['PRC_INTVL_LMP', ['2024-07-01T07:00 2024-07-03T07:00', '2024-07-03T07:00 2024-07-05T07:00']],
    ['PRC_RTPD_LMP', ['2024-07-01T07:00 2024-07-08T07:00']],
    ['PRC_HASP_LMP', ['2024-07-01T07:00 2024-07-08T07:00']],
  ])('of %s are as large as OASIS takes them at ease', (partition, first) => {
    expect(shown(caisoChunks(SETTINGS, partition, WEEK)).slice(0, 2)).toEqual(first);
  });

  test('ask for ten nodes at a time, window by window', () => {
    const nodes = Array.from({ length: 12 }, (_, i) => node(`NODE_${i}`));
    const chunks = caisoChunks(SETTINGS, 'PRC_INTVL_LMP', { ...WEEK, to: WEEK.from + 3 * DAY_MS, nodes });
    expect(chunks.map(({ from, request }) => [(from - WEEK.from) / DAY_MS, request.split('node=')[1]])).toEqual([
      [0, 'NODE_0,NODE_1,NODE_2,NODE_3,NODE_4,NODE_5,NODE_6,NODE_7,NODE_8,NODE_9'],
      [0, 'NODE_10,NODE_11'],
      [2, 'NODE_0,NODE_1,NODE_2,NODE_3,NODE_4,NODE_5,NODE_6,NODE_7,NODE_8,NODE_9'],
      [2, 'NODE_10,NODE_11'],
    ]);
  });

  test('hold the intervals that start in the range, and no other', () => {
    const range = { from: at('2024-07-01T07:01Z'), to: at('2024-07-01T09:01Z'), nodes: undefined };
    expect(shown(caisoChunks(SETTINGS, 'PRC_LMP', range))).toEqual(['2024-07-01T08:00 2024-07-01T10:00']);
    expect(caisoChunks(SETTINGS, 'PRC_LMP', { ...range, to: range.from + HOUR_MS / 2 })).toEqual([]);
  });

  test('of nodes named twice ask for them once', () => {
    const chunks = caisoChunks(SETTINGS, 'PRC_LMP', { ...WEEK, nodes: [node('N1'), node('N1')] });
    expect(chunks.map(({ request }) => request.split('node=')[1])).toEqual(['N1']);
  });

  test('older than OASIS keeps are planned all the same: OASIS itself says no', () => {
    const range = { from: at('2010-01-01T08:00Z'), to: at('2010-01-02T08:00Z'), nodes: undefined };
    expect(caisoChunks(SETTINGS, 'PRC_LMP', range)).toHaveLength(1);
  });

  test('of corrections are trade dates, of 23 and 25 hours where the clock changes', () => {
    const range = { from: at('2024-11-02T20:00Z'), to: at('2024-11-04T08:01Z'), nodes: undefined };
    const chunks = caisoChunks(SETTINGS, 'PRC_CORR_GRP', range);
    expect(shown(chunks)).toEqual([
      '2024-11-02T07:00 2024-11-03T07:00',
      '2024-11-03T07:00 2024-11-04T08:00',
      '2024-11-04T08:00 2024-11-05T08:00',
    ]);
    expect(chunks[1]?.request).toBe(
      'GroupZip?groupid=PRC_CORR_GRP&version=1&resultformat=6&startdatetime=20241103T07:00-0000&enddatetime=20241104T08:00-0000',
    );
  });
});

describe('what cannot be backfilled is refused with what to do', () => {
  test.each([
    ['an unknown partition', 'PRC_NOTHING', undefined, /one of PRC_LMP, .*PRC_CORR_GRP/],
    ['a node of another market', 'PRC_LMP', [parsed('PJM:PJM-WEST')], /PJM:PJM-WEST is no node of CAISO/],
    ['a node that OASIS cannot have', 'PRC_LMP', [node('A,B')], /not named as OASIS names/],
    ['a node that would change the request', 'PRC_LMP', [node('N1&grp_type=ALL')], /not named as OASIS names/],
    ['an empty list of nodes', 'PRC_LMP', [], /set CAISO_NODES/],
    ['corrections of some nodes', 'PRC_CORR_GRP', [node('N1')], /name none/],
  ])('%s', (_, partition, nodes, message) => {
    expect(() => caisoChunks(SETTINGS, partition, { ...WEEK, nodes })).toThrow(
      expect.objectContaining({ code: 'BAD_USER_INPUT', message: expect.stringMatching(message) }),
    );
  });

  test('no nodes at all', () => {
    expect(() => caisoChunks(settingsOf({}), 'PRC_LMP', WEEK)).toThrow(
      expect.objectContaining({ code: 'BAD_USER_INPUT', message: expect.stringMatching(/set CAISO_NODES/) }),
    );
  });
});

function node(name: string): NodeName {
  const found = nodeNameFrom('CAISO', name);
  if (!found) throw new TypeError(name);
  return found;
}

function parsed(text: string): NodeName {
  const found = parseNodeName(text);
  if (!found) throw new TypeError(text);
  return found;
}
