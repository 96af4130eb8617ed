import { afterEach, describe, expect, test } from 'vitest';
import { DAY_MS, HOUR_MS, isoFromInstant, MINUTE_MS } from '../../../domain/instant.ts';
import { checkIdentity, type LmpFact } from '../../../domain/lmp.ts';
import { localNameOf, type NodeName, parseNodeName } from '../../../domain/market.ts';
import { readConfig } from '../../../runtime/config.ts';
import { skippingClock, sourcePartsOn } from '../../../tests/support/source-parts.ts';
import type { Fetched, Poller } from '../../feed.ts';
import { createReportPoller } from '../../sources/report-poller.ts';
import { type Miso, type MisoOptions, startMiso } from '../../stand-ins/miso.ts';
import { type MisoMarket, misoPrices } from '../../stand-ins/miso-prices.ts';
import { decodeMisoLmp } from './decode.ts';
import { REPORT_NAMES, type ReportName } from './reports.ts';
import { chunkRequests, requestFrom } from './requests.ts';
import { MISO_ENV } from './settings.ts';
import { createMisoSource } from './source.ts';

const at = (iso: string) => Date.parse(iso);
const never = new AbortController().signal;
const HUBS = ['INDIANA.HUB', 'MINN.HUB'];
const NODES = [...HUBS, 'AMIL.ALTW', 'EAI.CC.PB1'];
const DISPLAY = 'api/MarketPricing/GetRealTimeFiveMinExPost';
/** 13:30 on Wednesday, in MISO's time. */
const NOW = '2025-11-05T18:30Z';

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

describe('a poll', () => {
  test.each([
    ['da_expost_lmp', 'day-ahead', ['20251103', '20251104', '20251105', '20251106'], [], '2025-11-07T05:00:00.000Z'],
    ['rt_lmp_prelim', 'preliminary', ['20251102', '20251103', '20251104'], [], '2025-11-05T05:00:00.000Z'],
    [
      'rt_lmp_final',
      'real-time',
      ['20251022', '20251023', '20251024', '20251025', '20251026', '20251027', '20251028', '20251029', '20251030'],
      ['20251031'],
      '2025-10-31T05:00:00.000Z',
    ],
  ] as const)('of %s brings the files there are, and then asks for none of them again', async (...expected) => {
    const [report, market, there, missing, position] = expected;
    const { poller, miso, clock } = await begin();
    const path = (day: string) => `marketreports/${day}_${report}.csv`;
    const fetched = await all(poller, report, undefined, clock.now());
    expect(miso.requests).toEqual([...there, ...missing].map(path));
    expect(fetched).toHaveLength(there.length);
    await expectPrices(fetched, market, HUBS);
    expect(isoFromInstant(fetched.at(-1)?.next ?? 0)).toBe(position);
    await all(poller, report, fetched.at(-1)?.next, clock.now());
    expect(miso.requests).toEqual([...there, ...missing, ...missing].map(path));
  });

  test('asks for tomorrow’s prices from 13:00 on, until they are there', async () => {
    const { poller, miso, clock } = await begin({ now: '2025-11-05T17:59Z', missing: ['20251106_da_expost_lmp.csv'] });
    const position = at('2025-11-06T05:00Z');
    expect(await all(poller, 'da_expost_lmp', position, clock.now())).toEqual([]);
    expect(miso.requests).toEqual([]);
    await clock.sleep(2 * MINUTE_MS);
    expect(await all(poller, 'da_expost_lmp', position, clock.now())).toEqual([]);
    expect(miso.requests).toEqual(['marketreports/20251106_da_expost_lmp.csv']);
  });

  test('of preliminary prices says that they are', async () => {
    const { poller, clock } = await begin();
    const facts = await factsIn(await all(poller, 'rt_lmp_prelim', undefined, clock.now()));
    expect(facts.every(({ preliminary }) => preliminary)).toBe(true);
    const final = await factsIn(await all(poller, 'rt_lmp_final', undefined, clock.now()));
    expect(final.some(({ preliminary }) => preliminary)).toBe(false);
  });

  test('says when MISO published a file, and keeps what came for the nodes asked for, in its own bytes', async () => {
    const { poller, clock } = await begin();
    const [fetched] = await all(poller, 'rt_lmp_prelim', at('2025-11-04T05:00Z'), clock.now());
    expect(fetched?.publishedAt).toBe(at('2025-11-05T12:00Z'));
    expect(fetched?.request).toBe('marketreports/20251104_rt_lmp_prelim.csv#nodes=INDIANA.HUB,MINN.HUB');
    const whole = await (await begin({ env: { MISO_NODES: 'ALL' } })).poller.fetch(
      'rt_lmp_prelim',
      'marketreports/20251104_rt_lmp_prelim.csv',
      never,
    );
    const kept = whole.payload.bytes
      .toString('utf8')
      .split('\n')
      .filter((line) => !/^(AMIL|EAI)\./.test(line));
    expect(fetched?.payload.bytes.toString('utf8')).toBe(kept.join('\n'));
  });

  test('of ALL keeps every node', async () => {
    const { poller, clock } = await begin({ env: { MISO_NODES: 'ALL' } });
    await expectPrices(await all(poller, 'rt_lmp_prelim', at('2025-11-04T05:00Z'), clock.now()), 'preliminary', NODES);
  });

  test('of a node that MISO does not have finds no data', async () => {
    const { poller, clock } = await begin({ env: { MISO_NODES: 'NO.SUCH' } });
    expect(await all(poller, 'rt_lmp_prelim', at('2025-11-04T05:00Z'), clock.now())).toEqual([]);
    expect(await all(poller, 'GetRealTimeFiveMinExPost', clock.now() - HOUR_MS, clock.now())).toEqual([]);
  });
});

