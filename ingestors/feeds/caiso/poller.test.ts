import { afterEach, describe, expect, test } from 'vitest';
import { isBusbarError } from '../../../domain/errors.ts';
import { HOUR_MS, isoFromInstant } from '../../../domain/instant.ts';
import { checkIdentity } from '../../../domain/lmp.ts';
import { localNameOf } from '../../../domain/market.ts';
import { readConfig } from '../../../runtime/config.ts';
import type { Fetched, Poller } from '../../feed.ts';
import type { Clock } from '../../sources/http.ts';
import { type Oasis, type OasisLimits, startOasis } from '../../stand-ins/oasis.ts';
import { simulatedPrices } from '../../stand-ins/oasis-report.ts';
import { decodeOasisLmp } from './decode.ts';
import { caisoLmp } from './feed.ts';
import { createOasisPoller } from './poller.ts';
import { REPORTS, type ReportName } from './reports.ts';
import { oasisRequests, urlOf } from './requests.ts';
import { CAISO_ENV } from './settings.ts';

const at = (iso: string) => Date.parse(iso);
const NODES = ['TH_NP15_GEN-APND', 'TH_SP15_GEN-APND'];
const never = new AbortController().signal;

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

describe('a poll', () => {
  test.each([
    ['PRC_LMP', 48, '2024-07-03T07:00:00.000Z'],
    ['PRC_INTVL_LMP', 25 * 12 - 12 + 6, '2024-07-02T10:30:00.000Z'],
    ['PRC_RTPD_LMP', 98, '2024-07-02T10:30:00.000Z'],
    ['PRC_HASP_LMP', 104, '2024-07-02T10:30:00.000Z'],
  ] as const)('of %s begins a day back and brings every price the source has', async (report, intervals, position) => {
    const { poller, oasis, clock } = await begin({ now: '2024-07-02T12:30Z' });
    const fetched = await all(poller, report, undefined, clock.now());
    const facts = await factsIn(fetched);
    expect(facts).toHaveLength(intervals * NODES.length);
    for (const { node, run, startAt, lmp, energy, congestion, loss, ghg } of facts) {
      const prices = simulatedPrices(1, REPORTS[report].marketRunId, localNameOf(node), startAt);
      expect({ run, lmp, energy, congestion, loss, ghg }).toEqual({
        run: REPORTS[report].run,
        lmp: prices.LMP,
        energy: prices.MCE,
        congestion: prices.MCC,
        loss: prices.MCL,
        ghg: prices.MGHG,
      });
    }
    expect(facts.flatMap(checkIdentity)).toEqual([]);
    expect(isoFromInstant(fetched.at(-1)?.next ?? 0)).toBe(position);
    expect(oasis.requests.every(({ answer }) => answer.endsWith('.csv'))).toBe(true);
  });

  test('says what it asked, in words that a person can repeat', async () => {
    const { poller, oasis } = await begin({ now: '2024-07-02T12:30Z' });
    const [fetched] = await all(poller, 'PRC_INTVL_LMP', at('2024-07-02T10:00Z'), at('2024-07-02T12:30Z'));
    expect(fetched?.request).toBe(
      `${oasis.url}/SingleZip?queryname=PRC_INTVL_LMP&version=3&resultformat=6&startdatetime=20240702T10:00-0000&enddatetime=20240702T12:30-0000&market_run_id=RTM&node=TH_NP15_GEN-APND,TH_SP15_GEN-APND`,
    );
    expect(fetched?.payload.name).toBe('PRC_INTVL_LMP');
    expect(fetched?.publishedAt).toBe(at('2024-07-02T12:30Z'));
  });

  test('asks again for the hours in which prices may still come late', async () => {
    const { poller, clock, oasis } = await begin({ now: '2024-07-02T12:30Z' });
    const first = await all(poller, 'PRC_INTVL_LMP', at('2024-07-02T10:00Z'), clock.now());
    await clock.sleep(HOUR_MS);
    await all(poller, 'PRC_INTVL_LMP', first.at(-1)?.next, clock.now());
    expect(oasis.requests.map(({ parameters }) => `${parameters.startdatetime} ${parameters.enddatetime}`)).toEqual([
      '20240702T10:00-0000 20240702T12:30-0000',
      '20240702T10:30-0000 20240702T13:30-0000',
    ]);
  });

  test('of the day-ahead report asks once a day, from 13:00 Pacific on', async () => {
    const { poller, clock, oasis } = await begin({ now: '2024-07-02T19:59Z' });
    let position: number | undefined = at('2024-07-02T07:00Z');
    const asked: number[] = [];
    for (let minute = 0; minute < 4; minute += 1) {
      const fetched: Fetched[] = await all(poller, 'PRC_LMP', position, clock.now());
      position = fetched.at(-1)?.next ?? position;
      asked.push(oasis.requests.length);
      await clock.sleep(60_000);
    }
    expect(asked).toEqual([1, 2, 2, 2]);
    expect(isoFromInstant(position)).toBe('2024-07-04T07:00:00.000Z');
  });

  test('of more than ten nodes moves the position only when all of them have been asked for', async () => {
    const nodes = Array.from({ length: 12 }, (_, i) => `NODE_${i}`);
    const { poller, clock } = await begin({ now: '2024-07-02T12:30Z', nodes });
    const fetched = await all(poller, 'PRC_LMP', at('2024-06-30T07:00Z'), clock.now());
    expect(fetched.map(({ next }) => isoFromInstant(next).slice(0, 10))).toEqual([
      '2024-06-30',
      '2024-07-02',
      '2024-07-02',
      '2024-07-03',
    ]);
    expect((await factsIn(fetched)).length).toBe(12 * 72);
  });

  test.each([
    ['2024-03-10T08:00Z', 23],
    ['2024-11-03T07:00Z', 25],
  ])('of the operating day that begins at %s brings %i hours', async (start, hours) => {
    const { poller } = await begin({ now: isoFromInstant(at(start) + 6 * HOUR_MS), nodes: ['N1'] });
    const facts = await factsIn(await all(poller, 'PRC_LMP', at(start), at(start) + 6 * HOUR_MS));
    expect(facts).toHaveLength(hours);
    expect(facts.every(({ startAt }, i) => startAt === at(start) + i * HOUR_MS)).toBe(true);
  });
});

