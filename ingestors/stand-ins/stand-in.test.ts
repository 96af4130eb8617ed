import { afterEach, describe, expect, test } from 'vitest';
import type { Payload } from '../feed.ts';
import { decodeOasisLmp } from '../feeds/caiso/decode.ts';
import { decodeTariffs } from '../feeds/ckw/decode-tariffs.ts';
import { decodeErcotLmp } from '../feeds/ercot/decode.ts';
import { decodeIsoneLmp } from '../feeds/isone/decode.ts';
import { decodeMisoLmp } from '../feeds/miso/decode.ts';
import { decodeLbmp } from '../feeds/nyiso/decode.ts';
import { decodePjmLmp } from '../feeds/pjm/decode.ts';
import { decodeSppLmp } from '../feeds/spp/decode.ts';
import { startCkw } from './ckw.ts';
import { startErcot } from './ercot.ts';
import { startIsone } from './isone.ts';
import { startMiso } from './miso.ts';
import { startNyiso } from './nyiso.ts';
import { startOasis } from './oasis.ts';
import { startPjm } from './pjm.ts';
import { startSpp } from './spp.ts';
import type { StandIn, StandInOptions } from './stand-in.ts';
import { createFaultDice, type ToldTrouble, type Trouble } from './trouble.ts';

type Known = Omit<StandIn<Trouble | ToldTrouble, unknown>, 'requests'> & { readonly requests: readonly unknown[] };

interface VendorUnderTest {
  readonly open: (options: StandInOptions) => Promise<Known>;
  readonly path: string;
  /** A partition of its feed. */
  readonly payloadName: string;
  readonly decode: (payload: Payload) => unknown;
  readonly headersFor?: (standIn: Known) => Promise<Record<string, string>>;
  /** As the vendor states it. */
  readonly limit?: readonly [requests: number, windowMs: number];
  readonly hasCredentials?: true;
  /** A name in the data that `OTHER_COLUMNS` takes away. */
  readonly column: string;
}

const NOW = Date.parse('2026-07-02T19:30Z');
const KEY = { 'ocp-apim-subscription-key': 'k' };

// A stand-in of a vendor without credentials takes no `AUTH`; this suite asks for it only where there are some.
const asKnown = (standIn: Promise<unknown>) => standIn as Promise<Known>;