describe('a file that is missing', () => {
  test('holds back the position and not the files behind it, until it is settled', async () => {
    const { poller, clock } = await begin({ missing: ['20251103_rt_lmp_prelim.csv'] });
    const position = at('2025-11-03T05:00Z');
    const fetched = await all(poller, 'rt_lmp_prelim', position, clock.now());
    expect(fetched.map(({ request, next }) => [request.slice(14, 22), isoFromInstant(next)])).toEqual([
      ['20251104', '2025-11-03T05:00:00.000Z'],
    ]);
    await clock.sleep(2 * DAY_MS);
    const later = await all(poller, 'rt_lmp_prelim', position, clock.now());
    expect(later.map(({ request }) => request.slice(14, 22))).toEqual(['20251103', '20251104', '20251105', '20251106']);
    await expect(decodeMisoLmp(later[0]?.payload ?? NOTHING)).rejects.toMatchObject({ code: 'NO_DATA' });
    expect(isoFromInstant(later.at(-1)?.next ?? 0)).toBe('2025-11-04T18:00:00.000Z');
  });
});

describe('five-minute prices', () => {
  test('of a first poll are those of yesterday and today', async () => {
    const { poller, miso, clock } = await begin();
    const fetched = await all(poller, 'GetRealTimeFiveMinExPost', undefined, clock.now());
    expect(miso.requests).toEqual([`${DISPLAY}/Previous`, `${DISPLAY}/Rolling`]);
    await expectPrices(fetched, 'real-time', HUBS);
    expect(await factsIn(fetched)).toHaveLength((288 + 162) * HUBS.length);
    expect(fetched.map(({ next }) => isoFromInstant(next))).toEqual([
      '2025-11-05T05:00:00.000Z',
      '2025-11-05T17:30:00.000Z',
    ]);
  });

  test('of the next polls are the newest, and of the whole day six times a day', async () => {
    const { poller, miso, clock } = await begin({ now: '2025-11-05T05:59Z', env: { MISO_REQUEST_SPACING_MS: '0' } });
    let position: number | undefined = at('2025-11-05T04:55Z');
    const starts = new Set<number>();
    for (let minutes = 0; minutes < 24 * 60; minutes += 5) {
      await clock.sleep(5 * MINUTE_MS);
      const fetched: Fetched[] = await all(poller, 'GetRealTimeFiveMinExPost', position, clock.now());
      position = fetched.at(-1)?.next ?? position;
      for (const { startAt } of await factsIn(fetched)) starts.add(startAt);
    }
    const times = (form: string) => miso.requests.filter((path) => path === `${DISPLAY}/${form}`).length;
    expect(['Previous', 'Rolling', 'Current'].map(times)).toEqual([1, 6, 24 * 12 - 6]);
    expect(Math.max(...starts) - Math.min(...starts)).toBe((starts.size - 1) * 5 * MINUTE_MS);
  });

  test('that were passed over while nobody polled are asked for at once', async () => {
    const { poller, miso, clock } = await begin();
    await all(poller, 'GetRealTimeFiveMinExPost', clock.now() - HOUR_MS - 15 * MINUTE_MS, clock.now());
    expect(miso.requests).toEqual([`${DISPLAY}/Rolling`]);
  });

  test.each([
    ['a page', ['PAGE']],
    ['half an answer', ['TRUNCATED', 'TRUNCATED']],
    ['a failure', ['SERVER_ERROR', 'THROTTLED']],
    ['a connection that is dropped', ['CUT']],
  ] as const)('are asked for again after %s', async (_, faults) => {
    const { poller, miso, clock } = await begin();
    for (const fault of faults) miso.failNext(fault);
    const fetched = await all(poller, 'GetRealTimeFiveMinExPost', at('2025-11-05T17:25Z'), clock.now());
    expect(await factsIn(fetched)).toHaveLength(HUBS.length);
    expect(miso.requests).toHaveLength(faults.length + 1);
  });

  test('that stay damaged fail the poll, and the position stays', async () => {
    const { poller, miso, clock } = await begin();
    miso.failNext('TRUNCATED', 5);
    await expect(all(poller, 'GetRealTimeFiveMinExPost', clock.now() - HOUR_MS, clock.now())).rejects.toMatchObject({
      code: 'SOURCE_FAILED',
    });
  });

  test('of a day that the display no longer tells of are refused rather than mistaken', async () => {
    const { poller, miso } = await begin();
    const request = `${DISPLAY}/Rolling#day=2025-11-04&nodes=MINN.HUB`;
    await expect(poller.fetch('GetRealTimeFiveMinExPost', request, never)).rejects.toMatchObject({
      code: 'SOURCE_REFUSED',
    });
    expect(miso.requests).toEqual([]);
  });
});