describe('no data', () => {
  test('of a day that is not settled is nothing to commit, and the position waits for it', async () => {
    const { poller, clock, oasis } = await begin({ now: '2024-07-02T21:00Z' });
    oasis.failNext({ oasisCode: 1000 });
    const fetched = await all(poller, 'PRC_LMP', at('2024-07-02T07:00Z'), clock.now());
    // Today had none, tomorrow did: tomorrow is brought, and today asked for again.
    expect(fetched.map(({ next }) => isoFromInstant(next))).toEqual(['2024-07-02T07:00:00.000Z']);
    const again = await all(poller, 'PRC_LMP', fetched.at(-1)?.next, clock.now());
    expect(again.map(({ next }) => isoFromInstant(next).slice(0, 10))).toEqual(['2024-07-03', '2024-07-04']);
  });

  test('of the past moves the position, and the answer is there for the ledger', async () => {
    const { poller, clock, oasis } = await begin({ now: '2024-07-10T12:30Z' });
    oasis.failNext({ oasisCode: 1001 });
    const fetched = await all(poller, 'PRC_INTVL_LMP', at('2024-07-06T00:00Z'), clock.now());
    expect(fetched.map(({ next }) => isoFromInstant(next).slice(0, 16))).toEqual([
      '2024-07-08T00:00',
      '2024-07-10T00:00',
      '2024-07-10T10:30',
    ]);
    const [first] = fetched;
    if (!first) throw new Error('nothing was fetched');
    await expect(decodeOasisLmp(first.payload)).rejects.toMatchObject({ code: 'NO_DATA' });
  });
});

