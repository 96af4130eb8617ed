/**
 * What operators are told when a vendor does not answer as it should: for each vendor and each trouble the class of the call, and
 * one clear line. What comes of the trouble otherwise is in each feed's own tests.
 */
import { afterEach, describe, expect, test } from 'vitest';
import { messageOf } from '../../domain/errors.ts';
import type { CallOutcome } from '../../domain/source-call.ts';
import { type Environment, readConfig } from '../../runtime/config.ts';
import { type SkippingClock, skippingClock, sourcePartsOn, TURNS_AT_ONCE } from '../../tests/support/source-parts.ts';
import type { Feed } from '../feed.ts';
import { startCkw } from '../stand-ins/ckw.ts';
import { startErcot } from '../stand-ins/ercot.ts';
import { startIsone } from '../stand-ins/isone.ts';
import { startMiso } from '../stand-ins/miso.ts';
import { startNyiso } from '../stand-ins/nyiso.ts';
import { startOasis } from '../stand-ins/oasis.ts';
import { startPjm } from '../stand-ins/pjm.ts';
import { STAND_IN_NODES } from '../stand-ins/pjm-report.ts';
import { startSpp } from '../stand-ins/spp.ts';
import type { OpenTrouble, Trouble } from '../stand-ins/trouble.ts';
import { FEEDS } from './index.ts';

/** An hour of a summer afternoon when every vendor has something. */
const NOW = Date.parse('2026-06-02T18:02:00Z');
const SECRET = 'open-sesame-12';
/** Not what a stand-in takes as its own limit. */
const LIMIT = { requests: 10_000, windowMs: 60_000 };

interface Served {
  readonly environment: Environment;
  failNext(trouble: OpenTrouble, times: number): void;
  failNextAuth?(trouble: Trouble, times: number): void;
  close(): Promise<void>;
}

interface Case {
  readonly vendor: string;
  readonly feed: string;
  readonly partition: string;
  /** Where the poll begins; two hours back. */
  readonly position?: number;
  serve(clock: SkippingClock): Promise<Served>;
  /** What is told otherwise than at most vendors. */
  readonly told?: Partial<Record<Trouble, CallOutcome>>;
}

const CASES: readonly Case[] = [
  {
    vendor: 'CAISO',
    feed: 'caiso-lmp',
    partition: 'PRC_LMP',
    // A page is how OASIS throttles.
    told: { PAGE: 'THROTTLED' },
    serve: async ({ now }) => {
      const oasis = await startOasis({ now, nodes: ['TH_NP15_GEN-APND'], limits: { spacingMs: 0 } });
      return { ...served(oasis), environment: { CAISO_NODES: 'TH_NP15_GEN-APND', CAISO_OASIS_URL: oasis.url } };
    },
  },
  {
    vendor: 'PJM',
    feed: 'pjm-lmp',
    partition: 'da_hrl_lmps',
    serve: async ({ now }) => {
      const pjm = await startPjm({ now, nodes: STAND_IN_NODES, key: SECRET, limit: LIMIT });
      const environment = { PJM_NODES: '51288=WESTERN HUB', PJM_API_KEY: SECRET, PJM_URL: pjm.url };
      return { ...served(pjm), failNextAuth: pjm.failNext, environment };
    },
  },
  {
    vendor: 'ERCOT',
    feed: 'ercot-lmp',
    partition: 'np4-190-cd',
    serve: async ({ now }) => {
      const credentials = { username: 'trader', password: SECRET, subscriptionKey: `${SECRET}-key` };
      const limits = { requestsPerMinute: LIMIT.requests };
      const ercot = await startErcot({ now, points: ['HB_NORTH'], credentials, limits });
      const environment = {
        ERCOT_NODES: 'HB_NORTH',
        ERCOT_USERNAME: credentials.username,
        ERCOT_PASSWORD: credentials.password,
        ERCOT_SUBSCRIPTION_KEY: credentials.subscriptionKey,
        ERCOT_URL: ercot.url,
        ERCOT_TOKEN_URL: ercot.tokenUrl,
      };
      return { ...served(ercot), failNextAuth: ercot.failNext, environment };
    },
  },
  {
    vendor: 'MISO',
    feed: 'miso-lmp',
    partition: 'lmp-expost',
    // Final prices come some days later.
    position: NOW - 8 * 24 * 3_600_000,
    serve: async ({ now }) => {
      const miso = await startMiso({ now, nodes: ['INDIANA.HUB'], key: SECRET, limit: LIMIT });
      const environment = {
        MISO_NODES: 'INDIANA.HUB',
        MISO_API_KEY: SECRET,
        MISO_REPORTS_URL: miso.url,
        MISO_DISPLAY_URL: miso.url,
        MISO_PRICING_URL: miso.url,
      };
      return { ...served(miso), failNextAuth: miso.failNext, environment };
    },
  },
  {
    vendor: 'SPP',
    feed: 'spp-lmp',
    partition: 'rtbm-lmp-by-location',
    // What is whole of half a file is taken, and the rest is a dead letter.
    told: { TRUNCATED: 'OK' },
    serve: async ({ now }) => {
      const spp = await startSpp({ now, locations: [{ name: 'SPPNORTH_HUB', area: 'SPP' }] });
      return { ...served(spp), environment: { SPP_NODES: 'SPPNORTH_HUB', SPP_URL: spp.url } };
    },
  },
  {
    vendor: 'NYISO',
    feed: 'nyiso-lmp',
    partition: 'realtime_zone',
    serve: async ({ now }) => {
      const nyiso = await startNyiso({ now, zones: ['N.Y.C.'] });
      return {
        // Half of a file may end where a line does.
        failNext: (trouble, times) => nyiso.failNext(trouble === 'TRUNCATED' ? { cutOff: 5 } : trouble, times),
        close: nyiso.close,
        environment: { NYISO_NODES: 'N.Y.C.', NYISO_URL: nyiso.url },
      };
    },
  },
  {
    vendor: 'ISO-NE',
    feed: 'isone-lmp',
    partition: 'hourlylmp-da-final',
    serve: async ({ now }) => {
      const isone = await startIsone({ now, username: 'trader', password: SECRET });
      const environment = {
        ISONE_NODES: '4000',
        ISONE_USERNAME: 'trader',
        ISONE_PASSWORD: SECRET,
        ISONE_URL: isone.url,
      };
      return { ...served(isone), failNextAuth: isone.failNext, environment };
    },
  },
  {
    vendor: 'CKW',
    feed: 'ckw-tariffs',
    partition: 'home_dynamic',
    serve: async ({ now }) => {
      const ckw = await startCkw({ now, limit: LIMIT });
      return { ...served(ckw), environment: { CKW_TARIFFS: 'home_dynamic', CKW_URL: ckw.url } };
    },
  },
];