describe('final five-minute prices of the pricing API', () => {
  const KEY = { MISO_API_KEY: 'a-key' };

  test('are asked for node by node and page by page, and kept as one answer', async () => {
    const { poller, miso, clock } = await begin({ env: KEY });
    const fetched = await all(poller, 'lmp-expost', at('2025-10-30T05:00Z'), clock.now());
    const path = 'pricing/v1/real-time/2025-10-30/lmp-expost?preliminaryFinal=Final&timeResolution=5min';
    expect(miso.requests.slice(0, 6)).toEqual(
      HUBS.flatMap((node) => [1, 2, 3].map((page) => `${path}&node=${node}&pageNumber=${page}`)),
    );
    expect(fetched.map(({ request }) => request)).toEqual([`${path}#nodes=INDIANA.HUB,MINN.HUB`]);
    expect(fetched[0]?.payload.bytes.toString('utf8').split('\n')).toHaveLength(6);
    await expectPrices(fetched, 'real-time', HUBS);
    expect(await factsIn(fetched)).toHaveLength(288 * HUBS.length);
  });

  test('that are not there yet are no data, by its 404', async () => {
    const { poller, miso, clock } = await begin({ env: KEY });
    expect(await all(poller, 'lmp-expost', at('2025-10-31T05:00Z'), clock.now())).toEqual([]);
    expect(miso.requests).toHaveLength(HUBS.length);
  });

  test('of which one node has none are those of the other', async () => {
    const { poller } = await begin({ env: { ...KEY, MISO_NODES: 'NO.SUCH,MINN.HUB' } });
    const request =
      'pricing/v1/real-time/2025-10-28/lmp-expost?preliminaryFinal=Final&timeResolution=5min#nodes=NO.SUCH,MINN.HUB';
    const { payload } = await poller.fetch('lmp-expost', request, never);
    expect((await decodeMisoLmp(payload)).facts).toHaveLength(288);
  });

  test('stay below the limit of requests a minute, and wait where it is met', async () => {
    const { poller, clock, miso } = await begin({
      env: { ...KEY, MISO_REQUEST_SPACING_MS: '0' },
      limit: { requests: 4, windowMs: MINUTE_MS },
    });
    const fetched = await all(poller, 'lmp-expost', at('2025-10-30T05:00Z'), clock.now());
    expect(await factsIn(fetched)).toHaveLength(288 * HUBS.length);
    expect(miso.requests.length).toBeGreaterThan(6);
  });

  test('of more pages than a day can have fail rather than go on for ever', async () => {
    const { poller, clock, miso } = await begin({ env: KEY, pageRows: 1 });
    await expect(all(poller, 'lmp-expost', at('2025-10-30T05:00Z'), clock.now())).rejects.toMatchObject({
      code: 'SOURCE_FAILED',
    });
    expect(miso.requests).toHaveLength(100);
  });

  test('are refused for a key that does not hold, which no error tells', async () => {
    const { poller, miso, clock } = await begin({ env: { MISO_API_KEY: 'an-old-key' } });
    const failure = await all(poller, 'lmp-expost', at('2025-10-30T05:00Z'), clock.now()).catch(
      (error: unknown) => error,
    );
    expect(failure).toMatchObject({ code: 'SOURCE_REFUSED', details: { status: 401 } });
    expect(`${JSON.stringify(failure)} ${failure} ${miso.requests}`).not.toContain('an-old-key');
    expect(miso.requests).toHaveLength(1);
  });
});

