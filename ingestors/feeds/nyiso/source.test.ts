import { afterEach, describe, expect, test } from 'vitest';
import { isBusbarError } from '../../../domain/errors.ts';
import { HOUR_MS, isoFromInstant, MINUTE_MS } from '../../../domain/instant.ts';
import type { NodeName } from '../../../domain/market.ts';
import { readConfig } from '../../../runtime/config.ts';
import { sourcePartsOn, TURNS_AT_ONCE } from '../../../tests/support/source-parts.ts';
import type { Clock, Fetched } from '../../feed.ts';
import { createReportPoller } from '../../sources/report-poller.ts';
import { systemClock } from '../../sources/system-clock.ts';
import { type NyisoOptions, startNyiso } from '../../stand-ins/nyiso.ts';
import { decodeLbmp } from './decode.ts';
import type { ReportName } from './reports.ts';
import { fileAsked, nyisoRequests } from './requests.ts';
import { NYISO_ENV } from './settings.ts';
import { createNyisoSource } from './source.ts';

const at = (iso: string) => Date.parse(iso);
const never = new AbortController().signal;
const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

describe('a request', () => {
  const NOW = at('2024-07-15T16:00Z');
  const texts = (name: ReportName, from: string, to: string) =>
    nyisoRequests(name, { from: at(from), to: at(to), nodes: undefined }, NOW).map(({ request }) => request);

  test('is a file an operating day; a day that ended more than a week ago is in its month’s archive', () => {
    expect(texts('realtime_gen', '2024-07-07T12:00Z', '2024-07-09T04:00:00.001Z')).toEqual([
      'realtime/20240701realtime_gen_csv.zip#20240707realtime_gen.csv',
      'realtime/20240708realtime_gen.csv',
      'realtime/20240709realtime_gen.csv',
    ]);
    expect(texts('damlbmp_zone', '2024-06-30T04:00Z', '2024-07-01T04:00Z')).toEqual([
      'damlbmp/20240601damlbmp_zone_csv.zip#20240630damlbmp_zone.csv',
    ]);
  });

  test('covers its operating day, of 23 or 25 hours as well', () => {
    const hours = (day: string) =>
      nyisoRequests('rtlbmp_zone', { from: at(day), to: at(day) + 1, nodes: undefined }, NOW).map(
        ({ from, to }) => (to - from) / HOUR_MS,
      );
    expect([hours('2024-03-10T12:00Z'), hours('2024-11-03T12:00Z')]).toEqual([[23], [25]]);
  });

  test('of an empty range is none', () => {
    expect(texts('realtime_zone', '2024-07-15T12:00Z', '2024-07-15T12:00Z')).toEqual([]);
    expect(texts('realtime_zone', '2024-07-15T12:00Z', '2024-07-15T11:00Z')).toEqual([]);
  });

  test('brings all nodes, and those of another market are refused', () => {
    const range = { from: at('2024-07-14T12:00Z'), to: at('2024-07-14T13:00Z') };
    const named = (node: string) => nyisoRequests('realtime_zone', { ...range, nodes: [node as NodeName] }, NOW);
    expect(named('NYISO:WEST').map(({ request }) => request)).toEqual(['realtime/20240714realtime_zone.csv']);
    expect(() => named('PJM:WEST')).toThrow(/PJM:WEST is no node of NYISO/);
  });

  test('is read back, and nothing else is one', () => {
    for (const text of [
      'realtime/20240703realtime_zone.csv',
      'realtime/20240701realtime_zone_csv.zip#20240703realtime_zone.csv',
    ])
      expect(fileAsked('realtime_zone', text)?.day).toEqual({ year: 2024, month: 7, day: 3 });
    for (const text of [
      'realtime/20240703realtime_gen.csv',
      'realtime/20240732realtime_zone.csv',
      'realtime/20240703realtime_zone.csv?x',
      '../realtime/20240703realtime_zone.csv',
      'realtime/20240601realtime_zone_csv.zip#20240703realtime_zone.csv',
      '',
    ])
      expect(fileAsked('realtime_zone', text)).toBeUndefined();
  });
});