describe('what OASIS does when it does not answer', () => {
  test.each([
    ['an HTTP 429', { status: 429 }],
    ['a page with HTTP 200', { page: true }],
    ['a timeout of its own (1003)', { oasisCode: 1003 }],
    ['a request in processing (1015)', { oasisCode: 1015 }],
    ['an HTTP 503', { status: 503 }],
  ] as const)('%s is waited out', async (_, fault) => {
    const { poller, clock, oasis } = await begin({ now: '2024-07-02T12:30Z' });
    oasis.failNext(fault, fault);
    const fetched = await all(poller, 'PRC_INTVL_LMP', at('2024-07-02T10:00Z'), clock.now());
    expect(fetched).toHaveLength(1);
    expect(oasis.requests).toHaveLength(3);
    expect(spacings(oasis).every((ms) => ms >= 5000)).toBe(true);
  });

  test.each([
    ['status', 'THROTTLED'],
    ['page', 'THROTTLED'],
  ] as const)('throttling for good, by %s, is %s after a bounded number of tries', async (throttle, code) => {
    const { poller, clock, oasis } = await begin({
      now: '2024-07-02T12:30Z',
      limits: { throttle, spacingMs: HOUR_MS },
    });
    await all(poller, 'PRC_INTVL_LMP', at('2024-07-02T10:00Z'), clock.now());
    await expect(all(poller, 'PRC_RTPD_LMP', at('2024-07-02T10:00Z'), clock.now())).rejects.toMatchObject({ code });
    expect(oasis.requests).toHaveLength(1 + 5);
  });

  test('an answer that cannot be read is yielded for the dead letters, and asked for again while it is not settled', async () => {
    const { poller, clock, oasis } = await begin({ now: '2024-07-02T12:30Z' });
    oasis.failNext({ damaged: true });
    const fetched = await all(poller, 'PRC_LMP', at('2024-07-02T07:00Z'), clock.now());
    expect(fetched.map(({ next }) => isoFromInstant(next))).toEqual(['2024-07-02T07:00:00.000Z']);
    const [first] = fetched;
    if (!first) throw new Error('nothing was fetched');
    await expect(decodeOasisLmp(first.payload)).rejects.toMatchObject({ code: 'MALFORMED' });
    expect(oasis.requests).toHaveLength(1);
  });

  test('a refusal is not repeated and says which request was refused', async () => {
    const { poller, clock, oasis } = await begin({ now: '2024-07-02T12:30Z' });
    const failure = await all(poller, 'PRC_INTVL_LMP', at('2019-01-01T00:00Z'), clock.now()).catch(
      (error: unknown) => error,
    );
    if (!isBusbarError(failure, 'SOURCE_REFUSED')) throw failure;
    expect(failure.details).toMatchObject({
      oasisCode: '1014',
      request: expect.stringContaining('startdatetime=20190101T00:00-0000'),
    });
    expect(oasis.requests).toHaveLength(1);
  });
});

describe('one poller', () => {
  test('spaces the requests of all its partitions', async () => {
    const { poller, clock, oasis } = await begin({ now: '2024-07-02T12:30Z', limits: { spacingMs: 0 } });
    const now = clock.now();
    const reports: ReportName[] = ['PRC_LMP', 'PRC_INTVL_LMP', 'PRC_RTPD_LMP', 'PRC_HASP_LMP'];
    await Promise.all(reports.map((report) => all(poller, report, undefined, now)));
    expect(oasis.requests).toHaveLength(5);
    expect(clock.now() - now).toBe(4 * 5000);
  });

  test('ends a poll quietly when it is aborted', async () => {
    const { poller, clock } = await begin({ now: '2024-07-02T12:30Z' });
    const ending = new AbortController();
    let count = 0;
    for await (const _ of poller.poll('PRC_INTVL_LMP', at('2024-06-01T00:00Z'), clock.now(), ending.signal)) {
      count += 1;
      ending.abort();
    }
    expect(count).toBe(1);
  });

  test('ends its polls quietly when it is closed', async () => {
    const { poller, clock } = await begin({ now: '2024-07-02T12:30Z' });
    await poller.close();
    expect(await all(poller, 'PRC_INTVL_LMP', undefined, clock.now())).toEqual([]);
  });
});