describe('a file that is damaged', () => {
  test('is asked for again', async () => {
    const { poller, miso, clock } = await begin();
    for (const fault of ['TRUNCATED', 'PAGE', 'CUT', 'SERVER_ERROR'] as const) miso.failNext(fault);
    const fetched = await all(poller, 'rt_lmp_prelim', at('2025-11-04T05:00Z'), clock.now());
    expect(await factsIn(fetched)).toHaveLength(24 * HUBS.length);
    expect(miso.requests).toHaveLength(5);
  });

  test('and stays so goes to the dead letters, is asked for again, and does not hold back the next', async () => {
    const { poller, miso, clock } = await begin();
    miso.failNext('TRUNCATED', 5);
    const [damaged, next, ...others] = await all(poller, 'rt_lmp_prelim', at('2025-11-03T05:00Z'), clock.now());
    expect(others).toEqual([]);
    await expect(decodeMisoLmp(damaged?.payload ?? NOTHING)).resolves.toMatchObject({
      rejects: [{ code: 'NOT_THE_FORMAT' }],
    });
    expect((await decodeMisoLmp(next?.payload ?? NOTHING)).facts).toHaveLength(24 * HUBS.length);
    expect([damaged, next].map((each) => isoFromInstant(each?.next ?? 0).slice(0, 10))).toEqual([
      '2025-11-03',
      '2025-11-03',
    ]);
  });

  test.each([
    ['is throttled for good', 'THROTTLED', 'THROTTLED', 5],
    ['is a page for good', 'PAGE', 'SOURCE_FAILED', 5],
    ['is forbidden', { status: 403 }, 'SOURCE_REFUSED', 1],
  ] as const)('by the name of what it is where it %s', async (_, fault, code, tries) => {
    const { poller, miso, clock } = await begin();
    miso.failNext(fault, tries);
    await expect(all(poller, 'rt_lmp_prelim', at('2025-11-04T05:00Z'), clock.now())).rejects.toMatchObject({ code });
    expect(miso.requests).toHaveLength(tries);
  });
});