describe('a poll', () => {
  test('of 5-minute prices brings what is dispatched and stays behind what may still change', async () => {
    const { fetched, clock } = await begin({ now: '2024-07-03T14:02Z' });
    const answers = await fetched('realtime_zone', at('2024-07-03T12:00Z'));
    expect(answers.map(({ request, next }) => [request, isoFromInstant(next)])).toEqual([
      ['realtime/20240703realtime_zone.csv', '2024-07-03T12:00:00.000Z'],
    ]);
    const facts = await factsIn(answers);
    expect(isoFromInstant(Math.max(...facts.map(({ endAt }) => endAt)))).toBe('2024-07-03T14:05:00.000Z');
    expect(facts).toHaveLength(2 * (10 * 12 + 2));
    clock.advance(30 * MINUTE_MS);
    expect((await fetched('realtime_zone', answers[0]?.next)).map(({ next }) => isoFromInstant(next))).toEqual([
      '2024-07-03T12:30:00.000Z',
    ]);
  });

  test('just after midnight asks for the day before as well, whose last interval is in its own file', async () => {
    const { fetched } = await begin({ now: '2024-07-03T04:07Z' });
    const answers = await fetched('realtime_zone', at('2024-07-03T02:05Z'));
    expect(answers.map(({ request }) => request)).toEqual([
      'realtime/20240702realtime_zone.csv',
      'realtime/20240703realtime_zone.csv',
    ]);
    const ends = (await factsIn(answers)).map(({ endAt }) => endAt);
    expect(ends).toContain(at('2024-07-03T04:00Z'));
    expect(Math.max(...ends)).toBe(at('2024-07-03T04:10Z'));
  });

  test.each([
    // The look-ahead reaches into the repeated hour, and does not yet show that it comes twice.
    ['2024-11-03T04:37Z', '2024-11-03T04:40Z', 1],
    ['2024-11-03T04:52Z', '2024-11-03T04:55Z', 1],
    ['2024-11-03T05:32Z', '2024-11-03T05:35Z', 0],
    ['2024-11-03T06:32Z', '2024-11-03T06:35Z', 0],
    ['2024-11-03T07:32Z', '2024-11-03T07:35Z', 0],
  ])('of the day of 25 hours at %s brings the prices to %s', async (now, reached, ambiguous) => {
    const { fetched } = await begin({ now });
    const [answer] = await fetched('realtime_zone', at('2024-11-03T04:30Z'));
    const { facts, rejects } = await decodeLbmp(answer?.payload ?? NOTHING);
    expect(facts).toHaveLength(2 * ((at(reached) - at('2024-11-03T04:00Z')) / (5 * MINUTE_MS)));
    expect(Math.max(...facts.map(({ endAt }) => endAt))).toBe(at(reached));
    expect(rejects.map(({ code }) => code)).toEqual(Array.from({ length: ambiguous }, () => 'AMBIGUOUS_TIME'));
  });

  test('of the day-ahead report asks for tomorrow from 10:00 on until it is there, and then for nothing', async () => {
    const { fetched, clock, nyiso } = await begin({ now: '2024-07-02T13:30Z' });
    let position: number | undefined = at('2024-07-03T04:00Z');
    const asked: string[] = [];
    for (const minutes of [0, 60, 60, 10]) {
      clock.advance(minutes * MINUTE_MS);
      const answers: readonly Fetched[] = await fetched('damlbmp_zone', position);
      position = answers.at(-1)?.next ?? position;
      asked.push(nyiso.requests.map((request) => request.slice(0, 3)).join(' '));
    }
    expect(asked).toEqual(['', '404', '404 200', '404 200']);
    expect(isoFromInstant(position)).toBe('2024-07-04T04:00:00.000Z');
  });

  test('passes a day that was never published only where it is settled, and says that it asked', async () => {
    const { fetched } = await begin({ now: '2024-07-03T12:00Z', missingDays: ['2024-07-02', '2024-07-03'] });
    const answers = await fetched('rtlbmp_zone', at('2024-07-02T04:00Z'));
    expect(answers.map(({ next }) => isoFromInstant(next))).toEqual([
      '2024-07-03T04:00:00.000Z',
      '2024-07-03T09:00:00.000Z',
    ]);
    for (const { payload } of answers) await expect(decodeLbmp(payload)).rejects.toMatchObject({ code: 'NO_DATA' });
  });

  test('does not fetch again what was not modified, and says when it was', async () => {
    const { fetched, clock, nyiso } = await begin({ now: '2024-07-03T14:02Z' });
    const [first] = await fetched('realtime_zone', at('2024-07-03T12:00Z'));
    clock.advance(MINUTE_MS);
    const [second] = await fetched('realtime_zone', at('2024-07-03T12:00Z'));
    clock.advance(5 * MINUTE_MS);
    const [third] = await fetched('realtime_zone', at('2024-07-03T12:00Z'));
    expect(nyiso.requests.map((request) => request.slice(0, 3))).toEqual(['200', '304', '200']);
    expect(second?.payload.bytes).toEqual(first?.payload.bytes);
    expect(third?.payload.bytes.length).toBeGreaterThan(first?.payload.bytes.length ?? 0);
    expect([first, second, third].map((each) => isoFromInstant(each?.publishedAt ?? 0).slice(11, 16))).toEqual([
      '14:00',
      '14:00',
      '14:05',
    ]);
  });
});