const TOLD: readonly (readonly [OpenTrouble, CallOutcome, RegExp])[] = [
  ['THROTTLED', 'THROTTLED', /429|throttl|too often|rate|1015/i],
  ['SERVER_ERROR', 'SERVER_ERROR', / answered with status 503$/],
  ['NO_DATA', 'NO_DATA', /^$/],
  ['PAGE', 'MALFORMED', /page|HTML|<!doctype|<html/i],
  ['TRUNCATED', 'MALFORMED', /cut off|cannot be read|damaged|JSON|zip/i],
  ['OTHER_COLUMNS', 'MALFORMED', /column|cannot be read/i],
  ['COLUMN_ORDER', 'OK', /^$/],
  ['STALL', 'TIMEOUT', / did not answer within \d+ s$/],
  ['CUT', 'NETWORK', / lost the connection to http:\/\/127\.0\.0\.1:\d+: /],
];

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

describe.each(CASES)('$vendor', (each) => {
  test.each(TOLD)('that is in trouble, %s, is told of as %s', async (trouble, usual, line) => {
    const { told, failed, partition } = await polledWith(each, trouble);
    const outcome = each.told?.[trouble] ?? usual;
    expect(told[0]).toMatchObject({ source: each.vendor, endpoint: partition, outcome });
    expect(new Set(told.map((call) => call.outcome))).toEqual(new Set([outcome]));
    if (outcome === 'OK') return;
    for (const { error = '' } of told) expect(error).toMatch(line);
    for (const text of [...told.map(({ error = '' }) => error), failed]) {
      expect(text).not.toMatch(/[\n\r?]/);
      expect(text).not.toContain(SECRET);
    }
  });
});

describe.each(CASES.filter(({ vendor }) => ['PJM', 'ERCOT', 'MISO', 'ISO-NE'].includes(vendor)))('$vendor', (each) => {
  test('that does not know us is told of as AUTH, in a line that says so', async () => {
    const { told, failed } = await polledWith(each, 'AUTH');
    expect(new Set(told.map(({ outcome }) => outcome))).toEqual(new Set(['AUTH']));
    // Once more with a new token.
    expect(told.length).toBeLessThanOrEqual(2);
    expect(failed).toMatch(/401|does not know the user/);
    expect(failed).not.toContain(SECRET);
  });
});

function served(standIn: Pick<Served, 'failNext' | 'close'>): Pick<Served, 'failNext' | 'close'> {
  return { failNext: standIn.failNext, close: standIn.close };
}

/** One poll of a vendor that is in trouble all the time. */
async function polledWith({ feed: id, partition, position = NOW - 2 * 3_600_000, serve }: Case, trouble: Trouble) {
  const patient = skippingClock(NOW);
  // Only who waits for silence waits in real time, and not for minutes.
  const clock = trouble === 'STALL' ? { ...patient, deadline: () => AbortSignal.timeout(50) } : patient;
  const { environment, failNext, failNextAuth, close } = await serve(clock);
  const { source } = FEEDS.find((feed): feed is Feed => feed.id === id) ?? {};
  if (source?.kind !== 'poll') throw new TypeError(`${id} is not polled`);
  const parts = sourcePartsOn(clock, TURNS_AT_ONCE);
  const poller = source.open(readConfig(environment, [source.env]).settings(source.env), parts);
  cleanups.push(() => poller.close(), close);
  if (trouble === 'AUTH') failNextAuth?.(trouble, 1_000);
  else failNext(trouble, 1_000);
  let failed = '';
  try {
    const polling = new AbortController();
    for await (const _ of poller.poll(partition, position, NOW, polling.signal)) polling.abort();
  } catch (error) {
    failed = messageOf(error);
  }
  return { told: parts.told.filter(({ endpoint }) => endpoint !== 'login'), failed, partition };
}