describe('a backfill', () => {
  const range = { from: at('2025-11-01T05:00Z'), to: at('2025-11-04T05:00Z'), nodes: undefined };
  const node = (text: string): NodeName => {
    const name = parseNodeName(text);
    if (!name) throw new TypeError(text);
    return name;
  };

  test('asks for a file a day, each of 24 hours whatever other clocks do', async () => {
    const chunks = chunkRequests('da_expost_lmp', HUBS, range, at(NOW));
    expect(chunks.map(({ request }) => request.slice(14, 22))).toEqual(['20251101', '20251102', '20251103']);
    expect(chunks.every(({ from, to }) => to - from === DAY_MS)).toBe(true);
    const { poller } = await begin();
    for (const { request } of chunks) {
      const { payload } = await poller.fetch('da_expost_lmp', request, never);
      expect((await decodeMisoLmp(payload)).facts).toHaveLength(24 * HUBS.length);
    }
  });

  test('of nodes that it names asks for these', () => {
    const [chunk] = chunkRequests('rt_lmp_final', HUBS, { ...range, nodes: [node('MISO:AMIL.ALTW')] }, at(NOW));
    expect(chunk?.request).toBe('marketreports/20251101_rt_lmp_final.csv#nodes=AMIL.ALTW');
  });

  test('of five-minute prices asks for what the display still tells of', () => {
    const asked = { ...range, to: at('2025-11-05T10:00Z') };
    expect(
      chunkRequests('GetRealTimeFiveMinExPost', HUBS, asked, at(NOW)).map(({ from, to, request }) => [
        isoFromInstant(from).slice(0, 13),
        isoFromInstant(to).slice(0, 13),
        request.slice(DISPLAY.length),
      ]),
    ).toEqual([
      ['2025-11-04T05', '2025-11-05T05', '/Previous#day=2025-11-04&nodes=INDIANA.HUB,MINN.HUB'],
      ['2025-11-05T05', '2025-11-05T10', '/Rolling#day=2025-11-05&nodes=INDIANA.HUB,MINN.HUB'],
    ]);
  });

  test.each([
    ['no node', 'da_expost_lmp', [], undefined],
    ['a node of another market', 'da_expost_lmp', HUBS, [node('PJM:PJM-WEST')]],
    ['every node of the pricing API', 'lmp-expost', undefined, undefined],
    ['five-minute prices of days before', 'GetRealTimeFiveMinExPost', HUBS, undefined],
  ] as const)('of %s is refused with the reason', (_, report, nodes, asked) => {
    expect(() => chunkRequests(report, nodes, { ...range, nodes: asked }, at(NOW))).toThrow(
      expect.objectContaining({ code: 'BAD_USER_INPUT' }),
    );
  });

  test('of a file that is missing is an answer, and so is one that is damaged', async () => {
    const { poller, miso } = await begin({ missing: ['20251101_da_expost_lmp.csv'] });
    const missing = await poller.fetch('da_expost_lmp', 'marketreports/20251101_da_expost_lmp.csv', never);
    await expect(decodeMisoLmp(missing.payload)).rejects.toMatchObject({ code: 'NO_DATA' });
    miso.failNext('TRUNCATED', 5);
    const damaged = await poller.fetch('da_expost_lmp', 'marketreports/20251103_da_expost_lmp.csv', never);
    expect((await decodeMisoLmp(damaged.payload)).rejects).toMatchObject([{ code: 'NOT_THE_FORMAT' }]);
  });

  test('takes its own requests and no others', () => {
    for (const report of REPORT_NAMES) {
      const asked = { ...range, from: at('2025-11-04T05:00Z'), to: at('2025-11-05T06:00Z') };
      for (const { request } of chunkRequests(report, HUBS, asked, at(NOW))) {
        expect(requestFrom(report, request)).toMatchObject({ nodes: HUBS });
        for (const other of REPORT_NAMES.filter((each) => each !== report))
          expect(requestFrom(other, request)).toBeUndefined();
      }
    }
  });

  test.each([
    'marketreports/20250230_da_expost_lmp.csv',
    'marketreports/../20251101_da_expost_lmp.csv',
    'marketreports/20251101_da_expost_lmp.csv#nodes=',
    'marketreports/20251101_da_expost_lmp.csv#nodes=A%2CB',
    'marketreports/20251101_da_expost_lmp.csv#day=2025-11-01',
    'http://elsewhere/20251101_da_expost_lmp.csv',
    '',
  ])('refuses %s', async (request) => {
    const { poller, miso } = await begin();
    await expect(poller.fetch('da_expost_lmp', request, never)).rejects.toMatchObject({ code: 'BAD_USER_INPUT' });
    expect(miso.requests).toEqual([]);
  });
});