const VENDORS: Readonly<Record<string, VendorUnderTest>> = {
  CAISO: {
    open: (options) => asKnown(startOasis({ ...options, nodes: ['A', 'B'] })),
    path: '/SingleZip?queryname=PRC_LMP&version=12&resultformat=6&market_run_id=DAM&startdatetime=20260702T07:00-0000&enddatetime=20260703T07:00-0000&node=A,B',
    payloadName: 'PRC_LMP',
    decode: decodeOasisLmp,
    limit: [1, 5_000],
    column: 'LMP_TYPE',
  },
  PJM: {
    open: (options) => startPjm({ ...options, nodes: [{ id: 1, name: 'PJM-RTO', type: 'ZONE' }], key: 'k' }),
    path: '/da_hrl_lmps?startRow=1&rowCount=50000&datetime_beginning_ept=07/02/2026 00:00to07/02/2026 23:00&pnode_id=1',
    payloadName: 'da_hrl_lmps',
    decode: decodePjmLmp,
    headersFor: async () => KEY,
    limit: [6, 60_000],
    hasCredentials: true,
    column: 'total_lmp_da',
  },
  ERCOT: {
    open: (options) =>
      startErcot({
        ...options,
        points: ['HB_NORTH'],
        credentials: { username: 'u', password: 'p', subscriptionKey: 'k', clientId: 'c' },
      }),
    path: '/np4-190-cd/dam_stlmnt_pnt_prices?deliveryDateFrom=2026-07-02&deliveryDateTo=2026-07-02&settlementPoint=HB_NORTH',
    payloadName: 'np4-190-cd',
    decode: decodeErcotLmp,
    headersFor: async (ercot) => {
      const body =
        'grant_type=password&client_id=c&username=u&password=p&scope=openid%20c%20offline_access&response_type=id_token';
      const headers = { 'content-type': 'application/x-www-form-urlencoded' };
      const response = await fetch(`${ercot.origin}/oauth2/v2.0/token`, { method: 'POST', headers, body });
      const { id_token: token } = await response.json();
      return { ...KEY, authorization: `Bearer ${token}` };
    },
    limit: [30, 60_000],
    hasCredentials: true,
    column: 'settlementPointPrice',
  },
  'MISO’s market reports': {
    open: (options) => startMiso({ ...options, nodes: ['MINN.HUB'], key: 'k' }),
    path: '/marketreports/20260702_da_expost_lmp.csv',
    payloadName: '20260702_da_expost_lmp.csv',
    decode: decodeMisoLmp,
    column: 'Value',
  },
  'MISO’s display': {
    open: (options) => startMiso({ ...options, nodes: ['MINN.HUB'], key: 'k' }),
    path: '/api/MarketPricing/GetRealTimeFiveMinExPost/Current',
    payloadName: 'GetRealTimeFiveMinExPost',
    decode: decodeMisoLmp,
    column: '"LMP"',
  },
  'MISO’s pricing API': {
    open: (options) => startMiso({ ...options, nodes: ['MINN.HUB'], key: 'k' }),
    path: '/pricing/v1/real-time/2026-06-20/lmp-expost?preliminaryFinal=Final&timeResolution=5min&node=MINN.HUB',
    payloadName: 'lmp-expost',
    decode: decodeMisoLmp,
    headersFor: async () => KEY,
    limit: [100, 60_000],
    hasCredentials: true,
    column: '"lmp"',
  },
  SPP: {
    open: (options) => asKnown(startSpp({ ...options, locations: [{ name: 'SPPNORTH_HUB', area: 'SPP' }] })),
    path: '/da-lmp-by-settlement-location?path=/2026/07/By_Day/DA-LMP-SL-202607020100.csv',
    payloadName: 'da-lmp-by-settlement-location',
    decode: decodeSppLmp,
    column: 'Settlement Location',
  },
  NYISO: {
    open: (options) => asKnown(startNyiso({ ...options, zones: ['WEST'] })),
    path: '/damlbmp/20260702damlbmp_zone.csv',
    payloadName: '20260702damlbmp_zone.csv',
    decode: decodeLbmp,
    column: 'Name',
  },
  'ISO-NE': {
    open: (options) => startIsone({ ...options, username: 'u', password: 'p' }),
    path: '/hourlylmp/da/final/day/20260702/location/4000',
    payloadName: 'hourlylmp-da-final',
    decode: decodeIsoneLmp,
    headersFor: async () => ({ accept: 'application/json', authorization: `Basic ${btoa('u:p')}` }),
    hasCredentials: true,
    column: 'LmpTotal',
  },
  CKW: {
    open: (options) => startCkw(options),
    path: '/netzinformationen/energie/dynamische-preise?tariff_name=home_dynamic&start_timestamp=2026-07-01T22:00Z&end_timestamp=2026-07-02T21:45Z',
    payloadName: 'home_dynamic',
    decode: decodeTariffs,
    limit: [4, 999_000],
    hasCredentials: true,
    column: 'start_timestamp',
  },
};

const running: Known[] = [];
let now = NOW;
afterEach(async () => {
  now = NOW;
  for (const standIn of running.splice(0)) await standIn.close();
});

describe.each(Object.entries(VENDORS))('a stand-in of %s', (_, vendor) => {
  test('says that it is asked too often, that it fails, that there is nothing, as the vendor does', async () => {
    const { standIn, ask } = await begin(vendor);
    for (const trouble of ['THROTTLED', 'SERVER_ERROR', 'NO_DATA', 'PAGE'] as const) standIn.failNext(trouble);
    const [throttled, failed, nothing, page] = [await ask(), await ask(), await ask(), await ask()];
    expect([throttled?.status, failed?.status]).toEqual([429, 503]);
    expect([page?.status, page?.text.slice(0, 9).toLowerCase().replace('<html><', '<!doctype')]).toEqual([
      200,
      expect.stringMatching(/^<(!doctype|html)/),
    ]);
    if (nothing?.status === 200)
      await expect(decoded(vendor, nothing.bytes)).rejects.toMatchObject({ code: 'NO_DATA' });
    else expect(nothing?.status).toBe(404);
    expect((await ask()).status).toBe(200);
    expect(standIn.counts.injected).toEqual({ THROTTLED: 1, SERVER_ERROR: 1, NO_DATA: 1, PAGE: 1 });
  });

  test('cuts an answer in half without a word, and a connection in the middle of it', async () => {
    const { standIn, ask } = await begin(vendor);
    const whole = await ask();
    standIn.failNext('TRUNCATED');
    standIn.failNext('CUT');
    const half = await ask();
    expect(half.bytes.length).toBe(Math.floor(whole.bytes.length / 2));
    await expect(ask()).rejects.toThrow();
    expect((await ask()).bytes.length).toBe(whole.bytes.length);
  });

  test('is silent for good, before the headers or after them, and can be closed all the same', async () => {
    const { standIn, ask } = await begin(vendor);
    standIn.failNext('STALL');
    standIn.failNext({ silentAfter: 'HEADERS' });
    const asked = standIn.requests.length;
    const silent = [ask(), ask()].map((asking) => asking.catch((error: unknown) => error));
    await expect.poll(() => standIn.requests.length).toBe(asked + 2);
    await standIn.close();
    running.splice(0);
    for (const each of silent) expect(await each).toBeInstanceOf(Error);
  });

  test('gives the same prices from columns in another order, and none without one of them', async () => {
    const { standIn, ask } = await begin(vendor);
    const right = await ask();
    standIn.failNext('COLUMN_ORDER');
    standIn.failNext('OTHER_COLUMNS');
    const turned = await ask();
    const without = await ask();
    expect(turned.bytes).not.toEqual(right.bytes);
    expect(await decoded(vendor, turned.bytes)).toEqual(await decoded(vendor, right.bytes));
    if (vendor.payloadName !== 'PRC_LMP') expect(without.text).not.toContain(vendor.column);
    const facts = await decoded(vendor, without.bytes).catch(() => []);
    expect(facts).toEqual([]);
  });

  test('keeps to the limit that the vendor states, and counts who does not', async () => {
    const { standIn, ask } = await begin(vendor, false);
    const [requests, windowMs] = vendor.limit ?? [20, 60_000];
    const statuses: number[] = [];
    for (let i = 0; i < requests + 1; i += 1) statuses.push((await ask()).status);
    expect(statuses).toEqual([...Array<number>(requests).fill(200), vendor.limit ? 429 : 200]);
    expect(standIn.overLimit).toBe(vendor.limit ? 1 : 0);
    now += windowMs;
    expect((await ask()).status).toBe(200);
  });

  if (vendor.hasCredentials) {
    test('refuses a key or a token as the vendor does', async () => {
      const { standIn, ask } = await begin(vendor);
      standIn.failNext('AUTH', 2);
      expect([(await ask()).status, (await ask()).status, (await ask()).status]).toEqual([401, 401, 200]);
    });
  }
});

