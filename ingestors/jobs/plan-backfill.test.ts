import { expect, it } from 'vitest';
import { readConfig } from '../../runtime/config.ts';
import { caisoLmp } from '../feeds/caiso/feed.ts';
import { CAISO_ENV } from '../feeds/caiso/settings.ts';
import { planBackfill } from './plan-backfill.ts';
import { isPolledFeed, type PolledFeed } from './pollers.ts';

const DAY = { from: Date.UTC(2026, 0, 9), to: Date.UTC(2026, 0, 10) };
const caiso: PolledFeed = isPolledFeed(caisoLmp) ? caisoLmp : expect.unreachable();
const settings = (environment: Record<string, string>) => readConfig(environment, [CAISO_ENV]).settings(CAISO_ENV);
const requests = (environment: Record<string, string>, owed: Record<string, string[]>, partitions?: string[]) =>
  planBackfill(
    caiso,
    settings(environment),
    { windows: [{ ...DAY, ...(partitions && { partitions }) }] },
    new Map(Object.entries(owed)),
    DAY.to,
  ).map(({ partition, request }) => [partition, /node=([^&]*)/.exec(request ?? '')?.[1]]);

it('a process that is not configured for a feed plans by what those that are have written down', () => {
  expect(requests({}, { PRC_LMP: ['CAISO:A', 'CAISO:B'] })).toEqual([['backfill/PRC_LMP', 'A,B']]);
  expect(requests({}, { PRC_LMP: ['CAISO:A'], PRC_HASP_LMP: ['CAISO:A'] }, ['PRC_HASP_LMP'])).toEqual([
    ['backfill/PRC_HASP_LMP', 'A'],
  ]);
});

it('one that is configured plans by its own settings', () => {
  const environment = { CAISO_NODES: 'C', CAISO_REPORTS: 'PRC_LMP', CAISO_CORRECTIONS_DAYS: '0' };
  expect(requests(environment, { PRC_LMP: ['CAISO:A'] })).toEqual([['backfill/PRC_LMP', 'C']]);
});

it('where nobody is configured, it says what to name', () => {
  expect(() => requests({}, {})).toThrow(/name its partitions and nodes/);
});