test('requests are spaced as the settings say', async () => {
  const { poller, clock } = await begin({ env: { MISO_REQUEST_SPACING_MS: '7000' } });
  const began = clock.now();
  await all(poller, 'da_expost_lmp', at('2025-11-03T05:00Z'), began);
  expect(clock.now() - began).toBe(3 * 7000);
});

const NOTHING = { bytes: Buffer.alloc(0), name: '' };

interface Beginning extends Partial<Omit<MisoOptions, 'now'>> {
  readonly env?: Readonly<Record<string, string>>;
  readonly now?: string;
}

async function begin({ env = {}, now = NOW, ...options }: Beginning = {}) {
  const clock = skippingClock(at(now));
  const miso: Miso = await startMiso({ now: clock.now, nodes: NODES, key: 'a-key', ...options });
  const urls = { MISO_REPORTS_URL: miso.url, MISO_DISPLAY_URL: miso.url, MISO_PRICING_URL: `${miso.url}/` };
  const config = readConfig({ MISO_NODES: HUBS.join(','), ...urls, ...env }, [MISO_ENV]);
  const settings = config.settings(MISO_ENV);
  const poller = createReportPoller(createMisoSource(settings, sourcePartsOn(clock)));
  cleanups.push(
    () => poller.close(),
    () => miso.close(),
  );
  return { poller, miso, clock };
}

async function expectPrices(fetched: readonly Fetched[], market: MisoMarket, nodes: readonly string[]) {
  const facts = await factsIn(fetched);
  expect(new Set(facts.map(({ node }) => localNameOf(node)))).toEqual(new Set(nodes));
  for (const { node, startAt, lmp, energy, congestion, loss } of facts) {
    const { mec, mcc, mlc, ...prices } = misoPrices(market, localNameOf(node), startAt);
    expect({ lmp, energy, congestion, loss }).toEqual({ lmp: prices.lmp, energy: mec, congestion: mcc, loss: mlc });
  }
  expect(facts.flatMap(checkIdentity)).toEqual([]);
}

async function factsIn(fetched: readonly Fetched[]): Promise<LmpFact[]> {
  const decoded = await Promise.all(fetched.map(({ payload }) => decodeMisoLmp(payload)));
  expect(decoded.flatMap(({ rejects }) => rejects)).toEqual([]);
  return decoded.flatMap(({ facts }) => facts);
}

async function all(poller: Poller, report: ReportName, position: number | undefined, now: number): Promise<Fetched[]> {
  const fetched: Fetched[] = [];
  for await (const each of poller.poll(report, position, now, never)) fetched.push(each);
  return fetched;
}