describe('a steady share of failures', () => {
  const drawn = (count: number, share: number, inARowMax = 3, random?: () => number) => {
    const dice = createFaultDice({ share, troubles: ['PAGE', 'CUT'], inARowMax, ...(random && { random }) }, () => 0.3);
    return Array.from({ length: count }, dice);
  };

  test('is as large as it was told, and of every trouble', () => {
    let state = 1;
    const random = () => {
      state = (state * 48_271) % 2_147_483_647;
      return state / 2_147_483_647;
    };
    const faults = drawn(4_000, 0.25, 3, random).filter((fault) => fault !== undefined);
    expect(faults.length).toBeGreaterThan(850);
    expect(faults.length).toBeLessThan(1_150);
    expect(new Set(faults)).toEqual(new Set(['PAGE', 'CUT']));
  });

  test('ends by itself, however large it is', () => {
    expect(drawn(6, 1, 2).map((fault) => fault !== undefined)).toEqual([true, true, false, true, true, false]);
  });

  test.each([1.1, -0.1, Number.NaN])('of %d is refused', (share) => {
    expect(() => drawn(1, share)).toThrow(RangeError);
  });

  test('can be begun and ended, and is counted', async () => {
    const spp = await startSpp({ now: () => NOW, locations: [] });
    spp.failing({ share: 1, troubles: ['SERVER_ERROR'], inARowMax: 9 });
    const ask = async () => (await fetch(`${spp.url}/x`)).status;
    expect([await ask(), await ask()]).toEqual([503, 503]);
    spp.failing(undefined);
    expect([await ask(), spp.counts.injected]).toEqual([404, { SERVER_ERROR: 2 }]);
    await spp.close();
  });
});

test('a port that is taken is an error', async () => {
  const spp = await startSpp({ now: () => NOW, locations: [] });
  await expect(startSpp({ now: () => NOW, locations: [], port: Number(new URL(spp.url).port) })).rejects.toThrow(
    /EADDRINUSE/,
  );
  await spp.close();
});

/** @param unhurried time passes between requests, so that no limit is met */
async function begin(vendor: VendorUnderTest, unhurried = true) {
  const standIn = await vendor.open({ now: () => now });
  running.push(standIn);
  const headers = (await vendor.headersFor?.(standIn)) ?? {};
  const ask = async () => {
    if (unhurried) now += vendor.limit ? vendor.limit[1] / vendor.limit[0] : 0;
    const response = await fetch(standIn.url + vendor.path, { headers });
    const bytes = Buffer.from(await response.arrayBuffer());
    return { status: response.status, bytes, text: bytes.toString() };
  };
  return { standIn, ask };
}

async function decoded(vendor: VendorUnderTest, bytes: Buffer): Promise<unknown> {
  const result = await vendor.decode({ bytes, name: vendor.payloadName });
  return typeof result === 'object' && result !== null && 'facts' in result ? result.facts : undefined;
}
