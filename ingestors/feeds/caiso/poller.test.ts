import { afterEach, describe, expect, test } from 'vitest';
import { isBusbarError } from '../../../domain/errors.ts';
import { HOUR_MS, isoFromInstant } from '../../../domain/instant.ts';
import { checkIdentity } from '../../../domain/lmp.ts';
import { localNameOf } from '../../../domain/market.ts';
import { readConfig } from '../../../runtime/config.ts';
import { skippingClock, sourcePartsOn } from '../../../tests/support/source-parts.ts';
import type { Fetched, Poller } from '../../feed.ts';
import { type Oasis, type OasisLimits, startOasis } from '../../stand-ins/oasis.ts';
import { simulatedPrices } from '../../stand-ins/oasis-report.ts';
import { caisoChunks } from './chunks.ts';
import { decodeOasisLmp } from './decode.ts';
import { createOasisPoller } from './poller.ts';
import { type PartitionName, REPORTS, type ReportName } from './reports.ts';
import { oasisRequests, pathOf, urlOf } from './requests.ts';
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

  test.each([
    ['PRC_LMP', '2024-07-12T07:00Z', 2],
    ['PRC_INTVL_LMP', '2024-07-15T10:00Z', 1],
    ['PRC_CORR_GRP', '2024-07-01T07:00Z', 3],
  ] as const)(
    'of %s says which intervals it asked for, under which an answer without any is found',
    async (partition, from, answers) => {
      const { poller, clock, oasis } = await begin({ now: '2024-07-15T12:30Z' });
      oasis.correct({ day: '2024-07-10', report: 'PRC_LMP', node: NODES[0] ?? '', delta: 5 });
      const fetched = await all(poller, partition, at(from), clock.now());
      expect(fetched).toHaveLength(answers);
      for (const { request, asked } of fetched) {
        expect(asked && [asked.from, asked.to].map(isoFromInstant)).toEqual(
          ['startdatetime', 'enddatetime'].map((name) => isoOfOasis(new URL(request).searchParams.get(name) ?? '')),
        );
      }
    },
  );

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
    ['an HTTP 429', 'THROTTLED'],
    ['a page with HTTP 200', 'PAGE'],
    ['a timeout of its own (1003)', { oasisCode: 1003 }],
    ['a request in processing (1015)', { oasisCode: 1015 }],
    ['an HTTP 503', 'SERVER_ERROR'],
  ] as const)('%s is waited out', async (_, fault) => {
    const { poller, clock, oasis } = await begin({ now: '2024-07-02T12:30Z' });
    oasis.failNext(fault, 2);
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

  test.each([1, 4])('an answer that is damaged is asked for again, %i times in a row', async (times) => {
    const { poller, clock, oasis } = await begin({ now: '2024-07-02T12:30Z' });
    oasis.failNext('TRUNCATED', times);
    const fetched = await all(poller, 'PRC_LMP', at('2024-07-02T07:00Z'), clock.now());
    expect(await factsIn(fetched)).toHaveLength(24 * NODES.length);
    expect(oasis.requests).toHaveLength(times + 1);
    expect(spacings(oasis).every((ms) => ms >= 5000)).toBe(true);
  });

  test('an answer that stays damaged fails three polls, and is then yielded for the dead letters', async () => {
    const { poller, clock, oasis } = await begin({ now: '2024-07-10T12:30Z' });
    const position = at('2024-07-08T10:30Z');
    const poll = () => all(poller, 'PRC_INTVL_LMP', position, clock.now());
    oasis.failNext('TRUNCATED', 3 * 5);
    for (let round = 0; round < 3; round += 1) await expect(poll()).rejects.toMatchObject({ code: 'MALFORMED' });
    expect(oasis.requests).toHaveLength(3 * 5);
    oasis.failNext('TRUNCATED', 5);
    const [first, ...others] = await poll();
    if (!first) throw new Error('nothing was fetched');
    await expect(decodeOasisLmp(first.payload)).rejects.toMatchObject({ code: 'MALFORMED' });
    expect((await factsIn(others)).length).toBeGreaterThan(0);
    // Then there is as much patience again.
    oasis.failNext('TRUNCATED', 5);
    await expect(poll()).rejects.toMatchObject({ code: 'MALFORMED' });
  });

  test('an answer that stays damaged and is not settled leaves the position before it', async () => {
    const { poller, clock, oasis } = await begin({ now: '2024-07-02T12:30Z' });
    const poll = () => all(poller, 'PRC_LMP', at('2024-07-02T07:00Z'), clock.now());
    oasis.failNext('TRUNCATED', 4 * 5);
    for (let round = 0; round < 3; round += 1) await expect(poll()).rejects.toMatchObject({ code: 'MALFORMED' });
    expect((await poll()).map(({ next }) => isoFromInstant(next))).toEqual(['2024-07-02T07:00:00.000Z']);
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

describe('a poll for corrections', () => {
  const START = at('2024-07-01T07:00Z');

  test('asks for each day of the window once, oldest first, and then not again until the next day', async () => {
    const { poller, clock, oasis } = await begin({ now: '2024-07-15T12:00Z' });
    const fetched = await all(poller, 'PRC_CORR_GRP', undefined, clock.now());
    expect(oasis.requests.map(({ form, parameters }) => [form, parameters.startdatetime])).toEqual(
      Array.from({ length: 14 }, (_, day) => ['GroupZip', `202407${String(day + 1).padStart(2, '0')}T07:00-0000`]),
    );
    // All were without data; the last one moves the position, so the ledger shows that they were asked for.
    expect(fetched.map(({ next }) => isoFromInstant(next))).toEqual(['2024-07-15T07:00:00.000Z']);
    expect(await all(poller, 'PRC_CORR_GRP', fetched[0]?.next, clock.now())).toEqual([]);
    await all(poller, 'PRC_CORR_GRP', fetched[0]?.next, at('2024-07-16T07:00Z'));
    expect(oasis.requests).toHaveLength(28);
  });

  test('brings the corrected prices of the configured nodes', async () => {
    const { poller, clock, oasis } = await begin({ now: '2024-07-15T12:00Z' });
    oasis.correct({ day: '2024-07-10', report: 'PRC_LMP', node: NODES[0] ?? '', delta: 5 });
    const fetched = await all(poller, 'PRC_CORR_GRP', START, clock.now());
    expect(fetched.map(({ payload, next }) => [payload.name, isoFromInstant(next).slice(0, 10)])).toEqual([
      ['PRC_CORR_GRP', '2024-07-01'],
      ['PRC_LMP', '2024-07-01'],
      ['PRC_CORR_GRP', '2024-07-15'],
    ]);
    const facts = await factsIn(fetched.slice(0, 2));
    expect(facts.map(({ startAt }) => startAt)).toEqual(
      Array.from({ length: 48 }, (_, i) => at('2024-07-10T07:00Z') + Math.floor(i / 2) * HOUR_MS),
    );
    for (const { node, startAt, lmp } of facts) {
      const before = simulatedPrices(1, 'DAM', localNameOf(node), startAt).LMP;
      expect(lmp).toBeCloseTo(localNameOf(node) === NODES[0] ? before + 5 : before, 5);
    }
    expect(facts.flatMap(checkIdentity)).toEqual([]);
  });

  test('does not ask again for what an earlier sweep brought', async () => {
    const { poller, clock, oasis } = await begin({ now: '2024-07-15T12:00Z' });
    oasis.correct({ day: '2024-07-10', report: 'PRC_LMP', node: NODES[0] ?? '', delta: 5 });
    await clock.sleep(3 * 24 * HOUR_MS);
    oasis.correct({ day: '2024-07-10', report: 'PRC_INTVL_LMP', node: NODES[0] ?? '', delta: 5 });
    const fetched = await all(poller, 'PRC_CORR_GRP', at('2024-07-17T07:00Z'), clock.now());
    expect(fetched.map(({ payload }) => payload.name)).toEqual(['PRC_CORR_GRP', 'PRC_INTVL_LMP', 'PRC_CORR_GRP']);
  });

  test('asks again only for reports that are polled', async () => {
    const { poller, clock, oasis } = await begin({ now: '2024-07-15T12:00Z', env: { CAISO_REPORTS: 'PRC_LMP' } });
    oasis.correct({ day: '2024-07-10', report: 'PRC_RTPD_LMP', node: NODES[0] ?? '', delta: 5 });
    await all(poller, 'PRC_CORR_GRP', START, clock.now());
    expect(oasis.requests.map(({ form }) => form)).not.toContain('SingleZip');
  });

  test('takes corrected prices from the group itself, of several market runs at once', async () => {
    const { poller, clock, oasis } = await begin({ now: '2024-07-15T12:00Z', corrections: 'prices' });
    oasis.correct({ day: '2024-07-14', report: 'PRC_LMP', node: NODES[0] ?? '', delta: 5 });
    oasis.correct({ day: '2024-07-14', report: 'PRC_RTPD_LMP', node: NODES[1] ?? '', delta: -5 });
    const fetched = await all(poller, 'PRC_CORR_GRP', START, clock.now());
    expect(fetched.map(({ next }) => isoFromInstant(next).slice(0, 10))).toEqual(['2024-07-15']);
    const facts = await factsIn(fetched);
    expect(new Set(facts.map(({ run, node }) => `${run} ${localNameOf(node)}`))).toEqual(
      new Set([`DAY_AHEAD_HOURLY ${NODES[0]}`, `REAL_TIME_15_MIN ${NODES[1]}`]),
    );
    expect(facts).toHaveLength(24 + 96);
  });

  test('of the last day with a correction moves the position when its reports are done', async () => {
    const { poller, clock, oasis } = await begin({ now: '2024-07-15T12:00Z' });
    oasis.correct({ day: '2024-07-14', report: 'PRC_LMP', node: NODES[0] ?? '', delta: 5 });
    const fetched = await all(poller, 'PRC_CORR_GRP', START, clock.now());
    expect(fetched.map(({ payload, next }) => [payload.name, isoFromInstant(next).slice(0, 10)])).toEqual([
      ['PRC_CORR_GRP', '2024-07-01'],
      ['PRC_LMP', '2024-07-15'],
    ]);
  });

  test('of which an answer stays damaged fails three times, then hands it to the dead letters and goes on', async () => {
    const { poller, clock, oasis } = await begin({ now: '2024-07-15T12:00Z' });
    oasis.failNext('TRUNCATED', 4 * 5);
    for (let round = 0; round < 3; round += 1) {
      await expect(all(poller, 'PRC_CORR_GRP', START, clock.now())).rejects.toMatchObject({ code: 'MALFORMED' });
    }
    const fetched = await all(poller, 'PRC_CORR_GRP', START, clock.now());
    expect(fetched.map(({ next }) => isoFromInstant(next).slice(0, 10))).toEqual(['2024-07-01', '2024-07-15']);
    const [first] = fetched;
    if (!first) throw new Error('nothing was fetched');
    await expect(decodeOasisLmp(first.payload)).rejects.toMatchObject({ code: 'MALFORMED' });
  });

  test('that fails leaves the position for another sweep', async () => {
    const { poller, clock, oasis } = await begin({ now: '2024-07-15T12:00Z' });
    oasis.failNext({ oasisCode: 1016 });
    await expect(all(poller, 'PRC_CORR_GRP', START, clock.now())).rejects.toMatchObject({
      code: 'SOURCE_REFUSED',
      details: { request: expect.stringContaining('GroupZip?groupid=PRC_CORR_GRP') },
    });
  });
});

describe('a chunk', () => {
  const DAY = { from: at('2024-07-01T07:00Z'), to: at('2024-07-02T07:00Z'), nodes: undefined };

  test.each([
    ['PRC_LMP', 24],
    ['PRC_INTVL_LMP', 288],
    ['PRC_RTPD_LMP', 96],
    ['PRC_HASP_LMP', 96],
  ] as const)('of %s is asked for as it was planned', async (partition, intervals) => {
    const { poller, oasis, settings, clock } = await begin({ now: '2024-07-05T12:30Z' });
    const [chunk] = caisoChunks(settings, partition, DAY);
    if (!chunk) throw new Error('no chunk');
    const answer = await poller.fetch(partition, chunk.request, never);
    expect((await decodeOasisLmp(answer.payload)).facts).toHaveLength(intervals * NODES.length);
    expect(answer.request).toBe(`${oasis.url}/${chunk.request}`);
    expect(answer.payload.name).toBe(partition);
    expect(answer.publishedAt).toBe(clock.now());
    expect(oasis.requests).toHaveLength(1);
  });

  test('of corrections is a trade date', async () => {
    const { poller, oasis, settings } = await begin({ now: '2024-07-05T12:30Z', corrections: 'prices' });
    oasis.correct({ day: '2024-07-01', report: 'PRC_LMP', node: NODES[0] ?? '', delta: 5 });
    const [chunk] = caisoChunks(settings, 'PRC_CORR_GRP', DAY);
    const { payload } = await poller.fetch('PRC_CORR_GRP', chunk?.request ?? '', never);
    expect((await decodeOasisLmp(payload)).facts).toHaveLength(24);
  });

  test.each([
    ['says that there is no data', { oasisCode: 1000 }, 'NO_DATA', 1],
    ['cannot be read, however often it is asked for,', 'TRUNCATED', 'MALFORMED', 5],
  ] as const)('whose answer %s is answered', async (_, fault, code, tries) => {
    const { poller, oasis, request } = await beginChunk();
    oasis.failNext(fault, tries);
    const { payload } = await poller.fetch('PRC_LMP', request, never);
    await expect(decodeOasisLmp(payload)).rejects.toMatchObject({ code });
    expect(oasis.requests).toHaveLength(tries);
  });

  test('whose answer is damaged and then fails otherwise fails by the last name', async () => {
    const { poller, oasis, request } = await beginChunk();
    oasis.failNext('TRUNCATED', 4);
    oasis.failNext('SERVER_ERROR');
    await expect(poller.fetch('PRC_LMP', request, never)).rejects.toMatchObject({
      code: 'SOURCE_FAILED',
      details: { status: 503 },
    });
  });

  test('is tried again as a poll is, and paced likewise', async () => {
    const { poller, oasis, request } = await beginChunk();
    for (const fault of ['THROTTLED', 'TRUNCATED', 'CUT', 'PAGE'] as const) oasis.failNext(fault);
    const { payload } = await poller.fetch('PRC_LMP', request, never);
    expect((await decodeOasisLmp(payload)).facts).toHaveLength(48);
    expect(oasis.requests).toHaveLength(5);
    expect(spacings(oasis).every((ms) => ms >= 5000)).toBe(true);
  });

  test.each([
    ['is throttled for good', 'THROTTLED', 'THROTTLED', 5],
    ['fails for good', { oasisCode: 1003 }, 'SOURCE_FAILED', 5],
    ['is too old', { oasisCode: 1014 }, 'SOURCE_REFUSED', 1],
  ] as const)('that %s fails by name after a bounded number of tries', async (_, fault, code, tries) => {
    const { poller, oasis, request } = await beginChunk();
    oasis.failNext(fault, 5);
    await expect(poller.fetch('PRC_LMP', request, never)).rejects.toMatchObject({ code });
    expect(oasis.requests).toHaveLength(tries);
  });

  test.each([
    ['nothing', () => ''],
    ['another place', (request: string) => `https://elsewhere.example/${request}`],
    ['a way out of the base', (request: string) => `../${request}`],
    ['one more parameter', (request: string) => `${request}&grp_type=ALL`],
    ['another report', (request: string) => request.replace('PRC_LMP', 'PRC_HASP_LMP')],
    ['another version', (request: string) => request.replace('version=12', 'version=1')],
    ['another form', (request: string) => request.replace('SingleZip', 'GroupZip')],
    ['eleven nodes', (request: string) => `${request},A,B,C,D,E,F,G,H,I`],
    ['no node', (request: string) => request.replace(/node=.*/, 'node=')],
    ['a node that would change the request', (request: string) => `${request},A%26B`],
    ['a day that does not exist', (request: string) => request.replace('20240701', '20240732')],
    ['an end before its start', (request: string) => request.replace('enddatetime=2024', 'enddatetime=2023')],
  ])('that asks for %s is refused and not asked', async (_, change) => {
    const { poller, oasis, request } = await beginChunk();
    await expect(poller.fetch('PRC_LMP', change(request), never)).rejects.toMatchObject({ code: 'BAD_USER_INPUT' });
    await expect(poller.fetch('PRC_NOTHING', request, never)).rejects.toMatchObject({ code: 'BAD_USER_INPUT' });
    await expect(poller.fetch('PRC_CORR_GRP', request, never)).rejects.toMatchObject({ code: 'BAD_USER_INPUT' });
    expect(oasis.requests).toEqual([]);
  });

  test('that is aborted ends with the reason of its signal', async () => {
    const { poller, request } = await beginChunk();
    const aborted = AbortSignal.abort(new Error('cancelled'));
    await expect(poller.fetch('PRC_LMP', request, aborted)).rejects.toThrow('cancelled');
  });

  async function beginChunk() {
    const begun = await begin({ now: '2024-07-05T12:30Z' });
    const [chunk] = caisoChunks(begun.settings, 'PRC_LMP', DAY);
    if (!chunk) throw new Error('no chunk');
    return { ...begun, request: chunk.request };
  }
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
    const response = await fetch(urlOf(oasis.url, pathOf(request)));
    const payload = { bytes: Buffer.from(await response.arrayBuffer()), name: 'PRC_LMP' };
    facts += (await decodeOasisLmp(payload)).facts.length;
  }
  expect(requests).toHaveLength(3 * 2);
  expect(facts).toBe(11 * (66 * 24 + 1));
});

describe('the settings', () => {
  test('are those of the real OASIS where nothing is said', () => {
    expect(readConfig({}, [CAISO_ENV]).settings(CAISO_ENV)).toMatchObject({
      CAISO_OASIS_URL: 'https://oasis.caiso.com/oasisapi',
      CAISO_REQUEST_SPACING_MS: 5000,
      CAISO_CORRECTIONS_DAYS: 14,
    });
  });

  test('name a node once that is listed twice', () => {
    const env = { CAISO_NODES: ' TH_NP15_GEN-APND, TH_NP15_GEN-APND,N1' };
    expect(readConfig(env, [CAISO_ENV]).settings(CAISO_ENV).CAISO_NODES).toEqual(['TH_NP15_GEN-APND', 'N1']);
  });

  test.each([
    ['CAISO_NODES', 'CAISO:TH_NP15_GEN-APND'],
    ['CAISO_REPORTS', 'PRC_LMP,PRC_SOMETHING'],
    ['CAISO_OASIS_URL', 'ftp://oasis'],
    ['CAISO_REQUEST_SPACING_MS', '-1'],
    ['CAISO_LOOKBACK_HOURS', 'soon'],
    ['CAISO_CORRECTIONS_DAYS', '61'],
    ['CAISO_CORRECTIONS_DAYS', '-1'],
  ])('a wrong %s is named', (name, value) => {
    expect(() => readConfig({ [name]: value }, [CAISO_ENV])).toThrow(new RegExp(`${name}: `));
  });
});

interface Beginning {
  readonly now: string;
  readonly nodes?: readonly string[];
  readonly limits?: Partial<OasisLimits>;
  readonly env?: Readonly<Record<string, string>>;
  readonly corrections?: 'notice' | 'prices';
}

async function begin({ now, nodes = NODES, limits = {}, env = {}, corrections = 'notice' }: Beginning) {
  const clock = skippingClock(at(now));
  const oasis = await stand({ now: clock.now, nodes, limits, corrections });
  const all = { CAISO_NODES: nodes.join(','), CAISO_OASIS_URL: oasis.url, ...env };
  const settings = readConfig(all, [CAISO_ENV]).settings(CAISO_ENV);
  const poller = createOasisPoller(settings, sourcePartsOn(clock));
  cleanups.push(() => poller.close());
  return { clock, oasis, poller, settings };
}

async function stand(options: Parameters<typeof startOasis>[0]): Promise<Oasis> {
  const oasis = await startOasis(options);
  cleanups.push(() => oasis.close());
  return oasis;
}

async function all(
  poller: Poller,
  report: PartitionName,
  position: number | undefined,
  now: number,
): Promise<Fetched[]> {
  const fetched: Fetched[] = [];
  for await (const each of poller.poll(report, position, now, never)) fetched.push(each);
  return fetched;
}

/** `20240702T10:00-0000` */
function isoOfOasis(text: string): string {
  return `${text.slice(0, 4)}-${text.slice(4, 6)}-${text.slice(6, 14)}:00.000Z`;
}

async function factsIn(fetched: readonly Fetched[]) {
  const decoded = await Promise.all(fetched.map((each) => decodeOasisLmp(each.payload)));
  expect(decoded.flatMap((each) => each.rejects)).toEqual([]);
  return decoded.flatMap((each) => each.facts);
}

function spacings({ requests }: Oasis): number[] {
  return requests.slice(1).map((request, i) => request.at - (requests[i]?.at ?? 0));
}