test('a backfill range is split into requests that OASIS takes', async () => {
  const nodes = Array.from({ length: 11 }, (_, i) => `NODE_${i}`);
  const oasis = await stand({ now: () => at('2024-12-31T00:00Z'), nodes, limits: { spacingMs: 0 } });
  const requests = oasisRequests('PRC_LMP', nodes, at('2024-09-15T07:00Z'), at('2024-11-20T08:00Z'));
  let facts = 0;
  for (const request of requests) {
    const response = await fetch(urlOf(oasis.url, request));
    const payload = { bytes: Buffer.from(await response.arrayBuffer()), name: 'PRC_LMP' };
    facts += (await decodeOasisLmp(payload)).facts.length;
  }
  expect(requests).toHaveLength(3 * 2);
  expect(facts).toBe(11 * (66 * 24 + 1));
});

describe('the settings', () => {
  test('without nodes nothing is polled', () => {
    const settings = readConfig({}, [CAISO_ENV]).settings(CAISO_ENV);
    expect(caisoLmp.source.kind === 'poll' && caisoLmp.source.partitions(settings)).toEqual([]);
    expect(settings).toMatchObject({
      CAISO_OASIS_URL: 'https://oasis.caiso.com/oasisapi',
      CAISO_REQUEST_SPACING_MS: 5000,
    });
  });

  test('with nodes each report is a partition', () => {
    const env = { CAISO_NODES: ' TH_NP15_GEN-APND, TH_NP15_GEN-APND,N1', CAISO_REPORTS: 'PRC_LMP,PRC_HASP_LMP' };
    const settings = readConfig(env, [CAISO_ENV]).settings(CAISO_ENV);
    expect(settings.CAISO_NODES).toEqual(['TH_NP15_GEN-APND', 'N1']);
    expect(caisoLmp.source.kind === 'poll' && caisoLmp.source.partitions(settings)).toEqual([
      'PRC_LMP',
      'PRC_HASP_LMP',
    ]);
  });

  test.each([
    ['CAISO_NODES', 'CAISO:TH_NP15_GEN-APND'],
    ['CAISO_REPORTS', 'PRC_LMP,PRC_SOMETHING'],
    ['CAISO_OASIS_URL', 'ftp://oasis'],
    ['CAISO_REQUEST_SPACING_MS', '-1'],
    ['CAISO_LOOKBACK_HOURS', 'soon'],
  ])('a wrong %s is named', (name, value) => {
    expect(() => readConfig({ [name]: value }, [CAISO_ENV])).toThrow(new RegExp(`${name}: `));
  });
});

interface Beginning {
  readonly now: string;
  readonly nodes?: readonly string[];
  readonly limits?: Partial<OasisLimits>;
}

async function begin({ now, nodes = NODES, limits = {} }: Beginning) {
  const clock = skippingClock(at(now));
  const oasis = await stand({ now: clock.now, nodes, limits });
  const env = { CAISO_NODES: nodes.join(','), CAISO_OASIS_URL: oasis.url };
  const poller = createOasisPoller(readConfig(env, [CAISO_ENV]).settings(CAISO_ENV), { clock, random: () => 0.5 });
  cleanups.push(() => poller.close());
  return { clock, oasis, poller };
}

async function stand(options: Parameters<typeof startOasis>[0]): Promise<Oasis> {
  const oasis = await startOasis(options);
  cleanups.push(() => oasis.close());
  return oasis;
}

/** Sleeping takes no time and moves the clock on, for the adapter and the stand-in alike. */
function skippingClock(begin: number): Clock {
  let now = begin;
  return {
    now: () => now,
    sleep: async (ms, signal) => {
      signal?.throwIfAborted();
      now += ms;
    },
  };
}

async function all(poller: Poller, report: ReportName, position: number | undefined, now: number): Promise<Fetched[]> {
  const fetched: Fetched[] = [];
  for await (const each of poller.poll(report, position, now, never)) fetched.push(each);
  return fetched;
}

async function factsIn(fetched: readonly Fetched[]) {
  const decoded = await Promise.all(fetched.map((each) => decodeOasisLmp(each.payload)));
  expect(decoded.flatMap((each) => each.rejects)).toEqual([]);
  return decoded.flatMap((each) => each.facts);
}

function spacings({ requests }: Oasis): number[] {
  return requests.slice(1).map((request, i) => request.at - (requests[i]?.at ?? 0));
}