describe('the archive', () => {
  test('gives its days one by one, and is fetched once', async () => {
    const { poller, nyiso } = await begin({ now: '2024-07-15T16:00Z' });
    const range = { from: at('2024-06-03T12:00Z'), to: at('2024-06-05T12:00Z'), nodes: undefined };
    const requests = nyisoRequests('realtime_gen', range, at('2024-07-15T16:00Z'));
    const answers = [];
    for (const { request } of requests) answers.push(await poller.fetch('realtime_gen', request, never));
    const facts = await factsIn(answers);
    expect(new Set(facts.map(({ node }) => node))).toEqual(new Set(['NYISO:ASTORIA 2', 'NYISO:BOWLINE 1']));
    expect(facts).toHaveLength(3 * 2 * 289);
    expect(nyiso.requests).toEqual([
      '200 realtime/20240601realtime_gen_csv.zip',
      '304 realtime/20240601realtime_gen_csv.zip',
      '304 realtime/20240601realtime_gen_csv.zip',
    ]);
  });

  test.each([
    ['has no such day', 'rtlbmp/20240601rtlbmp_zone_csv.zip#20240603rtlbmp_zone.csv'],
    ['is not there', 'rtlbmp/20250601rtlbmp_zone_csv.zip#20250603rtlbmp_zone.csv'],
  ])('that %s has no data', async (_, request) => {
    const { poller } = await begin({ now: '2024-07-15T16:00Z', missingDays: ['2024-06-03'] });
    const { payload } = await poller.fetch('rtlbmp_zone', request, never);
    await expect(decodeLbmp(payload)).rejects.toMatchObject({ code: 'NO_DATA' });
  });

  test('is where a day is looked for that has moved there since it was planned', async () => {
    const { poller, nyiso } = await begin({ now: '2024-07-15T16:00Z' });
    const answer = await poller.fetch('rtlbmp_zone', 'rtlbmp/20240603rtlbmp_zone.csv', never);
    expect(await factsIn([answer])).toHaveLength(2 * 24);
    expect(nyiso.requests).toEqual(['404 rtlbmp/20240603rtlbmp_zone.csv', '200 rtlbmp/20240601rtlbmp_zone_csv.zip']);
  });

  test.each([
    ['a page', 'PAGE', 5],
    ['cut off', { cutOff: 200 }, 5],
  ] as const)('that stays %s fails, and is fetched anew', async (_, fault, times) => {
    const { poller, nyiso } = await begin({ now: '2024-07-15T16:00Z' });
    const request = 'rtlbmp/20240601rtlbmp_zone_csv.zip#20240603rtlbmp_zone.csv';
    nyiso.failNext(fault, times);
    await expect(poller.fetch('rtlbmp_zone', request, never)).rejects.toMatchObject({ code: 'SOURCE_FAILED' });
    expect(await factsIn([await poller.fetch('rtlbmp_zone', request, never)])).toHaveLength(2 * 24);
  });
});

describe('what NYISO does when it does not answer', () => {
  test.each([
    ['a status 503', 'SERVER_ERROR'],
    ['a status 429', 'THROTTLED'],
    ['a page with status 200', 'PAGE'],
    ['a file that is cut off', { cutOff: 5 }],
    ['a connection that dies', 'CUT'],
  ] as const)('%s is asked for again', async (_, fault) => {
    const { fetched, nyiso } = await begin({ now: '2024-07-03T14:02Z' });
    nyiso.failNext(fault, 2);
    expect(await factsIn(await fetched('rtlbmp_zone', at('2024-07-03T12:00Z')))).toHaveLength(2 * 10);
    expect(nyiso.requests).toHaveLength(3);
  });

  test.each([
    ['a page that stays', 'PAGE', 5, 'SOURCE_FAILED'],
    ['a status 429 that stays', 'THROTTLED', 5, 'THROTTLED'],
    ['a status 403', { status: 403 }, 1, 'SOURCE_REFUSED'],
  ] as const)('%s fails the poll', async (_, fault, times, code) => {
    const { fetched, nyiso } = await begin({ now: '2024-07-03T14:02Z' });
    nyiso.failNext(fault, times);
    const error = await fetched('rtlbmp_zone', at('2024-07-03T12:00Z')).catch((reason: unknown) => reason);
    expect(isBusbarError(error, code)).toBe(true);
    expect(nyiso.requests).toHaveLength(times);
  });

  test('a line that stays cut off is a reject, and the lines before it are brought', async () => {
    const { fetched, nyiso } = await begin({ now: '2024-07-03T14:02Z' });
    nyiso.failNext({ cutOff: 5 }, 5);
    const [answer] = await fetched('rtlbmp_zone', at('2024-07-03T12:00Z'));
    const { facts, rejects } = await decodeLbmp(answer?.payload ?? NOTHING);
    expect([facts.length, rejects.length]).toEqual([2 * 10 - 1, 1]);
  });

  test('an answer that stalls ends with the poll that waits for it', async () => {
    const { poller, nyiso } = await begin({ now: '2024-07-03T14:02Z' });
    nyiso.failNext('STALL');
    const polling = new AbortController();
    const reading = collect(
      poller.poll('rtlbmp_zone', at('2024-07-03T12:00Z'), at('2024-07-03T14:02Z'), polling.signal),
    );
    await expect.poll(() => nyiso.requests.length).toBe(1);
    polling.abort();
    expect(await reading).toEqual([]);
  });
});

const NOTHING = { bytes: Buffer.alloc(0), name: 'nothing' };

async function begin({ now, ...options }: { readonly now: string } & Partial<Pick<NyisoOptions, 'missingDays'>>) {
  const clock = skippingClock(at(now));
  const nyiso = await startNyiso({
    now: clock.now,
    zones: ['N.Y.C.', 'WEST'],
    generators: ['ASTORIA 2', 'BOWLINE 1'],
    ...options,
  });
  cleanups.push(() => nyiso.close());
  const settings = readConfig({ NYISO_NODES: 'N.Y.C.', NYISO_URL: `${nyiso.url}/` }, [NYISO_ENV]).settings(NYISO_ENV);
  const poller = createReportPoller(createNyisoSource(settings, sourcePartsOn(clock, TURNS_AT_ONCE)));
  cleanups.push(() => poller.close());
  const fetched = (name: ReportName, position: number | undefined) =>
    collect(poller.poll(name, position, clock.now(), never));
  return { clock, nyiso, poller, fetched };
}

/** Sleeping takes no time, and stands still: the day is what the tests are about. */
function skippingClock(begin: number): Clock & { advance(ms: number): void } {
  let now = begin;
  return {
    now: () => now,
    sleep: async (_, signal) => signal?.throwIfAborted(),
    deadline: systemClock.deadline,
    advance: (ms) => {
      now += ms;
    },
  };
}

async function collect(answers: AsyncIterable<Fetched>): Promise<readonly Fetched[]> {
  const all: Fetched[] = [];
  for await (const each of answers) all.push(each);
  return all;
}

async function factsIn(answers: readonly Pick<Fetched, 'payload'>[]) {
  const decoded = await Promise.all(answers.map(({ payload }) => decodeLbmp(payload)));
  expect(decoded.flatMap(({ rejects }) => rejects)).toEqual([]);
  return decoded.flatMap(({ facts }) => facts);
}
